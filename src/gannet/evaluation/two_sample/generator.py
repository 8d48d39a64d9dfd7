"""The two-sample test of a generator, as training, evaluation and comparison run it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.scores import Score
from gannet.core.seeding import derive_seed
from gannet.evaluation.two_sample.test import (
    CONTROL_SAMPLES,
    View,
    classifier_two_sample_test,
    views_of,
)
from gannet.metrics.two_sample import TwoSampleResult, two_sample_scores
from gannet.modalities.corruption import Corruption
from gannet.modalities.modality import Modality, modality_of_embedded
from gannet.networks.features import FeatureMap

MOST_NUMBERS = 1 << 25
"""Most numbers in one set of samples: 128 MiB in 32 bit."""

MIN_LARGE = 64
"""Samples of a side that are tested however large they are."""

MIN_BRIEF = 256
"""Samples of a side that are tested however small the effort is, unless they are large."""

FEATURELESS = 0.25
"""Fraction of the effort below which no classifier looks at frozen features, slow to load."""

ONE_SIDE = "one half of the variety"
"""Positive control that suits any data with some variety: the other half is left out."""


def most_samples(
    modality: Modality, shape: Sequence[int], count: int, *, effort: float = 1.0
) -> int:
    """How many of ``count`` samples of a shape a side of the test takes.

    >>> from gannet.modalities.modality import NUMBERS
    >>> most_samples(NUMBERS, (3, 32, 32), 2_000), most_samples(NUMBERS, (4, 1024, 1024), 2_000)
    (1000, 64)
    """
    room = max(MOST_NUMBERS // max(math.prod(shape), 1), MIN_LARGE)
    most = min(modality.two_sample.samples, room)
    return min(count, max(round(effort * most), min(MIN_BRIEF, room)))


def two_sample_test(
    real: Tensor,
    fake: Tensor,
    real_reference: Tensor,
    *,
    modality: Modality,
    codec: Codec[Any] | None = None,
    embed: FeatureMap | None = None,
    seed: int = 0,
    controls: int | None = None,
    effort: float = 1.0,
) -> TwoSampleResult:
    """Test generated samples against held-out reals with all classifiers that suit their kind.

    Args:
        real: ``(N, *shape)`` held-out reals.
        fake: ``(M, *shape)`` generated samples.
        real_reference: ``(n, *shape)`` training reals, for the controls.
        modality: Kind of data.
        codec: Of the samples.
        embed: Samples to numbers in which distance means likeness, where the recipe has such.
        seed: Of everything; equal arguments give an equal result.
        controls: Positive controls that are told apart until no more are tried; by default all
            that the kind has are tried. With 0 there is no negative control either.
        effort: Fraction of the full effort: fewer samples and steps; and no frozen features if it
            is small.

    Raises:
        DataError: if a side has fewer than 8 samples.
    """
    most = most_samples(modality, real.shape[1:], max(len(real), 1), effort=effort)
    real, fake, source = (each[:most] for each in (real, fake, real_reference))
    reals = source if len(source) > 1 else real
    result = classifier_two_sample_test(
        real,
        fake,
        seed=seed,
        views=_views(real, reals, modality, codec, embed, effort),
        real_reference=None if controls == 0 else source,
        corrupted=_corrupted(reals, modality.evaluation.corruptions, seed),
        enough=controls,
    )
    return replace(result, brief=effort < 1)


def _views(
    real: Tensor,
    reference: Tensor,
    modality: Modality,
    codec: Codec[Any] | None,
    embed: FeatureMap | None,
    effort: float,
) -> list[View]:
    """How samples are looked at. Where they must be embedded, distances say nothing before."""
    embedded = embed if embed is not None and _changes(real, embed, modality) else None
    steps = math.ceil(effort * modality.two_sample.steps)
    if effort < FEATURELESS:
        return views_of(modality, codec, embed=embedded, steps=steps)
    features = modality.evaluation.pretrained("auto", real)
    if features is None and embedded is None and modality.values != "tokens":
        features = modality.features(reference.float(), 0)
    return views_of(
        modality,
        codec,
        () if features is None else (features,),
        embed=embedded,
        steps=steps,
    )


def _corrupted(
    reals: Tensor, corruptions: Mapping[str, Corruption], seed: int
) -> Iterator[tuple[str, Tensor]]:
    """Samples that differ from reals, one set at a time, so that few are held at once."""
    rng = torch.Generator().manual_seed(derive_seed(seed, 21))
    for name, corrupt in corruptions.items():
        yield name, corrupt(reals, rng)
    flat = reals.flatten(1).float()
    varied = int((flat != flat[:1]).float().mean(0).argmax())
    order = flat[:, varied].argsort(stable=True)
    yield ONE_SIDE, reals[order[: len(reals) // 2]]


def _changes(samples: Tensor, embed: FeatureMap, modality: Modality) -> bool:
    """Whether embedding makes other numbers of samples than their kind's network looks at."""
    return modality_of_embedded(modality, samples[:2], embed(samples[:2])) is not modality


@dataclass(frozen=True)
class GeneratorTest:
    """The two-sample test within an evaluation, with its scores.

    Attributes:
        modality: Kind of data.
        codec: Of the samples.
        embed: As for ``two_sample_test``.
        seed: Of everything.
        recorded: What the test of the same generator on the same data found at the end of its
            training, so that a run has one accuracy and not two.
    """

    modality: Modality
    codec: Codec[Any] | None = None
    embed: FeatureMap | None = None
    seed: int = 0
    recorded: TwoSampleResult | None = None

    def __call__(
        self, real: Tensor, fake: Tensor, real_reference: Tensor, baseline: Tensor
    ) -> tuple[TwoSampleResult, Sequence[Score]]:
        """Test, and score.

        Args:
            real: ``(N, *shape)`` held-out reals.
            fake: ``(M, *shape)`` generated samples.
            real_reference: ``(n, *shape)`` training reals.
            baseline: ``(k, *shape)`` samples of a trivial method.

        Returns:
            What the test found, and its accuracy and AUC as scores; those of the baseline are of
            a test of its own.
        """
        test = partial(
            two_sample_test,
            real_reference=real_reference,
            modality=self.modality,
            codec=self.codec,
            embed=self.embed,
            seed=self.seed,
        )
        found = self.recorded or test(real, fake, controls=1)
        few = (each[:CONTROL_SAMPLES] for each in (real, baseline))
        return found, two_sample_scores(found, test(*few, controls=0).strongest)
