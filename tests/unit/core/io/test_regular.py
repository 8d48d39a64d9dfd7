"""Pipes, devices and endless files are refused at once; so is what is too large."""

from __future__ import annotations

import os
import socket

import pytest

from gannet.core.io.regular import check_regular, open_regular, read_bytes, read_text, real_path


@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.png")
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        open_regular(tmp_path / "p.png")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_not_read(tmp_path, device):
    (tmp_path / "d.png").symlink_to(device)
    with pytest.raises(OSError, match="it is a device, not a file"):
        read_bytes(tmp_path / "d.png", 100)


def test_a_folder_and_a_socket_are_named_as_what_they_are(tmp_path, monkeypatch):
    with pytest.raises(OSError, match="it is a folder"):
        check_regular(tmp_path)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        with pytest.raises(OSError, match="it is a socket, not a file"):
            check_regular(tmp_path / "s")


def test_a_link_to_a_file_is_followed_and_one_to_nothing_is_missing(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert read_text(tmp_path / "link") == "text"
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "gone")


def test_no_more_is_read_than_is_allowed(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)  # sparse: it takes no room
    with pytest.raises(OSError, match="larger than 1 MiB"):
        read_bytes(tmp_path / "large", 2**20)


def test_links_that_lead_in_a_circle_are_a_path_all_the_same(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert real_path(tmp_path / "loop").name == "loop"
