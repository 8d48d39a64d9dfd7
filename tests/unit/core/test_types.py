"""The nouns: conditions, batches, sizes, progress."""

from __future__ import annotations

import math

import pytest
import torch

from gannet.core.errors import DivergedError
from gannet.core.types import Batch, Condition, Networks, Spec, StepResult, TableLayout


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 4, 5), (3, 2, 7), (0, 1, 4, 4)])
def test_no_condition_is_a_condition_of_width_zero(shape):
    none = Condition.none(torch.ones(shape))
    assert len(none) == shape[0]
    assert none.vector.shape == (shape[0], 0)
    assert none.grid.shape == (shape[0], 0, *shape[2:])
    assert none.tokens.shape == (shape[0], 0, 0)


def test_rows_of_a_batch_keep_what_they_are_told():
    real = torch.arange(8.0).view(4, 2)
    blank = Condition.none(real)
    batch = Batch(real, Condition(torch.eye(4), blank.grid, blank.tokens))
    part = batch[torch.tensor([3, 1])]
    assert len(part) == 2
    assert part.real.tolist() == [[6, 7], [2, 3]]
    assert part.condition.vector.argmax(1).tolist() == [3, 1]
    assert batch[1:].condition.vector.argmax(1).tolist() == [1, 2, 3]


def test_sizes_are_read_off_a_batch():
    real = torch.zeros(2, 3, 8, 6)
    condition = Condition(torch.zeros(2, 5), torch.zeros(2, 1, 8, 6), torch.zeros(2, 4, 7))
    spec = Spec.of(Batch(real, condition))
    assert spec == Spec((3, 8, 6), vector=5, grid=(1, 8, 6), tokens=(4, 7))


def test_moving_a_batch_keeps_its_numbers():
    real = torch.ones(2, 3)
    moved = Batch(real, Condition.none(real)).to("cpu")
    assert torch.equal(moved.real, real)
    assert moved.condition.vector.device.type == "cpu"


def test_players_hold_both_sides():
    networks = Networks(torch.nn.Linear(1, 2), torch.nn.Linear(2, 1))
    assert {name.partition(".")[0] for name, _ in networks.named_parameters()} == {
        "generator",
        "discriminator",
    }


def test_progress_gives_plain_numbers():
    assert StepResult(3, {"a": torch.tensor(0.5)}).numbers() == {"a": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_named_with_its_step(value):
    losses = {"generator/adversarial": torch.tensor(value), "other": torch.tensor(1.0)}
    with pytest.raises(DivergedError, match="step 8: generator/adversarial is no longer") as caught:
        StepResult(8, losses).numbers()
    assert "--learning-rate" in caught.value.remedy
    assert "other" not in str(caught.value)


def test_the_fields_of_rows_go_wherever_the_batch_goes():
    rows = torch.zeros(4, 2)
    batch = Batch(rows, Condition.none(rows), table=TableLayout((3, 0)))
    for same in (batch[1:3], batch.to("cpu")):
        assert Spec.of(same).table.cardinalities == (3, 0)
    assert Spec.of(Batch(rows, Condition.none(rows))).table == TableLayout()
