"""Comparisons of runs: how they are grouped, and which cannot be compared."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import gannet
from gannet.api import compare
from gannet.core.errors import ConfigError, DataError
from gannet.evaluation.differences import Group, compared
from gannet.evaluation.report.comparison import to_markdown

QUICK = {"count": 12, "features": "random"}
OPTIONS = {"steps": 4, "width": 4, "latent_dim": 4, "batch": 8, "threads": 1}


@pytest.fixture(scope="module")
def runs(squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, seed, width in (("a", 0, 4), ("b", 1, 4), ("c", 0, 8)):
        gannet.train(squares, folder / name, seed=seed, **OPTIONS | {"width": width})
    return folder


def test_runs_are_compared_on_one_page_and_seeds_are_grouped(runs, squares, tmp_path):
    out = tmp_path / "out"
    found = gannet.compare([runs / each for each in "cab"], squares, out=out, **QUICK)
    assert [(each.name, each.seeds) for each in found.groups] == [("c", (0,)), ("a", (0, 1))]
    assert len(found.differences) == len(found.scores) > 8
    assert {each.group for each in found.differences} == {"a"}
    told = json.loads((out / "compare.json").read_text())
    assert told["scores"] == list(found.scores)
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "://" not in page
    assert "Content-Security-Policy" in page
    for name in found.scores:
        assert name in page
    assert page.count("data:image/png;base64,") == 2, "one large grid of each entry"
    assert "2 runs" in (out / "compare.md").read_text()


def test_a_run_beside_its_copy_differs_in_nothing(runs, squares):
    first = compare.load(runs / "a")
    one, other = (first.scored(squares, threads=1, sheets=False, **QUICK)[0] for _ in range(2))
    left, right = (
        Group(name=name, seeds=(0,), reports=(each,)) for name, each in (("a", one), ("b", other))
    )
    found = compared([left, right], "d")
    assert {each.value for each in found.differences} == {0.0}
    assert {each.conclusion for each in found.differences} == {"noise"}


def test_runs_of_one_kind_are_one_entry_with_an_interval_over_runs(runs, squares):
    found = gannet.compare([runs / "a", runs / "b"], squares, **QUICK)
    assert len(found.groups) == 1
    assert found.differences == ()
    assert "interval over training runs" in to_markdown(found)


def test_what_cannot_be_compared_is_refused(runs, squares, points, tmp_path):
    with pytest.raises(ConfigError, match="two or more"):
        gannet.compare([runs / "a"], squares)
    with pytest.raises(ConfigError, match="named twice"):
        gannet.compare([runs / "a", runs / "a"], squares)
    gannet.train(points, tmp_path / "rows", recipe="generate", **OPTIONS)
    with pytest.raises(DataError, match="encode their data differently"):
        gannet.compare([runs / "a", tmp_path / "rows"], squares)
    gannet.train(squares, tmp_path / "unlabeled", label="", pseudo_classes=0, **OPTIONS)
    with pytest.raises(DataError, match="different data, labels or splits"):
        gannet.compare([runs / "a", tmp_path / "unlabeled"], squares)


def test_runs_of_two_sizes_are_refused_with_the_option_that_makes_them_one(runs, squares, tmp_path):
    gannet.train(squares, tmp_path / "large", resolution=16, **OPTIONS)
    with pytest.raises(DataError, match="1 × 8 × 8 and image of 1 × 16 × 16") as refused:
        gannet.compare([runs / "a", tmp_path / "large"], squares)
    assert "with resolution 8, which" in refused.value.remedy
    with pytest.raises(DataError) as refused:
        gannet.compare([tmp_path / "large", runs / "a"], squares)
    assert "with resolution 16, which" in refused.value.remedy


def test_a_run_on_pairs_and_one_on_the_same_files_without_inputs_say_why(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "pairs").mkdir()
    for number in range(24):
        pixels = rng.integers(0, 255, (16, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pairs" / f"{number}.png")
    quick = {"steps": 2, "width": 4, "batch": 4, "threads": 1}
    gannet.train(tmp_path / "pairs", tmp_path / "answers", recipe="translate", **quick)
    gannet.train(tmp_path / "pairs", tmp_path / "copies", recipe="baseline_copies")
    for order in (("answers", "copies"), ("copies", "answers")):
        with pytest.raises(DataError) as refused:
            gannet.compare([tmp_path / each for each in order])
        assert f"{tmp_path / 'answers'} answers inputs" in refused.value.remedy
        assert "the input itself" in refused.value.remedy
