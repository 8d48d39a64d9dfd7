"""Hooks of a modality for the judge: what it learns from, and what it calls a stranger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.types import Spec
from gannet.metrics.gaussian_baseline import GaussianBaseline
from gannet.modalities.inference import ReadTable, read
from gannet.networks.classifier import BATCH, BuildClassifier

Baseline = Callable[[Tensor, Tensor, Spec, int], Tensor]
"""Training samples ``(N, *shape)``, their classes ``(N,)`` (-1 for none), sizes and a seed to as
many samples of a trivial generator."""


class Fact(NamedTuple):
    """A number that describes a raw sample.

    Attributes:
        value: The number.
        slack: How far beyond the range of training it is still usual.
        ratio: Whether ``slack`` is a factor.
    """

    value: float
    slack: float = 0.0
    ratio: bool = False


def gaussian(samples: Tensor, classes: Tensor, spec: Spec, seed: int) -> Tensor:
    """Samples of a Gaussian around each class mean."""
    baseline = GaussianBaseline.fit(samples, classes, int(classes.max()) + 1, seed=seed)
    return baseline.sample(classes, seed=seed).reshape(len(samples), *spec.shape)


def other_numbers(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Samples of no kind in particular, within the range of each number of the given ones.

    By turns: white noise, one constant, a random walk through the sample, and other numbers'
    ranges.
    """
    flat = samples.flatten(1).float()
    low, high = flat.amin(0), flat.amax(0)
    count, width = flat.shape
    fraction = torch.rand(count, width, generator=rng)
    steps = torch.randn(count, width, generator=rng).cumsum(1)
    walk = (steps - steps.amin(1, keepdim=True)) / (
        steps.amax(1, keepdim=True) - steps.amin(1, keepdim=True)
    ).clamp(min=1e-6)
    choice = torch.arange(count)[:, None] % 4
    fraction = torch.where(choice == 1, fraction[:, :1], fraction)
    fraction = torch.where(choice == 2, walk, fraction)
    generated = low + fraction * (high - low)
    moved = flat[:, torch.randperm(width, generator=rng)]
    return torch.where(choice == 3, moved, generated).reshape(samples.shape)


def other_tokens(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Each cell any of the values that it has in the given samples, all equally likely."""
    columns: list[Tensor] = []
    for cells in samples.flatten(1).T:
        values = torch.from_numpy(np.unique(cells.numpy()))
        columns.append(values[torch.randint(len(values), (len(samples),), generator=rng)])
    return torch.stack(columns, 1).reshape(samples.shape)


def facts(raw: Any) -> Mapping[str, Fact]:
    """Length and range of a raw sample that is numbers; nothing of any other."""
    numbers = np.asarray(raw)
    if numbers.dtype.kind not in "biuf" or not numbers.size:
        return {}
    low, high = float(numbers.min()), float(numbers.max())
    slack = 0.5 * (high - low)
    return {
        "the number of its numbers": Fact(float(numbers.size), 2.0, ratio=True),
        "its lowest number": Fact(low, slack),
        "its highest number": Fact(high, slack),
    }


def nothing_unseen(_codec: Codec[Any], raws: Any) -> Sequence[str]:
    """No reason to call a sample a stranger by its codec alone."""
    return [""] * len(raws)


def raw_sample(codec: Codec[Any], path: Path, read_table: ReadTable) -> Any:  # noqa: ARG001
    """The raw samples of a file, before a codec changes their size: one."""
    return [read(codec, path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingHooks:
    """What a modality adds to the judge of its runs.

    Attributes:
        network: The judge's network, where it is not the modality's classifier.
        steps: Training steps of that network for samples of cost 1.
        batch: Samples in a batch of it, half of them reals.
        columns: Whether the numbers of a sample are columns, each of which the judge must see when
            it alone is replaced, such as the class of a row; a batch has as many samples more.
        learning_rate: The highest of its training.
        baselines: Trivial generators whose samples the judge must tell from reals, by name.
        others: Samples of other kinds, as many and of the same shape as the given ones.
        facts: Numbers that describe a raw sample; beyond their range in training it is a stranger.
            ``None`` where samples are not read one by one.
        unseen: From the codec and raw samples to why each is a stranger; empty where it is none.
        raws: The raw samples of a file, before a codec changes their size.
    """

    network: BuildClassifier | None = None
    steps: int = 280
    batch: int = BATCH
    columns: bool = False
    learning_rate: float = 3e-3
    baselines: Mapping[str, Baseline] = field(default_factory=lambda: {"Gaussian": gaussian})
    others: Callable[[Tensor, torch.Generator], Tensor] = other_numbers
    facts: Callable[[Any], Mapping[str, Fact]] | None = facts
    unseen: Callable[[Codec[Any], Any], Sequence[str]] = nothing_unseen
    raws: Callable[[Codec[Any], Path, ReadTable], Any] = raw_sample
