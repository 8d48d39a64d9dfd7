"""Files are written whole or not at all, and a disk that refuses is one clear error."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gannet.core.errors import GannetError
from gannet.core.io.files import TEMPORARY, append_line, holding, remove_temporaries, write_whole


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_what_stood_there(tmp_path, monkeypatch, number):
    path = tmp_path / "file"
    write_whole(path, b"before")
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(GannetError, match="the disk is full") as caught:
        write_whole(path, b"after")
    assert caught.value.where == str(path)
    assert "Free some space" in caught.value.remedy
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_place_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(errno.EROFS))
    with pytest.raises(GannetError, match="cannot be written: Read-only") as caught:
        write_whole(tmp_path / "file", b"")
    assert "may write to" in caught.value.remedy


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GannetError, match="cannot be written"):
        write_whole(tmp_path / "file" / "run" / "card.json", b"")


def test_folders_are_made_as_needed(tmp_path):
    write_whole(tmp_path / "a" / "b" / "file", b"x")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"x"


def test_readers_of_a_file_that_two_write_see_no_halves(tmp_path):
    """Each content is of one letter; a mixture or a part of one would be torn."""
    path, contents = tmp_path / "file", (b"a" * 200_000, b"b" * 200_000)
    write_whole(path, contents[0])
    done = threading.Event()

    def write(content):
        while not done.is_set():
            write_whole(path, content, sync=False)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for each in writers:
        each.start()
    try:
        assert {path.read_bytes() for _ in range(60)} <= {*contents}
    finally:
        done.set()
        for each in writers:
            each.join()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_no_planted_link_is_followed(tmp_path, monkeypatch):
    victim, path = tmp_path / "victim", tmp_path / "run" / "card.json"
    victim.write_text("mine")
    path.parent.mkdir()
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 12)
    (path.parent / f"{TEMPORARY}card.{'0' * 12}.json").symlink_to(victim)
    with pytest.raises(GannetError, match="cannot be written: File exists"):
        write_whole(path, b"theirs")
    monkeypatch.undo()
    path.symlink_to(victim)  # in place of the file itself it is replaced
    write_whole(path, b"theirs")
    assert victim.read_text() == "mine"
    assert path.read_bytes() == b"theirs"
    assert not path.is_symlink()


def test_names_as_long_as_the_disk_allows_are_written(tmp_path):
    for name in ("x" * 255, "ä" * 100 + "." + "z" * 50, "a.safetensors"):
        write_whole(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"


def test_files_have_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write_whole(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_killed_writers_left_is_removed(tmp_path):
    (tmp_path / f"{TEMPORARY}card.123.json").write_text("half")
    (tmp_path / "card.json").write_text("whole")
    remove_temporaries(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["card.json"]


def test_lines_are_added(tmp_path):
    for line in ("one", "two"):
        append_line(tmp_path / "file", line)
    assert (tmp_path / "file").read_text() == "one\ntwo\n"


def test_a_line_that_cannot_be_added_is_one_clear_error(tmp_path):
    with pytest.raises(GannetError, match="cannot be written"):
        append_line(tmp_path / "no_such_folder" / "file", "one")
    with pytest.raises(GannetError, match="the disk is full"):
        append_line(Path("/dev/full"), "one")


# -- holding -----------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from gannet.core.io.files import holding
with holding(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_that_is_held_cannot_be_held_again_until_it_is_let_go(tmp_path):
    path = tmp_path / "run" / "run.lock"
    with holding(path):
        with (
            pytest.raises(GannetError, match="another process is training") as caught,
            holding(path),
        ):
            pass
        assert caught.value.where == str(tmp_path / "run")
        assert "another folder" in caught.value.remedy
    with holding(path):
        pass
    assert path.read_bytes() == b""


def test_a_fault_lets_the_folder_go(tmp_path):
    def fail():
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"), holding(tmp_path / "run.lock"):
        fail()
    with holding(tmp_path / "run.lock"):
        pass


def test_a_killed_process_holds_nothing(tmp_path):
    path = tmp_path / "run.lock"
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(GannetError, match="another process is training"), holding(path):
                pass
        finally:
            other.send_signal(signal.SIGKILL)
    with holding(path):
        pass


def test_a_disk_without_locks_can_be_trained_on(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with holding(tmp_path / "run.lock"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GannetError, match="cannot be written"), holding(tmp_path / "file" / "lock"):
        pass
