"""Classes made up for data that have none, by sorting samples, where a recipe wants that."""

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
from gannet.metrics.kmeans import assigned, centers, usual_count
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import find_modality

SORTED_BY, PART = 10_000, 500
"""Most samples whose heaps decide the pseudo-classes, and how many are read at once."""


def with_pseudo_classes(found: Dataset, setting: str, config: Config) -> Dataset:
    """Data without classes with pseudo-classes in their place, where the recipe can use them.

    Args:
        found: The data.
        setting: Name of the recipe's setting that says how many; empty if it has none.
        config: Its settings, given and usual ones.

    Raises:
        ConfigError: if they were asked for where they cannot be made.
    """
    modality = find_modality(found.source.kind)
    suits = bool(setting) and not found.classes and modality.reading.pseudo_classes
    chosen = config.model_dump(include={setting}, exclude_unset=True)
    count = chosen.get(setting, usual_count(len(found.train)) if suits else 0)
    many = modality.noun[1]
    if count and not suits:
        raise ConfigError(
            f"{flag(setting)}: only pictures without labels are sorted into kinds",
            remedy="Leave it out, or leave the labels aside with --label ''.",
        )
    if count > len(found.train) // 2:
        raise ConfigError(
            f"{flag(setting)}: {len(found.train)} {many} make at most {len(found.train) // 2} "
            f"kinds, got {count}"
        )
    # Always in one order of sums: a resumed run must find the very same kinds.
    with processor.threads(1):
        return sorted_by_likeness(found, count, seed=0) if count else found


def sorted_by_likeness(data: Dataset, count: int, *, seed: int) -> Dataset:
    """The same data, told which of ``count`` kinds each sample is of; classes there are none.

    A generator that is told a kind cannot forget it, and learns it from samples that are alike.

    Source: Liu et al. 2020, arXiv:2006.10728 (self-conditioned GANs). Differs: kinds are found in
    the pictures, once, not in the discriminator's features again and again.
    """
    told = LabelCodec(classes=tuple(f"kind {number + 1}" for number in range(count)), pseudo=True)
    some = random_subset(len(data.train), SORTED_BY, seed)
    middles = centers(_outlines(data.train, some), count, seed=seed)

    def sorted_(rows: Rows) -> Rows:
        every = range(len(rows))
        parts = [every[at : at + PART] for at in range(0, len(rows), PART)]
        labels = torch.cat([assigned(_outlines(rows, part), middles) for part in parts])
        return replace(rows, labels=labels.numpy(), label_codec=told)

    return replace(
        data,
        codecs={**data.codecs, LABEL: told},
        train=sorted_(data.train),
        held_out=sorted_(data.held_out),
    )


def _outlines(rows: Rows, places: Sequence[int]) -> Tensor:
    thumbnail = find_modality(rows.kind).thumbnail
    parts = [places[at : at + PART] for at in range(0, len(places), PART)]
    return torch.cat([thumbnail(rows.take(part).real) for part in parts])
