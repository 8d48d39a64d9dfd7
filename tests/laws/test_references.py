"""Each score that there is, is held to an independent answer by a test."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from benchmarks.references import ROOT, scores_there

FOLDER = ROOT / "tests" / "reference"


def marked() -> dict[str, set[str]]:
    """Scores, as their pages are called, to the tests that compare them."""
    found: dict[str, set[str]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"tests.reference.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_") or test.__module__ != module.__name__:
                continue
            marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "reference"]
            if marks and "agree(" not in inspect.getsource(test):
                pytest.fail(f"{path.name}: {name} is marked, and compares nothing")
            for score in (score for mark in marks for score in mark.args):
                found.setdefault(score, set()).add(name)
    return found


def test_every_score_has_a_reference():
    there, compared = scores_there(), marked()
    without = there - compared.keys()
    print(f"references: {len(there & compared.keys())} of {len(there)} scores")
    assert not without, f"no test under {FOLDER.name} has @reference({', '.join(sorted(without))})"
    assert not compared.keys() - there, "marked is what is no score"


def test_the_scores_are_those_that_have_a_page():
    pages = {page.stem for page in (ROOT / "docs" / "scores").glob("*.md")} - {"all-scores"}
    assert scores_there() == pages


def test_a_new_score_is_noticed(tmp_path: Path):
    (tmp_path / "one.py").write_text('NEW = documented(\n    "brand new", "what it says"\n)\n')
    assert scores_there(tmp_path) == {"brand-new"}
    assert not scores_there(tmp_path) & marked().keys()
