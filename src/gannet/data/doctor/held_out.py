"""Whether the held-out part holds what the training part holds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gannet.core.types import IntArray
from gannet.metrics.modes.kmeans import assigned, centers
from gannet.modalities.findings import Finding

MODES = 12
"""Most clusters that samples are sorted into."""

PER_MODE = 20
"""Samples of training for each of them."""

UNLIKELY = 8.0
"""Negative logarithm of the chance that a class, or several clusters, are on one side only."""

EACH = 3.0
"""The same for each of these clusters."""


def absent(
    train: Tensor,
    held_out: Tensor,
    train_labels: IntArray,
    held_out_labels: IntArray,
    names: tuple[str, ...],
) -> Iterator[Finding]:
    """Classes and clusters of samples with many members in training of which none is held out.

    Args:
        train: ``(n, F)`` thumbnails.
        held_out: ``(m, F)`` thumbnails.
        train_labels: ``(n,)`` classes, -1 where unknown.
        held_out_labels: ``(m,)``.
        names: Of the classes.
    """
    part = len(held_out) / (len(train) + len(held_out))
    sizes = np.bincount(train_labels[train_labels >= 0], minlength=len(names))
    held = np.bincount(held_out_labels[held_out_labels >= 0], minlength=len(names))
    missing = np.flatnonzero((-sizes * math.log1p(-part) >= UNLIKELY) & (held == 0))
    if len(missing):
        classes = [names[int(each)] for each in missing]
        listed = ", ".join(classes[:5])
        yield Finding(
            code="class_not_held_out",
            severity="severe",
            sentence=f"no held-out sample is of class {listed}",
            evidence={"classes": classes},
            remedy="hold out more, or leave the class out; scores cannot see it",
        )
    count = min(MODES, len(train) // PER_MODE)
    if count < 2:
        return
    rows = torch.cat([train, held_out]).float().nan_to_num(0.0)
    rows = (rows - rows.mean(0)) / rows.std(0).clamp_min(1e-6)
    centroids = centers(rows, count, seed=0)
    found = assigned(rows, centroids)
    mine = found[: len(train)].bincount(minlength=count)
    theirs = found[len(train) :].bincount(minlength=count)
    for many, few, each, where in (
        (mine, theirs, -math.log1p(-part), "held out"),
        (theirs, mine, -math.log(part), "trained on"),
    ):
        missing = (few == 0) & (many * each >= EACH)
        alike = int(many[missing].sum())
        if alike * each >= UNLIKELY:
            yield Finding(
                code="mode_on_one_side",
                severity="severe",
                sentence=f"{alike} samples that look alike, of which none is {where}",
                evidence={"clusters": int(missing.sum()), "samples": alike, "absent_from": where},
                remedy="scores compare training and held-out samples, so their references are too "
                "high; add samples of this kind, or remove them",
            )
