"""What a user's own labels teach to measure: classes stay classes, numbers are numbers."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.errors import DataError
from gannet.data.find import find
from gannet.data.numeric_labels import number_columns
from gannet.inference.editing.labeled_attributes import correlation, labeled_attributes, squared
from gannet.modalities.image.codec import ImageCodec

CODEC = ImageCodec(height=12, width=12, channels=1)


def people(folder, columns, count=160):
    """Pictures that are the brighter the older, with a table; a column is a function of the age."""
    rng = np.random.default_rng(0)
    ages = rng.integers(3, 90, count)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", *columns])
        for number, age in enumerate(ages):
            noise = rng.normal(0, 25, (12, 12))
            pixels = (30 + 2 * age + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:03}.png")
            table.writerow(
                [f"{number:03}.png", *(make(int(age), rng) for make in columns.values())]
            )
    return folder


def bright(value):
    return torch.full((1, 1, 12, 12), value)


def test_a_column_of_numbers_becomes_a_number(tmp_path):
    folder = people(
        tmp_path / "people",
        {
            "age": lambda age, rng: "" if rng.random() < 0.1 else age,
            "lot": lambda age, rng: rng.random(),
            "label": lambda age, rng: "old" if age > 45 else "young",
            "name": lambda age, rng: f"N{age}",
        },
    )
    found = {each.name: each for each in labeled_attributes(folder, CODEC, 0, steps=50)}
    assert set(found) == {"age", "label old", "label young"}, "a lot says nothing of a picture"
    assert found["age"].more == "more age"
    assert float(found["age"].evidence.split()[1]) > 0.9
    old, young = (
        float(found["age"].measure(bright((30 + 2 * age) / 127.5 - 1))) for age in (70, 20)
    )
    assert old == pytest.approx(70, abs=12)
    assert young == pytest.approx(20, abs=12)


def test_a_label_of_many_numbers_is_a_number_which_keeps_out_of_a_measures_way(tmp_path):
    ages = people(tmp_path / "ages", {"label": lambda age, rng: age}, 80)
    (found,) = labeled_attributes(ages, CODEC, 0, used_names=("label",), steps=50)
    assert found.name == "label label"


def test_digits_are_classes(tmp_path):
    digits = people(
        tmp_path, {"label": lambda age, rng: age // 10, "age": lambda age, rng: age}, 30
    )
    assert set(number_columns(digits)) == {"age"}
    assert find(digits).classes == tuple("012345678")


def test_numbers_that_cannot_be_seen_are_said(tmp_path):
    folder = people(tmp_path / "a", {"lot": lambda age, rng: rng.random()}, 80)
    with pytest.raises(DataError, match=r"cannot be read off the images: lot \(correlation"):
        labeled_attributes(folder, CODEC, 0, steps=50)
    folder = people(tmp_path / "b", {"name": lambda age, rng: f"N{age}"}, 12)
    with pytest.raises(DataError, match="nor with numbers"):
        labeled_attributes(folder, CODEC, 0, steps=50)


@pytest.mark.parametrize("cells", ["1,2,x", "1,1,1", ",,", "1,2,inf"])
def test_what_is_no_column_of_numbers(tmp_path, cells):
    lines = [f"{number}.png,{cell}" for number, cell in enumerate(cells.split(","))]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,age", *lines]))
    assert number_columns(tmp_path) == {}


def test_unknown_numbers_weigh_nothing():
    targets = torch.tensor([[1.0, float("nan")], [0.0, 2.0]])
    made = torch.tensor([[0.0, 9.0], [0.0, 2.0]], requires_grad=True)
    error = squared(made, targets)
    error.backward()
    assert error.item() == pytest.approx(1 / 3)
    assert made.grad is not None
    assert made.grad[0, 1] == 0


def test_correlation_agrees_with_numpy():
    one, other = (torch.randn(50, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    want = np.corrcoef(one.numpy(), other.numpy())[0, 1]
    assert correlation(one, other) == pytest.approx(want)
    assert correlation(one, torch.ones(50)) == 0
