"""Pseudo-classes (self-conditioned GAN): clusters of samples as classes of unlabelled data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gannet.core import device as processor
from gannet.core.config import Config, flag
from gannet.core.errors import ConfigError
from gannet.core.seeding import random_subset
from gannet.data.dataset import LABEL, Dataset, Rows
from gannet.metrics.modes.kmeans import (
    MAX_TESTED,
    are_clustered,
    assigned,
    centers,
    usual_count,
)
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import find_modality, modalities

MAX_CLUSTERED = 10_000
"""Maximum number of samples that the clusters are computed from."""

CHUNK = 500
"""Samples that are read at once."""


def with_pseudo_classes(dataset: Dataset, setting: str, config: Config) -> Dataset:
    """Add pseudo-classes to data without classes, if the recipe uses them.

    Unless their number is given, only to data that lie in clusters.

    Args:
        dataset: The data.
        setting: Name of the recipe's setting for their number; empty if it has none.
        config: The recipe's settings.

    Raises:
        ConfigError: if they were requested for data that cannot have them.
    """
    modality = find_modality(dataset.source.kind)
    suits = bool(setting) and LABEL not in dataset.codecs and modality.reading.pseudo_classes
    chosen = config.model_dump(include={setting}, exclude_unset=True)
    count = chosen[setting] if setting in chosen else _found(dataset) if suits else 0
    many = modality.noun[1]
    if count and not suits:
        raise ConfigError(
            f"{flag(setting)}: only {_able()} without labels can have pseudo-classes",
            remedy="Leave it out, or ignore the labels with --label ''.",
        )
    if count > len(dataset.train) // 2:
        raise ConfigError(
            f"{flag(setting)}: {len(dataset.train)} {many} allow at most {len(dataset.train) // 2} "
            f"pseudo-classes, got {count}"
        )
    # One thread fixes the order of sums: a resumed run must find exactly the same clusters.
    with processor.threads(1):
        return clustered(dataset, count, seed=0) if count else dataset


def _found(dataset: Dataset) -> int:
    """Usual number of clusters; 0 for samples that do not lie in clusters, such as photos."""
    rows = dataset.train
    count = usual_count(len(rows))
    if not count:
        return 0
    some = random_subset(len(rows), MAX_TESTED, 0)
    with processor.threads(1):
        return count if are_clustered(_thumbnails(rows, some), count, seed=0) else 0


def clustered(data: Dataset, count: int, *, seed: int) -> Dataset:
    """The same unlabelled data with k-means clusters of the samples as ``count`` pseudo-classes.

    A generator that is conditioned on a cluster cannot drop it (mode collapse).

    Source: Liu et al. 2020, arXiv:2006.10728 (self-conditioned GANs). Differs: clusters of
    thumbnails, computed once, not of the discriminator's features, updated during training.
    """
    label_codec = LabelCodec(
        classes=tuple(f"kind {number + 1}" for number in range(count)), pseudo=True
    )
    some = random_subset(len(data.train), MAX_CLUSTERED, seed)
    centroids = centers(_thumbnails(data.train, some), count, seed=seed)

    def labeled(rows: Rows) -> Rows:
        every = range(len(rows))
        parts = [every[at : at + CHUNK] for at in range(0, len(rows), CHUNK)]
        labels = torch.cat([assigned(_thumbnails(rows, part), centroids) for part in parts])
        return replace(rows, labels=labels.numpy(), label_codec=label_codec)

    return replace(
        data,
        codecs={**data.codecs, LABEL: label_codec},
        train=labeled(data.train),
        held_out=labeled(data.held_out),
    )


def _able() -> str:
    """What the kinds that can have pseudo-classes are called."""
    return " or ".join(each.noun[1] for each in modalities() if each.reading.pseudo_classes)


def _thumbnails(rows: Rows, indices: Sequence[int]) -> Tensor:
    thumbnail = find_modality(rows.kind).thumbnail
    parts = [indices[at : at + CHUNK] for at in range(0, len(indices), CHUNK)]
    return torch.cat([thumbnail(rows.take(part).real) for part in parts])
