"""Closed forms of every objective."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gannet.losses import adversarial

LN2 = math.log(2)
LOGITS = st.lists(st.floats(-20, 20), min_size=1, max_size=6)


def values(name, real, fake):
    objective = adversarial.OBJECTIVES[name]
    real, fake = torch.tensor(real), torch.tensor(fake)
    return objective.discriminator(real, fake).item(), objective.generator(real, fake).item()


# Where generated data equal the real ones and the discriminator is the best possible: knowledge,
# toolkits.md, 5.5. Each row: objective, logit of everything, both losses.
EQUILIBRIA = [
    ("relativistic", 0.0, LN2, LN2),
    ("relativistic", 7.0, LN2, LN2),
    ("non_saturating", 0.0, 2 * LN2, LN2),
    ("minimax", 0.0, 2 * LN2, -LN2),
    ("least_squares", 0.5, 0.25, 0.125),
    ("hinge", 0.0, 2.0, 0.0),
    ("hinge", 0.6, 2.0, -0.6),
    ("wasserstein", 0.0, 0.0, 0.0),
    ("wasserstein", 3.0, 0.0, -3.0),
]


@pytest.mark.parametrize(("name", "logit", "discriminator", "generator"), EQUILIBRIA)
def test_losses_at_the_draw_have_their_closed_form(name, logit, discriminator, generator):
    found = values(name, [logit] * 3, [logit] * 3)
    assert found == pytest.approx((discriminator, generator), abs=1e-6)


def test_the_draw_is_known_of_every_objective():
    assert {row[0] for row in EQUILIBRIA} == set(adversarial.OBJECTIVES)


@pytest.mark.parametrize(("name", "logit"), [row[:2] for row in EQUILIBRIA])
def test_the_discriminator_has_nothing_to_gain_at_the_draw(name, logit):
    same = torch.tensor([logit], requires_grad=True)
    adversarial.OBJECTIVES[name].discriminator(same, same).backward()
    assert same.grad.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", sorted(adversarial.OBJECTIVES))
def test_each_side_pulls_its_own_way(name):
    real, fake = (torch.tensor([0.2], requires_grad=True) for _ in range(2))
    adversarial.OBJECTIVES[name].discriminator(real, fake).backward()
    assert real.grad.item() < 0 < fake.grad.item()
    fake.grad = None
    adversarial.OBJECTIVES[name].generator(real.detach(), fake).backward()
    assert fake.grad.item() < 0


@given(LOGITS, st.floats(-50, 50))
def test_the_relativistic_objective_sees_only_the_gap(logits, shift):
    real = torch.tensor(logits, dtype=torch.float64)
    fake = real.flip(0) / 2
    for discriminator in (
        adversarial.relativistic_discriminator,
        adversarial.relativistic_generator,
    ):
        # Adding and subtracting 50 costs 14 bits of 53.
        assert discriminator(real + shift, fake + shift).item() == pytest.approx(
            discriminator(real, fake).item(), abs=1e-9
        )


@given(LOGITS)
def test_the_relativistic_sides_are_mirror_images(logits):
    real, fake = torch.tensor(logits), torch.tensor(logits[::-1]) + 1
    first = adversarial.relativistic_discriminator(real, fake)
    assert first.item() == adversarial.relativistic_generator(fake, real).item()


@given(LOGITS)
def test_non_saturating_is_binary_cross_entropy(logits):
    real, fake = torch.tensor(logits), torch.tensor(logits) / 3
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))
    found = adversarial.non_saturating_discriminator(real, fake)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)


def test_minimax_goes_flat_where_non_saturating_does_not():
    slopes = []
    for discriminator in (adversarial.minimax_generator, adversarial.non_saturating_generator):
        fake = torch.tensor([-20.0], requires_grad=True)
        discriminator(fake, fake).backward()
        slopes.append(abs(fake.grad.item()))
    assert slopes[0] < 1e-8
    assert slopes[1] == pytest.approx(1)


def test_hinge_ignores_what_is_beyond_the_margin():
    assert values("hinge", [5.0], [-5.0])[0] == 0


@pytest.mark.parametrize("name", sorted(adversarial.OBJECTIVES))
def test_huge_logits_give_finite_losses(name):
    assert all(map(math.isfinite, values(name, [1e4, -1e4], [-1e4, 1e4])))
