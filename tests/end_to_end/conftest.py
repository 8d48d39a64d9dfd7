"""Commands as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

WARM = Path(__file__).with_name("warm.py")
SECONDS = 300
"""For one command, on a machine with much else to do."""


@dataclass
class Running:
    """A command under way."""

    warm: Warm
    number: int
    output: Path

    def send(self, signal_number):
        os.kill(self.number, signal_number)

    def end(self):
        """Wait, and return what came of it."""
        code = self.warm.ask({"wait": self.number})
        read = [
            self.output.with_name(self.output.name + end).read_text() for end in (".out", ".err")
        ]
        return subprocess.CompletedProcess(self.number, code, *read)

    def wait_for(self, seen, what=""):
        """Wait until ``seen`` is true."""
        until = time.monotonic() + SECONDS
        while not seen():
            assert time.monotonic() < until, f"{what} did not happen in {SECONDS} s"
            time.sleep(0.01)


class Warm:
    """Starts commands, see ``warm.py``."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.process = subprocess.Popen(
            [sys.executable, str(WARM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"},
        )
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, *words, folder=None, largest=0):
        """Start a command; ``largest`` bounds the size of a file, as a full disk would."""
        self.count += 1
        output = self.folder / f"output-{self.count}"
        request = {"words": [str(word) for word in words], "folder": str(folder or self.folder)}
        number = self.ask(request | {"output": str(output), "largest": largest})
        return Running(self, number, output)

    def __call__(self, *words, folder=None, largest=0):
        return self.start(*words, folder=folder, largest=largest).end()

    def works(self, *words, folder=None):
        """Run a command that must succeed, and return what it printed."""
        done = self(*words, folder=folder)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refuses(self, *words, largest=0):
        """Run a command that must be refused with one clear error, and return the error."""
        done = self(*words, largest=largest)
        assert done.returncode == 2, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.stderr.startswith("gannet: ")
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture(scope="session")
def gannet(tmp_path_factory):
    """The command line: ``gannet("train", data, "--out", run)``."""
    warm = Warm(tmp_path_factory.mktemp("commands"))
    yield warm
    warm.process.stdin.close()
    if warm.process.wait(60) != 0:
        warm.process.send_signal(signal.SIGKILL)
    warm.process.stdout.close()


@pytest.fixture(scope="session")
def trained(gannet, squares, tmp_path_factory):
    """A small run on the squares, with classes."""
    run = tmp_path_factory.mktemp("trained") / "run"
    printed = gannet.works("train", squares, "--out", run, *TINY, "--steps", 50)
    (run.parent / "printed.txt").write_text(printed)
    return run


@pytest.fixture(scope="session")
def trained_rows(gannet, points, tmp_path_factory):
    """A small run on the points."""
    run = tmp_path_factory.mktemp("trained_rows") / "run"
    gannet.works("train", points, "--out", run, *TINY, "--steps", 25)
    return run


TINY = ["--width=4", "--latent-dim=6", "--batch=8", "--threads=1", "--precision=float32"]


@pytest.fixture(scope="session")
def tiny():
    """Settings for networks that take no time; the rest is measured and might differ."""
    return TINY
