"""Does the fresh critic find what is there, and only that?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gannet.core.errors import DataError
from gannet.evaluation.two_sample_test import classifier_two_sample_test
from gannet.modalities.registry import find_modality

IMAGE = find_modality("image")


def digits() -> Tensor:
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    return torch.from_numpy(data.images).float()[order, None] / 8 - 1


def ring(count: int, spread: float, seed: int) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, 8, (count,), generator=chance) * torch.pi / 4
    noise = torch.randn(count, 2, generator=chance)
    return torch.stack([angle.cos(), angle.sin()], 1) + spread * noise


def test_reals_against_reals_are_a_coin():
    pictures = digits()
    for found in (
        classifier_two_sample_test(
            pictures[:400], pictures[400:800], seed=0, steps=60, modality=IMAGE
        ),
        classifier_two_sample_test(ring(400, 0.05, 0), ring(400, 0.05, 1), seed=0, steps=60),
    ):
        assert found.low <= 0.5 <= found.high
        assert found.fooled
        assert found.p_value > 0.01
        assert found.tested == 400


def test_slightly_noisy_pictures_are_found_out():
    pictures = digits()
    noise = torch.randn(400, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    found = classifier_two_sample_test(
        pictures[:400], pictures[400:800] + 0.5 * noise, seed=0, steps=100, modality=IMAGE
    )
    assert found.accuracy > 0.8
    assert found.auc > 0.85
    assert not found.fooled
    assert found.p_value < 1e-6


def test_modes_that_are_too_wide_are_found_out():
    found = classifier_two_sample_test(ring(500, 0.02, 0), ring(500, 0.06, 1), seed=0, steps=150)
    assert found.low > 0.6


def test_equal_arguments_give_an_equal_critic():
    real, fake = ring(100, 0.1, 0), ring(100, 0.2, 1)
    before = torch.random.get_rng_state()
    first = classifier_two_sample_test(real, fake, seed=3, steps=40)
    assert classifier_two_sample_test(real, fake, seed=3, steps=40) == first
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_longer_side_is_cut_so_that_guessing_one_side_gains_nothing():
    found = classifier_two_sample_test(ring(500, 0.1, 0), ring(60, 0.1, 1), seed=0, steps=40)
    assert found.tested == 60
    assert found.trained == 60


def test_too_few_samples_are_refused_with_a_remedy():
    with pytest.raises(DataError, match="8 samples per side, got 7 and 100"):
        classifier_two_sample_test(ring(7, 0.1, 0), ring(100, 0.1, 1), seed=0)
