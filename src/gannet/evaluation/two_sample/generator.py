"""The two-sample test of a generator, as training, evaluation and comparison run it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.seeding import derive_seed
from gannet.evaluation.two_sample.result import TwoSampleResult
from gannet.evaluation.two_sample.test import classifier_two_sample_test, views_of
from gannet.modalities.modality import Modality, modality_of_embedded
from gannet.networks.features import FeatureMap


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
    negative: bool = True,
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
        controls: Most positive controls; by default all that the kind has.
        negative: Whether held-out reals are tested against training reals as well.

    Raises:
        DataError: if a side has fewer than 8 samples.
    """
    pretrained = modality.evaluation.pretrained("auto", real)
    embedded = embed if embed is not None and _changes(real, embed, modality) else None
    views = views_of(
        modality,
        codec,
        () if pretrained is None else (pretrained,),
        embed=embedded,
        steps=modality.two_sample.steps,
    )
    rng = torch.Generator().manual_seed(derive_seed(seed, 21))
    source = real_reference if len(real_reference) > 1 else real
    corrupted = {
        name: corrupt(source, rng)
        for name, corrupt in islice(modality.evaluation.corruptions.items(), controls)
    }
    return classifier_two_sample_test(
        real,
        fake,
        seed=seed,
        views=views,
        real_reference=real_reference if negative else None,
        corrupted=corrupted,
    )


def _changes(samples: Tensor, embed: FeatureMap, modality: Modality) -> bool:
    """Whether embedding makes other numbers of samples than their kind's network looks at."""
    return modality_of_embedded(modality, samples[:2], embed(samples[:2])) is not modality
