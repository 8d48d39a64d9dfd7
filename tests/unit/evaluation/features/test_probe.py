"""The probe says what features tell, and of nothing that there is something."""

from __future__ import annotations

import pytest
import torch

from gannet.evaluation.features.fitness import WELL
from gannet.evaluation.features.probe import (
    agreement,
    foretold_classes,
    kernel_of,
    linear_probe_auc,
    participation,
)
from gannet.metrics.auc import auc


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [8, 16, 60, 150])
@pytest.mark.parametrize("width", [1, 5, 300])
def test_two_sides_of_one_distribution_are_hardly_ever_told_apart(count, width):
    told = [
        linear_probe_auc(normal(count, width, seed=at), normal(count, width, seed=1000 + at)).low
        > WELL
        for at in range(20)
    ]
    assert sum(told) <= 1


def test_equal_sides_are_at_chance():
    rows = normal(40, 3)
    assert linear_probe_auc(rows, rows).value == pytest.approx(0.5)


@pytest.mark.parametrize("gap", [2.0, 5.0])
def test_a_shift_is_told_as_well_as_can_be(gap):
    """Of two normal distributions the best AUC is Phi(gap / sqrt 2)."""
    rows = normal(300, 1)
    found = linear_probe_auc(rows, normal(300, 1, seed=1) + gap)
    best = float(torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(gap / 2**0.5)))
    assert found.value == pytest.approx(best, abs=0.03)


def test_a_change_of_spread_alone_is_told_too():
    assert linear_probe_auc(normal(150, 6), 0.3 * normal(150, 6, seed=1)).low > 0.8


def test_more_questions_widen_the_interval():
    one, other = normal(100, 2), normal(100, 2, seed=1) + 1
    assert linear_probe_auc(one, other, tries=10).low < linear_probe_auc(one, other).low


def test_leaving_pairs_out_in_closed_form_is_leaving_them_out():
    """Against the slow way: learn without the pair, and ask about the pair."""
    rows, other = normal(30, 2), normal(30, 2, seed=1) + 0.7
    kernel, ridge = kernel_of(torch.cat([rows, other]))
    answers = torch.cat([torch.ones(30), -torch.ones(30)]).double()
    foretold = torch.zeros(60).double()
    for at in range(30):
        pair = torch.tensor([at, 30 + at])
        rest = torch.tensor([each for each in range(60) if each not in (at, 30 + at)])
        inner = kernel[rest][:, rest] + ridge * torch.eye(58).double()
        foretold[pair] = kernel[pair][:, rest] @ torch.linalg.solve(inner, answers[rest])
    slow = auc(foretold[:30].numpy(), foretold[30:].numpy())
    assert linear_probe_auc(rows, other) == pytest.approx(slow)


def test_a_probe_tells_classes_that_lie_apart_and_no_others():
    labels = torch.tensor([0, 2, 3]).repeat(20)
    assert torch.equal(foretold_classes(normal(60, 2) + 30 * labels[:, None], labels), labels)
    assert agreement(foretold_classes(normal(60, 2), labels), labels).low < 0.1


def test_kappa_by_hand():
    # 20 of 50 and 15 of 50 agree, chance is .5: Cohen's own kind of table.
    foretold = torch.tensor([1] * 20 + [1] * 10 + [0] * 5 + [0] * 15)
    labels = torch.tensor([1] * 20 + [0] * 10 + [1] * 5 + [0] * 15)
    assert agreement(foretold, labels).value == pytest.approx(0.4)
    assert agreement(foretold, labels).low < 0.4


@pytest.mark.parametrize("rare", [0, 1, 2, 20])
def test_always_saying_the_most_frequent_class_agrees_with_nothing(rare):
    labels = torch.zeros(200).long()
    labels[:rare] = 1
    assert agreement(torch.zeros(200).long(), labels).value == 0
    assert agreement(torch.zeros(200).long(), labels).low <= 0


def test_nothing_to_agree_with_is_no_agreement():
    none = torch.zeros(0, dtype=torch.int64)
    assert agreement(none, none).low == 0


def test_participation_counts_directions():
    assert participation(normal(4000, 5)) == pytest.approx(5, rel=0.02)
    assert participation(normal(50, 1) @ normal(1, 9)) == pytest.approx(1)
    assert participation(torch.ones(50, 9)) == 0
    assert participation(normal(20, 900)) == pytest.approx(19, rel=0.05)
