"""A new kind of data is one file: three that only entry points make known go through every command.

The toys lie in ``toys``, laid out like an installed package: one file for each kind, one for each
recipe. Commands are processes, as a user runs them; nothing of gannet knows their names.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gannet.modalities.registry import find_modality, modality_modules

TOYS = Path(__file__).with_name("toys")
KINDS = ("toy_sound", "toy_points", "toy_tokens")
TINY = ("--batch=64", "--latent-dim=4", "--threads=1", "--precision=float32", "--save-seconds=0")
LONG_ENOUGH = ("--steps=64",)
"""For a judge."""

SECONDS = 300
"""For one command, on a machine with much else to do."""


def raws(kind):
    """Raw samples of a toy kind."""
    rng = np.random.default_rng(0)
    if kind == "toy_sound":
        waves = np.sin(rng.uniform(0.05, 0.4, (90, 1)) * np.arange(48))
        return list((waves * 20_000).astype(np.int16))
    if kind == "toy_points":
        return list(rng.normal(size=(90, 6, 3)) * 5)
    return list(rng.integers(0, 5, (90, 7)))


@dataclass
class Shell:
    """Runs gannet with the toys installed."""

    folder: Path

    def start(self, *words):
        path = os.pathsep.join([str(TOYS), *(each for each in sys.path if each)])
        return subprocess.Popen(
            [sys.executable, "-m", "gannet", *map(str, words)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words):
        """Run a command that must succeed, and return what it printed."""
        process = self.start(*words)
        out, error = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, f"{words}\n{out}\n{error}"
        return out


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory):
    """A folder with data of a toy kind in two classes, and a run on them."""
    kind = request.param
    shell = Shell(tmp_path_factory.mktemp(kind))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOYS))
        modality = find_modality(kind)
        made = raws(kind)
        codec = modality.codec.fit(made)
        for number, raw in enumerate(made):
            place = shell.folder / "data" / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            codec.write(raw, place / f"{number:02}{modality.item_suffix}")
    shell("train", "data", "--out", "run", *LONG_ENOUGH, *TINY)
    return kind, modality, shell


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_nothing_but_entry_points_knows_the_toys():
    assert not set(KINDS) & set(modality_modules())


def test_it_is_inspected(trained):
    kind, modality, shell = trained
    printed = shell("inspect", "data")
    assert f"90 {modality.noun[1]}" in printed
    found = json.loads(shell("inspect", "data", "--json"))
    assert found["kind"] == kind
    assert found["recipe"] == f"{kind}_gan"
    assert found["usable"]
    assert found["classes"] == {"a": 45, "b": 45}


def test_a_killed_run_is_resumed_and_ends_with_the_same_bits(trained):
    _, _, shell = trained
    words = ("train", "data", "--out", "killed", *LONG_ENOUGH, *TINY)
    process = shell.start(*words)
    saved = shell.folder / "killed" / "checkpoint.pt"
    until = time.monotonic() + SECONDS
    while not saved.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    shell(*words)
    bits = [(shell.folder / run / "model.safetensors").read_bytes() for run in ("run", "killed")]
    assert bits[0] == bits[1]


def test_it_is_sampled_into_every_form_of_its_kind_and_into_a_folder(trained):
    _, modality, shell = trained
    for suffix in modality.writers:
        shell("sample", "run", "--count", 3, "--out", f"made{suffix}")
        assert (shell.folder / f"made{suffix}").exists()
        judged = json.loads(shell("judge", "run", f"made{suffix}", "--json"))
        assert len(judged["judgments"]) == 3
    shell("sample", "run", "--count", 3, "--out", "folder", "--label", "a")
    names = sorted(each.name for each in (shell.folder / "folder").iterdir())
    assert names == [*(f"{row:05}{modality.item_suffix}" for row in range(3)), "metadata.csv"]


def test_its_files_are_judged(trained):
    _, _, shell = trained
    found = json.loads(shell("judge", "run", "data/a", "--json"))
    assert len(found["judgments"]) == 45
    given = [each for each in found["judgments"] if each["real"] is not None]
    assert all(0 <= each["real"] <= 1 for each in given)
    assert all(each["reason"] for each in found["judgments"] if each["real"] is None)
    assert sum(each["novel"] for each in found["judgments"]) <= 4, "training samples are strangers"
    assert {each["name"] for each in found["controls"]} >= {"own fakes", "noise", "other kinds"}


def test_a_run_that_transforms_nothing_says_so(trained):
    _, modality, shell = trained
    process = shell.start("apply", "run", f"data/a/00{modality.item_suffix}", "--out", "x")
    _, error = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert "makes samples from nothing" in error
    assert "Traceback" not in error


def test_it_is_evaluated_compared_and_reported(trained):
    kind, modality, shell = trained
    words = ("--count", 16, "--features", "random", "--out")
    printed = shell("evaluate", "run", "data", *words, "report")
    assert "c2st accuracy" in printed
    text = (shell.folder / "report" / "report.md").read_text()
    assert "frechet" in text
    assert "nearest training row" not in text
    report = json.loads((shell.folder / "report" / "report.json").read_text())
    assert len(report["scores"]) > 5
    assert report["noun"] == list(modality.noun)
    shell("train", "data", "--out", "other", "--steps", 20, "--seed", 1, *TINY)
    assert "frechet" in shell("compare", "run", "other", "--data", "data", *words, "compared")
    shell("train", "data", "--out", "copies", "--recipe", "baseline_copies")
    assert "copies" in shell("compare", "run", "copies", "--data", "data", *words, "against")
    card = (shell.folder / "run" / "README.md").read_text()
    assert "tabular" not in card, "a new kind was taken for a table"
    assert "image" not in card, "a new kind was taken for images"
    pytest.importorskip("jinja2")
    page = (shell.folder / "report" / "report.html").read_text()
    assert kind in page or modality.noun[1] in page or "run" in page
