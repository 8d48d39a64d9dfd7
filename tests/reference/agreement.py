"""Which scores a test holds to an independent answer, and how far the two lie apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

NEAR = 1e-4
"""Largest difference to an independent answer, unless a test says why it is larger."""

DIFFERENCES: dict[str, float] = {}
"""Largest difference of each score in the tests that have run."""


def reference(*scores: str) -> Callable[[Any], Any]:
    """Mark a test as one that compares scores, called as their pages are, with other answers."""
    return pytest.mark.reference(*scores)


def agree(score: str, found: ArrayLike, wanted: ArrayLike, near: float = NEAR) -> None:
    """Hold some values of a score to those of an independent answer.

    Args:
        score: As its page is called.
        found: By gannet.
        wanted: By the other.
        near: Largest difference; an absolute one, since most scores lie in 0..1.
    """
    ours, theirs = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert ours.shape == theirs.shape, f"{score}: {ours.shape} values, not {theirs.shape}"
    assert np.isfinite(theirs).all(), f"{score}: nothing to compare with"
    gap = float(np.abs(ours - theirs).max())
    assert gap <= near, f"{score}: {ours}, the reference {theirs}"
    DIFFERENCES[score] = max(DIFFERENCES.get(score, 0.0), gap)
