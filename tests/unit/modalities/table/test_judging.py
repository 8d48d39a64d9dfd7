"""Rows with values that training never had are strangers, and new values where those are usual."""

from __future__ import annotations

import numpy as np
import torch

from gannet.core.frame import Frame
from gannet.modalities.judging import other_tokens
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.judging import unseen


def people(count, seed=0):
    rng = np.random.default_rng(seed)
    return Frame(
        ("age", "town", "street"),
        (
            rng.integers(18, 81, count),
            rng.choice(np.array(["north", "south"], object), count),
            np.array([f"street {row % (count // 3)}" for row in range(count)], object),
        ),
    )


def asked(**cells):
    row = {"age": 40, "town": "north", "street": "street 1"} | cells
    table = Frame(tuple(row), tuple(np.array([cell], object) for cell in row.values()))
    return unseen(TableCodec.fit_frame(people(600)), table)[0]


def test_values_of_training_are_no_reason():
    frame = people(600)
    assert set(unseen(TableCodec.fit_frame(frame), frame)) == {""}
    assert asked() == ""


def test_a_category_never_seen_and_a_number_far_outside_are_named():
    assert asked(town="moon") == "town is moon, never seen in training"
    assert asked(age=312) == "age is 312, far outside of training"
    assert asked(age=-40) == "age is -40, far outside of training"


def test_a_number_a_little_outside_is_no_stranger():
    assert asked(age=84) == ""


def test_a_new_value_of_a_column_where_most_occur_once_is_usual():
    cells = np.array([f"{row}" if row % 2 else "common" for row in range(600)], object)
    frame = Frame(("name", "age"), (cells, np.arange(600) % 7))
    codec = TableCodec.fit_frame(frame, overrides={"name": "category"})
    new = Frame(("name", "age"), (np.array(["1001"], object), np.array([3])))
    assert unseen(codec, new) == [""]


def test_other_rows_have_each_cells_own_values():
    rows = torch.tensor([[0.0, 5.0], [1.0, 5.0], [1.0, 7.0]])
    made = other_tokens(rows.repeat(50, 1), torch.Generator().manual_seed(0))
    assert set(made[:, 0].tolist()) == {0.0, 1.0}
    assert set(made[:, 1].tolist()) == {5.0, 7.0}
