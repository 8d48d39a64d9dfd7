"""A private word is found wherever a name can stand, and names kept on purpose are not."""

from __future__ import annotations

import pytest

from tools.check_words import KEPT, PRIVATE, faults, parts

LINES = {
    "told = 1": "told",
    "def spread_of(x): ...": "spread_of",
    "class Heap: ...": "Heap",
    "f(share=1)": "share",
    "def f(made): ...": "made",
    "x.verdict": "verdict",
}


@pytest.mark.parametrize("line", LINES)
def test_a_private_word_is_found(tmp_path, line):
    path = tmp_path / "a.py"
    path.write_text(f"import numpy as np\n{line}\n")
    [fault] = faults(path)
    assert f":2: {LINES[line]}: write" in fault


@pytest.mark.parametrize("line", ["np.floor(1)", "batches_seen = 2", "shared = 1", "'told'"])
def test_an_ordinary_name_is_not(tmp_path, line):
    path = tmp_path / "a.py"
    path.write_text(line)
    assert not list(faults(path))


def test_what_is_kept_would_be_found():
    assert all(any(part in PRIVATE for part in parts(name)) for name in KEPT)
