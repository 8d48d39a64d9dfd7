"""Attributes learned from a user's labels: classes, and numbers such as an age."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from gannet.inference.editing.attributes import (
    Attribute,
    AttributeMeasure,
    CachedMeasure,
    of_classes,
)
from gannet.modalities.registry import find_modality
from gannet.networks.classifier import conv_net, fit, small_net
from gannet.networks.features import in_chunks

LABELED = 2_000
"""Maximum number of labelled images that are used."""

STEPS = 400
"""Training steps of the small network that predicts labels."""

HELD_OUT_EVERY = 4
"""One of so many images is held out to test predictions of numbers."""

MIN_HELD_OUT = 12
"""Minimum number of held-out images for that test."""

SURE = 1.96
"""Standard errors by which a correlation must exceed zero."""


def labeled_attributes(
    path: Path, codec: Codec[Any], seed: int, used_names: Sequence[str] = (), *, steps: int = STEPS
) -> tuple[Attribute, ...]:
    """Attributes learned from labelled images: log-odds of each class, and each number.

    Args:
        path: Images in class folders, or with a table.
        codec: Codec of the run.
        seed: Seed of the training.
        used_names: Names that numbers must not have.
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
    indices = random_subset(source.count, min(source.count, LABELED), seed)
    encode = find_modality(codec.kind).inference.encode
    images = encode(codec, [source.raw(at) for at in indices])
    attributes: list[Attribute] = []
    if len(source.classes) > 1:
        attributes += _of_classes(images, source.labels[indices], source.classes, seed, steps)
    if numbers:
        columns = {
            f"label {name}" if name in used_names else name: values[indices]
            for name, values in numbers.items()
        }
        attributes += _of_numbers(
            images, columns, seed, steps, where=str(path), alone=not attributes
        )
    return tuple(attributes)


def _of_classes(
    images: Tensor, numbers: NDArray[np.int64], classes: Sequence[str], seed: int, steps: int
) -> tuple[Attribute, ...]:
    labels = torch.from_numpy(numbers)
    labeled = labels >= 0
    network = small_net(images, len(classes), seed=seed, build=conv_net)
    fit(network, images[labeled], labels[labeled], steps=steps, seed=seed)
    network.eval().requires_grad_(False)
    return of_classes(classes, CachedMeasure(partial(in_chunks, network, size=256)), "label")


def _of_numbers(
    images: Tensor,
    columns: Mapping[str, NDArray[np.float64]],
    seed: int,
    steps: int,
    *,
    where: str,
    alone: bool,
) -> list[Attribute]:
    """Attributes of the columns that a small network predicts well on held-out images."""
    values = torch.from_numpy(np.stack(list(columns.values()), 1)).float()
    held_out = torch.zeros(len(values), dtype=torch.bool)
    held_out[random_subset(len(values), len(values) // HELD_OUT_EVERY, seed + 1)] = True
    train_values = values[~held_out]
    middle = train_values.nanmean(0)
    std = (train_values - middle).square().nanmean(0).sqrt().clamp_min(1e-6)
    targets = (train_values - middle) / std
    some = targets.isfinite().any(1)
    network = small_net(images, len(columns), seed=seed, build=conv_net)
    fit(network, images[~held_out][some], targets[some], steps=steps, seed=seed, loss=squared)
    network.eval().requires_grad_(False)
    read = CachedMeasure(partial(in_chunks, network, size=256))
    predictions = read(images[held_out])
    attributes: list[Attribute] = []
    refused: list[str] = []
    for number, name in enumerate(columns):
        finite = values[held_out, number].isfinite()
        count = int(finite.sum())
        pearson = correlation(predictions[finite, number], values[held_out, number][finite])
        evidence = f"correlation {pearson:.2f} on {count} held-out images"
        if count >= MIN_HELD_OUT and math.atanh(0.999 * pearson) * math.sqrt(count - 3) > SURE:
            measure = _column(read, number, float(middle[number]), float(std[number]))
            attributes.append(Attribute(name, f"more {name}", measure, evidence=evidence))
        else:
            refused.append(f"{name} ({evidence})")
    if not attributes and alone:
        raise DataError(
            f"numbers that cannot be read off the images: {', '.join(refused)}",
            where=where,
            remedy=f"Give more labelled images, at least {HELD_OUT_EVERY * MIN_HELD_OUT}, or "
            "other numbers.",
        )
    return attributes


def _column(read: AttributeMeasure, number: int, middle: float, std: float) -> AttributeMeasure:
    return lambda pictures: read(pictures)[:, number] * std + middle


def squared(predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over the finite targets of ``(B, K)``; a scalar."""
    finite = targets.isfinite()
    return (
        predictions - targets.where(finite, predictions)
    ).square().sum() / finite.sum().clamp_min(1)


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson correlation of ``(n,)`` numbers; 0 where one of them is constant."""
    if len(one) < 2:
        return 0.0
    left, right = one.double() - one.double().mean(), other.double() - other.double().mean()
    size: float = (left.square().sum() * right.square().sum()).sqrt().item()
    return float(left @ right) / size if size > 1e-12 else 0.0
