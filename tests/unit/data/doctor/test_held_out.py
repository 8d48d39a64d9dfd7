"""It is said when a class or a cluster of samples is on one side of the split only."""

from __future__ import annotations

import numpy as np
import torch

from gannet.data.doctor.held_out import absent

RNG = np.random.default_rng(0)
NONE = np.full(1_000, -1)


def blobs(counts):
    """Rows around the corners of a square, as many of each as told."""
    corners = np.array([[0, 0], [20, 0], [0, 20], [20, 20]])
    return torch.from_numpy(
        np.concatenate([RNG.normal(corners[at], 1, (n, 2)) for at, n in enumerate(counts)])
    )


def test_a_cluster_of_which_none_is_held_out_is_severe():
    train, held_out = blobs([200] * 4), blobs([30, 30, 30, 0])
    [found] = absent(train, held_out, NONE[:800], NONE[:90], ())
    assert (found.code, found.severity) == ("mode_on_one_side", "severe")
    assert found.evidence["absent_from"] == "held out"


def test_a_cluster_that_is_only_held_out_is_severe():
    [found] = absent(blobs([200, 200, 200, 0]), blobs([30] * 4), NONE[:600], NONE[:120], ())
    assert found.evidence["absent_from"] == "trained on"


def test_a_fair_split_is_left_in_peace():
    assert not list(absent(blobs([200] * 4), blobs([30] * 4), NONE[:800], NONE[:120], ()))


def test_a_class_of_which_none_is_held_out_is_named():
    labels = np.repeat([0, 1], 100)
    rows = torch.randn(200, 2)
    found = list(absent(rows, rows[:50], labels, labels[:50], ("cat", "dog")))
    assert [each.code for each in found] == ["class_not_held_out"]
    assert "dog" in found[0].sentence
