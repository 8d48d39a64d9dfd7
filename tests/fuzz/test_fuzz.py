"""A short run of the fuzzers: no traceback, no hang, no damage in silence."""

from __future__ import annotations

import time

import pytest

from tests.fuzz.run import attack, remove, small_run

ATTACKS = 200
SECONDS = 15
"""After so long no attack is begun: on a slow machine fewer are made."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("fuzz"))


def test_no_attack_does_any_harm(run, tmp_path):
    faults, done, until = list[str](), 0, time.monotonic() + SECONDS
    for seed in range(ATTACKS):
        out = tmp_path / str(seed)
        out.mkdir()
        what, fault = attack(run, seed, out)
        remove(out)
        done += 1
        faults += [f"seed {seed}: {what[:200]!r}: {fault}"] if fault else []
        if time.monotonic() > until:
            break
    assert done >= 10
    assert not faults, "\n".join(faults)
