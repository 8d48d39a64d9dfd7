"""Files are written whole or not at all, and a disk that refuses is one clear error."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gannet.core.errors import GannetError
from gannet.core.io.files import append_line, holding, write_whole


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
