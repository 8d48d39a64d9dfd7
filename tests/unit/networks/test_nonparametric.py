"""Fitted baselines: margins, correlations, copies and means, against what is known of them."""

from __future__ import annotations

import pytest
import torch

from gannet.core.types import Batch, Condition, Spec, TableLayout
from gannet.networks.copula import mixing
from gannet.networks.nonparametric import (
    ClassMeans,
    EmpiricalMarginals,
    MemorizedSamples,
    columns_of,
    subsample,
)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(rho, count=20_000):
    one, other = torch.randn(2, count, generator=rng(), dtype=torch.float64)
    return one, rho * one + (1 - rho**2) ** 0.5 * other


def ranks(values):
    return torch.unique(values, return_inverse=True)[1]


STEPS = {
    "as they are": lambda x: x,
    "coins": lambda x: (x > 0).long(),
    "rare": lambda x: (x > 1.3).long(),
    "fives": lambda x: x.mul(1.5).round().clamp(-2, 2),
}


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.3, 0.6])
@pytest.mark.parametrize("left", STEPS)
@pytest.mark.parametrize("right", STEPS)
def test_correlations_behind_ties_are_found(rho, left, right):
    one, other = normals(rho)
    mix = mixing([ranks(STEPS[left](one)), ranks(STEPS[right](other))])
    assert float((mix @ mix.T)[0, 1]) == pytest.approx(rho, abs=0.05)


def test_what_is_no_matrix_of_correlations_becomes_the_nearest_that_is():
    one, other = normals(0.9)
    gone = torch.where(one > 0, one, -other)
    mix = mixing([ranks(each) for each in (one, other, gone, -gone)])
    found = mix @ mix.T
    assert torch.allclose(found.diagonal(), torch.ones(4, dtype=torch.float64))
    assert torch.linalg.eigvalsh(found).min() >= 0


def table(count=4_000):
    """A number in two fields, a word that follows it, and a coin that does not."""
    chance = torch.rand(count, 3, generator=rng())
    symbol = (chance[:, 0] * 4).floor()
    # Where the symbol is 0 the place is always .5, as in a rung that holds one number.
    place = torch.where(symbol > 0, chance[:, 1], 0.5)
    word = (symbol >= 2).float()
    coin = (chance[:, 2] < 0.2).float()
    return torch.stack([symbol, place, word, coin], 1)


SPEC = Spec(
    shape=(4,),
    table=TableLayout((4, 0, 2, 2), column_of=(0, 0, 1, 2), ordinal_from=(0, 0, -1, -1)),
)


def drawn(related, count=4_000, kept=1_000):
    model = EmpiricalMarginals(SPEC, kept, related=related).fitted(table())
    return model(torch.randn(count, 3, generator=rng(1)), SPEC.blank(count))


@pytest.mark.parametrize("related", [True, False])
def test_margins_are_those_of_training_and_columns_stay_whole(related):
    made, real = drawn(related), table()
    assert torch.allclose(made.mean(0), real.mean(0), atol=0.04)
    assert (made[made[:, 0] == 0, 1] == 0.5).all(), "fields of one column stay together"


def test_a_copula_keeps_what_belongs_together_and_shuffled_columns_do_not():
    agree = [
        float((made[:, 2] == (made[:, 0] >= 2)).float().mean())
        for made in (drawn(related=True), drawn(related=False))
    ]
    assert agree[0] > 0.9
    assert agree[1] == pytest.approx(0.5, abs=0.04)


def test_less_chance_than_columns_still_gives_the_margins():
    model = EmpiricalMarginals(SPEC, 1_000, related=False).fitted(table())
    made = model(torch.randn(4_000, 2, generator=rng(1)), SPEC.blank(4_000))
    assert torch.allclose(made.mean(0), table().mean(0), atol=0.04)


def test_numbers_of_which_nothing_is_said_are_columns_of_their_own():
    assert columns_of(Spec(shape=(2,))) == [slice(0, 1), slice(1, 2)]
    assert columns_of(SPEC) == [slice(0, 2), slice(2, 3), slice(3, 4)]


def test_more_rows_than_there_are_repeat_and_fewer_are_spread():
    assert subsample(torch.arange(10), 5).tolist() == [1, 3, 5, 7, 9]
    assert subsample(torch.arange(2), 4).tolist() == [0, 0, 1, 1]


def classes(numbers, width=3):
    vector = torch.zeros(len(numbers), width)
    for row, number in enumerate(numbers):
        if number is not None:
            vector[row, number] = 1
    return vector


def labeled():
    real = torch.arange(8.0)[:, None]
    blank = Condition.none(real)
    vector = classes([0, 1, 0, None, 1, 1, None, 0])
    return Batch(real, Condition(vector, blank.grid, blank.tokens))


def asked(numbers):
    return labeled().condition[:1], Condition(
        classes(numbers), torch.zeros(len(numbers), 0), torch.zeros(len(numbers), 0, 0)
    )


def test_copies_are_training_samples_of_the_class_that_is_told():
    model = MemorizedSamples(Spec.of(labeled()), 8).fitted(labeled())
    noise = torch.randn(400, 1, generator=rng())
    for number, own in ((0, {0, 2, 7}), (1, {1, 4, 5}), (2, set(range(8))), (None, set(range(8)))):
        made = model(noise, asked([number] * 400)[1])
        assert set(made.flatten().tolist()) == own, number


def test_means_are_those_of_the_class_that_is_told():
    model = ClassMeans(Spec.of(labeled())).fitted(labeled())
    made = model(torch.zeros(4, 0), asked([0, 1, 2, None])[1])
    assert made.flatten().tolist() == pytest.approx([3.0, 10 / 3, 3.5, 3.5])


def test_the_mean_of_a_table_is_the_middle_number_and_the_commonest_word():
    # A number of which symbol 0 says that it is missing, and a word.
    rows = torch.tensor([[0.0, 0.0], [3.0, 1.0], [1.0, 1.0], [2.0, 0.0], [5.0, 1.0], [0.0, 2.0]])
    spec = Spec(shape=(2,), table=TableLayout((6, 3), (0, -1), (1, -1), (0, 1)))
    batch = Batch(rows, Condition.none(rows), table=spec.table)
    model = ClassMeans(spec).fitted(batch)
    assert model(torch.zeros(1, 0), spec.blank(1)).tolist() == [[3.0, 1.0]]
