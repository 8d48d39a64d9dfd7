"""Attributes learned from a user's labels: classes, and numbers such as an age."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.seeding import random_subset
from gannet.data import dataset
from gannet.data.labels import LABEL_COLUMNS
from gannet.data.numeric_labels import number_columns
from gannet.inference.editing.attributes import Attribute, AttributeMeasure, Once, of_classes
from gannet.modalities.registry import find_modality
from gannet.networks.classifier import fit, picture_net, small_net
from gannet.networks.features import in_chunks

LABELED = 2_000
"""Maximum number of labelled images that are used."""

STEPS = 400
"""Training steps of the small network that predicts labels."""

APART = 4
"""One of so many images is held out to test predictions of numbers."""

FEWEST = 12
"""Minimum number of held-out images for that test."""

SURE = 1.96
"""Standard errors by which a correlation must exceed zero."""


def attributes_of(
    path: Path, codec: Codec[Any], seed: int, taken: Sequence[str] = (), *, steps: int = STEPS
) -> tuple[Attribute, ...]:
    """Attributes learned from labelled images: log-odds of each class, and each number.

    Args:
        path: Images in class folders, or with a table.
        codec: Codec of the run.
        seed: Seed of the training.
        taken: Names that numbers must not have.
        steps: Training steps of each network.

    Raises:
        DataError: if there are neither classes nor numbers that can be predicted from images.
    """
    numbers = number_columns(path) if path.is_dir() else {}
    only_numbers = any(name.strip().lower() in LABEL_COLUMNS for name in numbers)
    source = dataset.find(path, label="" if only_numbers else None)
    if source.kind != codec.kind or (len(source.classes) < 2 and not numbers):
        raise DataError(
            "no images with labels of two or more classes, nor with numbers",
            where=str(path),
            remedy="Give class folders, or images with a table that has a column called label, "
            "or columns of numbers.",
        )
    places = random_subset(source.count, min(source.count, LABELED), seed)
    encode = find_modality(codec.kind).inference.encode
    pictures = encode(codec, [source.raw(at) for at in places])
    found: list[Attribute] = []
    if len(source.classes) > 1:
        found += _of_classes(pictures, source.labels[places], source.classes, seed, steps)
    if numbers:
        told = {
            f"label {name}" if name in taken else name: values[places]
            for name, values in numbers.items()
        }
        found += _of_numbers(pictures, told, seed, steps, where=str(path), alone=not found)
    return tuple(found)


def _of_classes(
    pictures: Tensor, numbers: NDArray[np.int64], classes: Sequence[str], seed: int, steps: int
) -> tuple[Attribute, ...]:
    labels = torch.from_numpy(numbers)
    known = labels >= 0
    network = small_net(pictures, len(classes), seed=seed, build=picture_net)
    fit(network, pictures[known], labels[known], steps=steps, seed=seed)
    network.eval().requires_grad_(False)
    return of_classes(classes, Once(partial(in_chunks, network, size=256)), "label")


def _of_numbers(
    pictures: Tensor,
    columns: Mapping[str, NDArray[np.float64]],
    seed: int,
    steps: int,
    *,
    where: str,
    alone: bool,
) -> list[Attribute]:
    """Attributes of the columns that a small network predicts well on held-out images."""
    values = torch.from_numpy(np.stack(list(columns.values()), 1)).float()
    apart = torch.zeros(len(values), dtype=torch.bool)
    apart[random_subset(len(values), len(values) // APART, seed + 1)] = True
    shown = values[~apart]
    middle = shown.nanmean(0)
    spread = (shown - middle).square().nanmean(0).sqrt().clamp_min(1e-6)
    targets = (shown - middle) / spread
    some = targets.isfinite().any(1)
    network = small_net(pictures, len(columns), seed=seed, build=picture_net)
    fit(network, pictures[~apart][some], targets[some], steps=steps, seed=seed, error=squared)
    network.eval().requires_grad_(False)
    read = Once(partial(in_chunks, network, size=256))
    seen = read(pictures[apart])
    found: list[Attribute] = []
    refused: list[str] = []
    for number, name in enumerate(columns):
        known = values[apart, number].isfinite()
        count = int(known.sum())
        likeness = correlation(seen[known, number], values[apart, number][known])
        said = f"correlation {likeness:.2f} on {count} held-out images"
        if count >= FEWEST and math.atanh(0.999 * likeness) * math.sqrt(count - 3) > SURE:
            measure = _column(read, number, float(middle[number]), float(spread[number]))
            found.append(replace(Attribute(name, f"more {name}", measure), proof=said))
        else:
            refused.append(f"{name} ({said})")
    if not found and alone:
        raise DataError(
            f"numbers that cannot be read off the images: {', '.join(refused)}",
            where=where,
            remedy=f"Give more labelled images, at least {APART * FEWEST}, or other numbers.",
        )
    return found


def _column(read: AttributeMeasure, number: int, middle: float, spread: float) -> AttributeMeasure:
    return lambda pictures: read(pictures)[:, number] * spread + middle


def squared(made: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over the finite targets of ``(B, K)``; a scalar."""
    known = targets.isfinite()
    return (made - targets.where(known, made)).square().sum() / known.sum().clamp_min(1)


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson correlation of ``(n,)`` numbers; 0 where one of them is constant."""
    if len(one) < 2:
        return 0.0
    left, right = one.double() - one.double().mean(), other.double() - other.double().mean()
    size: float = (left.square().sum() * right.square().sum()).sqrt().item()
    return float(left @ right) / size if size > 1e-12 else 0.0
