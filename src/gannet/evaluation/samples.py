"""Which samples an evaluation compares: equal counts of reals, further reals, fakes, plain ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gannet.core.errors import DataError
from gannet.core.seeding import derive_seed
from gannet.core.types import Batch
from gannet.evaluation.two_sample_test import FEWEST
from gannet.metrics.gaussian_baseline import GaussianBaseline
from gannet.modalities.hooks import Data, Sampler
from gannet.modalities.modality import Modality
from gannet.modalities.registry import modality_of

NUMBERS = 1 << 26
"""Most numbers of samples held for one purpose: 256 MiB in 32 bit."""

FITTED = 5_000
"""Most samples that the baseline is fitted to."""


@dataclass(frozen=True)
class EvaluationSamples:
    """The samples that are compared; all four heaps are of one length.

    Attributes:
        held_out: ``(n, *shape)`` reals never trained on.
        real_reference: ``(n, *shape)`` training reals that no network of the evaluation learns
            from.
        fake: ``(n, *shape)`` of the generator, of the held-out classes if it knows them.
        baseline_samples: ``(n, *shape)`` of the Gaussian.
        labels: ``(n,)`` of the held-out reals and, where known, of the fakes and plain ones.
        class_conditional: Whether the fakes were asked for by class.
        remaining: Rows of the training data that remain.
        gaussian: The baseline.
        given: Where fakes are answers, the held-out samples with what is told of them.
        kind: Name of the kind of data; empty where nobody said.
    """

    held_out: Tensor
    real_reference: Tensor
    fake: Tensor
    baseline_samples: Tensor
    labels: Tensor
    class_conditional: bool
    remaining: tuple[int, ...]
    gaussian: GaussianBaseline
    given: Batch | None = None
    kind: str = ""

    @property
    def modality(self) -> Modality:
        """The kind of data that samples are of."""
        return modality_of(self.kind)


def _too_few(count: int, held_out: int, train: int) -> DataError:
    """Name what limits, and only that: a remedy that changes nothing is none."""
    few_data: list[str] = []
    if held_out < FEWEST:
        few_data.append(f"only {held_out} held out")
    if train // 2 < FEWEST:
        few_data.append(f"only {train} to train on, of which half are compared")
    limits = [f"--count is {count}"] * (count < FEWEST) + few_data
    cures = ["more data"] * bool(few_data) + ["a larger --count"] * (count < FEWEST)
    return DataError(
        f"too few samples to compare, {FEWEST} are needed: {'; '.join(limits)}",
        remedy=f"Give {' and '.join(cures)}.",
    )


ConditionalSampler = Callable[[Batch], tuple[Batch, Tensor]]
"""Held-out samples to these with what is told of them, and answers ``(n, *shape)``."""


def evaluation_samples(
    sampler: Sampler,
    dataset: Data,
    *,
    count: int,
    seed: int,
    answering: ConditionalSampler | None = None,
) -> EvaluationSamples:
    """Choose reals and draw fakes. Equal arguments give equal samples, row for row.

    Args:
        sampler: The generator.
        dataset: Reals.
        count: On each side.
        seed: Of the choice and of the fakes.
        answering: Makes the fakes of a generator whose samples are answers.

    Raises:
        DataError: if fewer than 8 samples were held out, or shapes differ.
    """
    rows = min(count, len(dataset.held_out), len(dataset.train) // 2)
    if rows < FEWEST:
        raise _too_few(count, len(dataset.held_out), len(dataset.train))
    one = dataset.held_out.take([0]).real
    rows = max(min(rows, NUMBERS // one.numel()), FEWEST)
    chosen = _order(len(dataset.held_out), seed, 0)[:rows]
    order = _order(len(dataset.train), seed, 1)
    some = dataset.held_out.take(chosen)
    held_out, given = some.real.float(), None
    labels = torch.from_numpy(np.asarray(dataset.held_out.labels)[chosen]).long()
    rest = order[rows:]
    gaussian = _gaussian(dataset, rest[: max(min(FITTED, NUMBERS // one.numel()), 2)], seed)
    asked = is_class_conditional(sampler, dataset) and bool((labels >= 0).any())
    if answering is not None:
        asked = False
        given, fake = answering(some)
    elif asked:
        fake = sample_classes(sampler, dataset, labels, seed=seed)
    else:
        fake = sampler.sample(rows, seed=seed).float()
    if fake.shape[1:] != held_out.shape[1:]:
        raise DataError(
            f"samples are {tuple(fake.shape[1:])}, the data {tuple(held_out.shape[1:])}",
            remedy="Give the data that the generator was trained on.",
        )
    return EvaluationSamples(
        held_out=held_out,
        real_reference=dataset.train.take(order[:rows]).real.float(),
        fake=fake,
        baseline_samples=gaussian.sample(labels, seed=seed),
        labels=labels,
        class_conditional=asked,
        remaining=tuple(rest),
        gaussian=gaussian,
        given=given,
        kind=some.kind,
    )


def is_class_conditional(sampler: Sampler, dataset: Data) -> bool:
    """Whether the generator knows all classes of the data by name."""
    return bool(dataset.classes) and set(dataset.classes) <= set(sampler.classes)


def sample_classes(sampler: Sampler, dataset: Data, labels: Tensor, *, seed: int) -> Tensor:
    """A fake of each label ``(N,)``, ``(N, *shape)``; -1 leaves the class to the generator."""
    fakes: Tensor | None = None
    for number in sorted(set(map(int, labels))):
        places = (labels == number).nonzero().squeeze(1)
        name = dataset.classes[number] if number >= 0 else None
        made = sampler.sample(len(places), label=name, seed=derive_seed(seed, number + 1)).float()
        if fakes is None:
            fakes = made.new_empty(len(labels), *made.shape[1:])
        fakes[places] = made
    assert fakes is not None, "no labels"
    return fakes


def _gaussian(dataset: Data, rows: list[int], seed: int) -> GaussianBaseline:
    labels = torch.from_numpy(np.asarray(dataset.train.labels)[rows]).long()
    return GaussianBaseline.fit(
        dataset.train.take(rows).real, labels, len(dataset.classes), seed=seed
    )


def _order(count: int, seed: int, use: int) -> list[int]:
    chance = torch.Generator().manual_seed(derive_seed(seed, use))
    return torch.randperm(count, generator=chance).tolist()
