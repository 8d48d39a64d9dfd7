"""No number changes by moving code: what recipes compute on small data is pinned.

Pinned are sums, since processors and libraries round differently; ``digests.py`` compares bits on
one machine. A change of a number is made on purpose: record again with ``python
tests/laws/digests.py --pin``, and say in the commit what changed and why.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.laws import digests

TOLERANCE = 0.02
"""Twelve steps of training from equal weights: other processors round differently on the way."""

DISCRETE = ("outputs", "report", "scores")
"""What hangs on single samples falling one way or the other."""


@pytest.fixture(scope="module")
def recorded():
    return digests.record_all(list(digests.PINNED))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", digests.PINNED)
def test_refactoring_changed_no_number(name, recorded):
    pinned, found = json.loads(digests.NUMBERS.read_text())[name], recorded[name]
    assert found.keys() == pinned.keys()
    for part, was in pinned.items():
        now = found[part]
        assert now["count"] == was["count"], f"{part}: another count of numbers"
        if part not in DISCRETE:
            near = pytest.approx(was["size"], rel=TOLERANCE)
            assert now["size"] == near, f"{part}: {now['size']}, pinned {was['size']}"


def test_a_changed_number_is_noticed():
    one = digests.digest_of([np.ones(4)])
    other = digests.digest_of([np.full(4, 1.1)])
    assert one["digest"] != other["digest"]
    assert other["size"] != pytest.approx(one["size"], rel=TOLERANCE)
