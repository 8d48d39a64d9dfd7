"""Coders: the bound is the textbook's, and codes are drawn as they were measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl

from gannet.core.types import Batch, Condition, Spec
from gannet.networks.autoencoder import (
    MIN_VARIANCE,
    GaussianLatentAutoencoder,
    gaussian_nll,
    kl_divergence,
)
from gannet.recipes.registry import find_recipe
from gannet.training.trainer import Trainer


def test_the_divergence_is_that_of_normal_distributions():
    mean, spread = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    wanted = torch_kl(Normal(mean, (spread / 2).exp()), Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(kl_divergence(mean, spread), wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 3), (6, 1, 4, 4)])
def test_no_other_variance_makes_reals_less_surprising(shape):
    real, made = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    left = (real - made).square()
    best = (left.mean(0) if len(shape) == 2 else left.mean()) + MIN_VARIANCE

    def under(variance):
        return -Normal(made, variance.sqrt()).log_prob(real).mean()

    together = len(shape) > 2
    assert gaussian_nll(real, made, together=together) == pytest.approx(
        float(under(best)), abs=1e-3
    )
    assert under(best) < min(under(best * 1.2), under(best / 1.2))


def test_codes_are_drawn_with_the_mean_and_covariance_that_were_measured():
    rng = torch.Generator().manual_seed(0)
    coder = GaussianLatentAutoencoder(Spec(shape=(3,)), 2, 4)
    turn, center = torch.tensor([[2.0, 0.0], [1.5, 0.5]]), torch.tensor([3.0, -1.0])
    nothing = Condition.none(torch.zeros(200, 3))
    for _ in range(400):
        codes = center + torch.randn(200, 2, generator=rng) @ turn.T
        with torch.autocast("cpu", torch.bfloat16):
            coder.update_statistics(codes, nothing)
    noise = torch.randn(20_000, 2, generator=rng)
    drawn = coder.sample_latents(noise, Condition.none(noise))
    assert torch.allclose(drawn.mean(0), center, atol=0.1)
    assert torch.allclose(drawn.T.cov(), turn @ turn.T, atol=0.3)


def test_codes_of_a_class_are_drawn_around_its_own_mean():
    rng = torch.Generator().manual_seed(0)
    coder = GaussianLatentAutoencoder(Spec(shape=(3,), vector=2), 2, 4)
    turn = torch.tensor([[2.0, 0.0], [1.5, 0.5]])
    centers = torch.tensor([[3.0, -1.0], [-9.0, 4.0]])

    def told(rows):
        return replace(Condition.none(rows), vector=rows)

    for _ in range(400):
        # A third of them is of the second class, which some batches may lack.
        classes = torch.eye(2)[(torch.rand(20, generator=rng) < 1 / 3).long()]
        codes = classes @ centers + torch.randn(20, 2, generator=rng) @ turn.T
        coder.update_statistics(codes, told(classes))
    noise = torch.randn(20_000, 2, generator=rng)
    for number, center in enumerate(centers):
        asked = told(torch.eye(2)[number].expand(len(noise), 2))
        drawn = coder.sample_latents(noise, asked)
        assert torch.allclose(drawn.mean(0), center, atol=1.0)
        assert torch.allclose(drawn.T.cov(), turn @ turn.T, atol=1.0)
    unknown = coder.sample_latents(noise, told(torch.zeros(len(noise), 2)))
    assert torch.allclose(unknown.mean(0), torch.tensor([2 / 3, 1 / 3]) @ centers, atol=1.0)


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_a_baseline_learns_and_its_held_out_error_falls(name):
    rng = torch.Generator().manual_seed(0)
    turn = torch.randn(2, 6, generator=rng)
    rows = torch.randn(512, 2, generator=rng) @ turn
    train, held = (Batch(part, Condition.none(part)) for part in rows.chunk(2))
    recipe = find_recipe(name)
    assert recipe.evaluation.is_baseline
    config = recipe.config(steps=150, batch=256, latent_dim=3, width=8, ema_decay=0.9)
    trainer = Trainer(recipe, config, Spec.of(train))
    assert recipe.evaluation.validation_loss is not None
    before = float(recipe.evaluation.validation_loss(trainer.ema, held, config))
    for progress in trainer.run(iter(lambda: train, None)):
        progress.numbers()
    after = float(recipe.evaluation.validation_loss(trainer.ema, held, config))
    assert 0 < after < before / 2
