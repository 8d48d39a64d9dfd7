"""The recipe ``table``: what it hides, and that it learns a joint distribution."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gannet.core.types import Batch, Condition, Spec, TableLayout
from gannet.networks.tabular.layout import condition_vector
from gannet.recipes.registry import find_recipe
from gannet.training.trainer import Trainer

table = find_recipe("table")
FIELDS = (2, 4, 0)


def rows(count, seed=0):
    """The second field follows from the first, except for one row in ten; the place is even."""
    rng = torch.Generator().manual_seed(seed)
    first = torch.randint(2, (count,), generator=rng)
    second = 2 * first + torch.randint(2, (count,), generator=rng)
    stray = torch.rand(count, generator=rng) < 0.1
    second = torch.where(stray, torch.randint(4, (count,), generator=rng), second)
    return torch.stack([first.float(), second.float(), torch.rand(count, generator=rng)], 1)


def batch(count, seed=0):
    real = rows(count, seed)
    return Batch(real, Condition.none(real), TableLayout(FIELDS))


def test_something_is_hidden_in_every_row_and_everything_in_some():
    told_rows = table.training.corrupt(
        batch(2_000), torch.Generator().manual_seed(0), table.config()
    )
    cells, known = told_rows.condition.vector.chunk(2, 1)
    hidden = (known == 0).sum(1)
    assert hidden.min() == 1
    assert (hidden == 3).float().mean() > 0.2
    assert (hidden == 1).float().mean() > 0.2
    assert torch.equal(cells, told_rows.real * known)
    assert Spec.of(told_rows) == Spec((3,), vector=6, table=TableLayout(FIELDS))


def trained(**settings):
    config = table.config(steps=120, batch=200, width=32, discriminator_batch=32, **settings)
    problem = table.training.corrupt(batch(2), torch.Generator(), config)
    trainer = Trainer(table, config, Spec.of(problem), seed=0)
    for _ in trainer.run(batch(200, seed) for seed in range(10**6)):
        pass
    return trainer, config


def made(trainer, config, known_first=None, count=4_000):
    real = torch.zeros(count, 3)
    known = torch.zeros(count, 3)
    if known_first is not None:
        real[:, 0], known[:, 0] = known_first, 1
    condition = replace(Condition.none(real), vector=condition_vector(real, known))
    noise = torch.randn(count, config.latent_dim, generator=torch.Generator().manual_seed(1))
    return table.inference.infer(trainer.ema, noise, condition, config)


@pytest.mark.parametrize("adversarial", [0.0, 0.1])
def test_rows_follow_the_joint_distribution_with_and_without_a_condition(adversarial):
    trainer, config = trained(adversarial_weight=adversarial)
    cells = made(trainer, config)
    # 40,000 rows: the truth to half a percent.
    truth = rows(40_000, seed=10**7)
    for first in range(2):
        for second in range(4):
            wanted = ((truth[:, 0] == first) & (truth[:, 1] == second)).float().mean()
            found = ((cells[:, 0] == first) & (cells[:, 1] == second)).float().mean()
            assert found.item() == pytest.approx(wanted.item(), abs=0.04)
    asked = made(trainer, config, known_first=1)
    assert (asked[:, 0] == 1).all()
    assert (asked[:, 1] >= 2).float().mean().item() == pytest.approx(0.95, abs=0.03)
    assert asked[:, 2].mean().item() == pytest.approx(0.5, abs=0.05)


def test_settings_fall_by_equal_factors():
    config = table.config()
    half = table.training.schedule(config, 0.5)
    assert half.learning_rate == pytest.approx(config.learning_rate * config.learning_rate_end**0.5)
    assert half.gradient_penalty == pytest.approx(
        config.gradient_penalty * config.gradient_penalty_end**0.5
    )
