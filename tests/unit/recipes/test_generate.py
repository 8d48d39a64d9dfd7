"""The recipe ``generate``: its schedule, and what it suggests for the data."""

from __future__ import annotations

import pytest
import torch

from gannet.core.types import Batch, Condition, Spec
from gannet.networks import convolutional
from gannet.recipes.generate import GenerateConfig
from gannet.recipes.registry import find_recipe
from gannet.training.trainer import Trainer

generate = find_recipe("generate")


def images(channels, count=8, side=8):
    real = torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0))
    return Batch(2 * real - 1, Condition.none(real), kind="image")


def trainer(batch, **settings):
    small = {"width": 4, "latent_dim": 4, "batch": 8, "steps": 12}
    return Trainer(generate, GenerateConfig(**small | settings), Spec.of(batch))


@pytest.mark.parametrize("discriminator_interval", [1, 2])
def test_lazy_penalties_come_at_every_nth_update_with_n_times_the_weight(discriminator_interval):
    config = GenerateConfig(
        steps=97,
        penalty_interval=3,
        discriminator_interval=discriminator_interval,
        gradient_penalty=2.0,
        gradient_penalty_end=1.0,
    )
    assert generate.training.schedule is not None
    weights = [
        generate.training.schedule(config, step / config.steps).gradient_penalty
        for step in range(config.steps)
        if (step + 1) % discriminator_interval == 0
    ]
    assert weights[:7] == [6.0, 0.0, 0.0, 6.0, 0.0, 0.0, 6.0]
    assert sum(weights) / len(weights) == pytest.approx(2.0, rel=0.1)


def test_only_penalised_steps_compute_the_penalty():
    batch = images(3)
    runs = trainer(batch, penalty_interval=4).run(iter([batch] * 40))
    penalised = [result.step for result in runs if "discriminator/r1" in result.losses]
    assert penalised == [1, 5, 9]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_get_residual_networks_and_lazy_penalties(channels):
    batch = images(channels)
    assert isinstance(trainer(batch).networks.generator, convolutional.ResidualGenerator)
    suggested = {}
    for _, settings in generate.training.suggest(batch, len(batch)):
        suggested |= settings
    assert suggested["penalty_interval"] > 1
