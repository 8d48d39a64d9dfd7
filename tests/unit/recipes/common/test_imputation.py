"""Do fills come from what is known, do draws show how sure they are, and does chance stay put?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from gannet.core.frame import Frame
from gannet.core.types import Batch, Condition, Spec, TableLayout
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import cells_from, missing_mask, on_grid, values_of
from gannet.networks.tabular.layout import condition_vector, missing
from gannet.networks.tabular.network import FieldGenerator
from gannet.recipes.common.imputation.ensemble import interpolated_quantiles
from gannet.recipes.common.imputation.extra_trees import Forest
from gannet.recipes.common.imputation.gaussian import JointNormal
from gannet.recipes.common.imputation.initial import InitialImputation, best_per_column
from gannet.recipes.registry import find_recipe


def linked(rows=400, seed=0):
    """Three numbers, the second twice the first but for noise, the third of its own."""
    rng = np.random.default_rng(seed)
    one = rng.normal(size=rows)
    return np.stack([one, 2 * one + rng.normal(0, 0.1, rows), rng.normal(size=rows)], 1)


def test_the_normal_distribution_fills_from_what_is_linked():
    rows = linked()
    holed = rows.copy()
    holed[::3, 1] = np.nan
    made = JointNormal.fit(holed, ridge=0.3).fill(holed)
    assert np.array_equal(made[1::3], rows[1::3])
    assert np.sqrt(((made - rows)[::3, 1] ** 2).mean()) < 0.15


def test_leaving_a_cell_out_is_the_same_as_hiding_it():
    rows = linked(40)
    rows[np.random.default_rng(1).random(rows.shape) < 0.2] = np.nan
    gaussian = JointNormal.fit(rows, ridge=1)
    filled, alone, gain = gaussian.leave_one_out(rows)
    for column in range(3):
        known = ~np.isnan(rows[:, column])
        hidden = rows.copy()
        hidden[:, column] = np.nan
        slow = gaussian.fill(hidden)[known]
        change = alone[known, column] - rows[known, column]
        fast = filled[known] + gain[known][:, :, column] * change[:, None]
        fast[:, column] = alone[known, column]
        np.testing.assert_allclose(fast, slow, atol=1e-9)


def test_trees_find_what_no_line_does():
    rng = np.random.default_rng(0)
    inputs = rng.random((1_500, 3)).astype(np.float32)
    answers = ((inputs[:, 0] > 0.5) ^ (inputs[:, 1] > 0.5)).astype(np.float64)
    forest = Forest.fit(inputs[:1_000], answers[:1_000], trees=20, tried=3, leaf=2, rng=rng)
    said = forest.mean[forest.leaves(inputs[1_000:])].mean(1)
    assert ((said > 0.5) == (answers[1_000:] > 0.5)).mean() > 0.9
    again = Forest.of(forest.tensors())
    assert np.array_equal(again.leaves(inputs), forest.leaves(inputs))
    assert set(np.unique(forest.donor)) <= {0.0, 1.0}


def test_a_forest_of_equal_answers_is_a_leaf():
    inputs = np.random.default_rng(0).random((30, 2)).astype(np.float32)
    forest = Forest.fit(inputs, np.ones(30), trees=3, tried=2, leaf=2, rng=np.random.default_rng(0))
    assert len(forest.feature) == 3


def test_quantiles_lie_between_donors_and_within_them():
    donors = np.array([[0.0, 1.0, 2.0]] * 4)
    assert interpolated_quantiles(donors, np.array([0.0, 0.25, 0.375, 0.999])).tolist() == [
        0,
        0,
        0.5,
        2,
    ]


def test_a_choice_follows_the_column_if_it_has_cells_and_all_columns_if_not():
    errors = np.array([[100.0, 1.0, 900.0], [200.0, 0.5, 100.0]])
    counts = np.array([10_000.0, 1.0, 1_000.0])
    assert best_per_column(errors, counts).tolist() == [0, 1, 1]


def test_the_network_weighs_nothing_until_it_is_given_weight():
    values = linked()
    frame = Frame(("a", "b", "c"), tuple(values.T))
    codec = TableCodec.fit_frame(frame)
    start = InitialImputation.fit(codec, values, ridge=1)
    holed = values.copy()
    holed[:, 1] = np.nan
    nonsense = np.full((len(values), 3), 7.0)
    assert not start.uses_network
    plain = start.expected(holed, None)
    assert np.array_equal(start.expected(holed, nonsense), plain)
    heavy = replace(start, weight=np.array([1.0, 0.5, 1.0]))
    np.testing.assert_allclose(heavy.expected(holed, nonsense)[:, 1], (plain[:, 1] + 7) / 2)
    np.testing.assert_allclose(heavy.expected(holed, nonsense)[:, 0], plain[:, 0])
    assert InitialImputation.of(codec, heavy.tensors()).weight.tolist() == [1.0, 0.5, 1.0]


def test_numbers_come_back_on_the_grid_and_within_bounds():
    words = np.array(["1.50", "2.25", "", "9.00"], object)
    codec = TableCodec.fit_frame(Frame(("a",), (words,)))
    (column,) = codec.columns
    assert missing_mask(column, words).tolist() == [False, False, True, False]
    assert np.isnan(values_of(column, words)[2])
    asked = np.array([1.6249, 99.0, -3.0])
    assert cells_from(column, asked, words).tolist() == ["1.50", "9.00", "1.50"]
    assert on_grid(column, asked).tolist() == [1.5, 9.0, 1.5]
    plain = cells_from(column, asked, np.array([1.0, np.nan]))
    assert plain.tolist() == [1.5, 9.0, 1.5]


def holed_batch():
    rng = torch.Generator().manual_seed(0)
    real = torch.randint(3, (64, 4), generator=rng).float()
    return Batch(real, Condition.none(real), table=TableLayout((3, 3, 3, 3), (0, 1, -1, -1)))


def test_what_is_missing_is_always_hidden_and_never_asked_for():
    recipe, batch = find_recipe("impute"), holed_batch()
    config = recipe.config()
    problem = recipe.training.corrupt(batch, torch.Generator().manual_seed(0), config)
    rows, known = problem.condition.vector.chunk(2, 1)
    absent = missing(batch.real, batch.table.missing_field)
    assert absent.any()
    assert not known[absent].any()
    assert (~absent & (known == 0)).any(1).all(), "each row is asked for a known cell"
    assert torch.equal(rows, batch.real * known)
    networks = recipe.training.build(config, Spec.of(problem))
    losses = recipe.training.generator_losses(networks, problem, torch.zeros(64, 4), config)
    other = batch.real.clone()
    other[absent] = 0
    again = recipe.training.generator_losses(
        networks, replace(problem, real=other), torch.zeros(64, 4), config
    )
    assert torch.equal(losses["masked_nll"], again["masked_nll"])


def test_a_missing_cell_is_told_as_unknown_and_never_drawn():
    batch = holed_batch()
    torch.manual_seed(0)
    network = FieldGenerator(
        Spec((4,), 8, table=batch.table), 8, 1, missing_field=batch.table.missing_field
    )
    absent = missing(batch.real, batch.table.missing_field)
    said, unknown = (
        condition_vector(batch.real, torch.ones(64, 4)),
        condition_vector(batch.real, (~absent).float()),
    )
    blank = batch.condition
    assert torch.equal(
        network.logits(replace(blank, vector=said)), network.logits(replace(blank, vector=unknown))
    )
    noise = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
    nothing = replace(blank, vector=torch.zeros(64, 8))
    assert (network(noise, nothing)[:, :2] > 0).all()
    kept = network(noise, replace(blank, vector=said))
    assert torch.equal(kept, batch.real), "what is told comes back, missing or not"


def test_a_codec_says_where_missing_is_said():
    words = np.array(["a", "b", None, "a"], object)
    numbers = np.array([1.0, np.nan, 2.0, 3.0])
    codec = TableCodec.fit_frame(Frame(("w", "n", "m"), (words, numbers, np.arange(4.0))))
    assert codec.missing_field == (0, 1, -1)
