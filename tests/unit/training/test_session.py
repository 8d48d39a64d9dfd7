"""What ``gannet inspect --recipe`` says of data is what that recipe would train on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gannet.core.errors import ConfigError, DataError
from gannet.training.session import inspect_data

RNG = np.random.default_rng(0)


def fill(folder, count=12):
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = RNG.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def test_pairs_are_inspected_as_pairs_by_the_recipe_that_was_named(tmp_path):
    for side in ("a", "b"):
        fill(tmp_path / "data" / side)
    assert inspect_data(tmp_path / "data").count == 24
    found = inspect_data(tmp_path / "data", recipe="translate")
    assert (found.count, found.layout, found.recipe) == (12, "pairs of a and b", "translate")
    assert "recipe: translate" in found.lines
    assert found.lines[1] == "grid: images"


def test_data_that_a_recipe_cannot_read_are_refused_and_its_settings_count(tmp_path):
    data = fill(tmp_path / "data")
    with pytest.raises(DataError, match="expected two"):
        inspect_data(data, recipe="translate", pairs="folders")
    found = inspect_data(data, recipe="translate", pairs="edges")
    assert (found.count, found.recipe) == (12, "translate")
    with pytest.raises(ConfigError, match="--pairs"):
        inspect_data(data, recipe="translate", pairs="?")


def test_whole_samples_are_inspected_where_a_recipe_trains_on_crops(tmp_path):
    found = inspect_data(fill(tmp_path / "data"), recipe="super_resolve")
    assert (found.count, found.recipe) == (12, "super_resolve")
