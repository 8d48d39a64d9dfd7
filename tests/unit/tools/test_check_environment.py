"""Packages that break others are found, installed or pinned."""

from __future__ import annotations

import pytest

from tools import check_environment
from tools.check_environment import main, pinned


@pytest.mark.parametrize("line", ["torchvision==0.28.0", "torchaudio >= 2", "TorchCodec"])
def test_a_pinned_one_is_found(line):
    assert pinned(f"torch==2.13.0\n{line}\nnumpy==2.4.0\n") == [
        line.split("=")[0].split()[0].lower()
    ]


def test_ours_are_in_order(capsys):
    assert main() == 0, capsys.readouterr().out


def test_an_installed_one_is_found(monkeypatch, capsys):
    class Installed:
        metadata = {"Name": "torchvision"}  # noqa: RUF012

    monkeypatch.setattr(check_environment, "distributions", lambda: [Installed()])
    assert main() == 1
    assert "pip uninstall torchvision" in capsys.readouterr().out
