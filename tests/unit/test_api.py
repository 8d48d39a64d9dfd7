"""The Python interface where no end-to-end test looks: evaluation on other data."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gannet import dataset
from gannet.api import Model
from gannet.errors import DataError

QUICK = {"count": 12, "steps": 4, "features": "random"}


def pictures(folder, *classes, count=80, seed=0):
    """A folder per class, of noise."""
    chance = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count // len(classes)):
            noise = chance.integers(0, 255, (8, 8), np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


def names(report):
    return {score.name.partition("[")[0] for score in report.scores}


def test_a_test_set_with_unknown_classes_is_refused(of_classes, tmp_path):
    data = pictures(tmp_path / "data", "cat", "horse")
    with pytest.raises(DataError, match=r"does not know: horse[\s\S]*cat, dog"):
        Model(of_classes, tmp_path).evaluate(data, **QUICK)


def test_a_test_set_with_one_of_the_classes_is_enough(of_classes, tmp_path):
    report = Model(of_classes, tmp_path).evaluate(pictures(tmp_path / "data", "dog"), **QUICK)
    assert "fresh critic" in names(report)


def test_a_model_without_classes_is_evaluated_on_data_with_them(of_pictures, tmp_path):
    data = pictures(tmp_path / "data", "cat", "horse")
    report = Model(of_pictures, tmp_path).evaluate(data, **QUICK)
    assert "fresh critic" in names(report)
    assert "class accuracy" not in names(report)


def test_evaluating_reads_the_cache_of_the_same_data(of_pictures, tmp_path):
    data, run = pictures(tmp_path / "data", "cat"), tmp_path / "run"
    codec = of_pictures.codecs["real"]
    dataset.load(dataset.find(data), codec=codec, cache=run / "cache", seed=0)
    kept = dataset.cache_of(dataset.find(data), codec, run / "cache")
    assert kept == run / "cache"
    assert Model(of_pictures, run).evaluate(data, **QUICK).scores


def test_evaluating_other_data_leaves_the_cache_of_the_run_alone(of_pictures, tmp_path):
    run = tmp_path / "run"
    own = pictures(tmp_path / "own", "cat")
    codec = of_pictures.codecs["real"]
    dataset.load(dataset.find(own), codec=codec, cache=run / "cache", seed=0)
    before = {file.name: file.read_bytes() for file in (run / "cache").iterdir()}
    assert len(before) == 2
    other = pictures(tmp_path / "other", "cat", seed=1)
    Model(of_pictures, run).evaluate(other, **QUICK)
    assert before == {file.name: file.read_bytes() for file in (run / "cache").iterdir()}


def test_evaluating_makes_no_cache(of_pictures, tmp_path):
    run = tmp_path / "run"
    Model(of_pictures, run).evaluate(pictures(tmp_path / "data", "cat"), **QUICK)
    assert not run.exists()
