"""Reports that people read, and pictures they look at."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.scores import ABOUT
from gannet.evaluation.evaluate import NearestPair, Report, Score
from gannet.evaluation.report.markdown import summary, to_markdown, write_report
from gannet.modalities.image.grid import grid_png


def score(name: str, value: float, **changes) -> Score:
    numbers = {
        "low": value - 0.01,
        "high": value + 0.01,
        "reference": 0.5,
        "reference_low": 0.49,
        "reference_high": 0.51,
        "samples": 1000,
        "better": "low",
        "baseline": 0.99,
    }
    about = ABOUT[name.partition("[")[0]]
    return Score(name=name, value=value, **about, **numbers | changes)


def report(*scores: Score) -> Report:
    pair = NearestPair(fake=1, train=2, distance=0.5, ratio=0.9, suspect=False)
    return Report(
        artifact="digits",
        data="mnist",
        scores=scores,
        suspects=(pair,),
        seed=7,
        gannet="0.1.0",
        protocol=("1000 fakes against 1000 reals.",),
    )


def test_markdown_shows_every_number_of_a_score_and_says_what_it_means():
    text = to_markdown(report(score("c2st accuracy[samples]", 0.52), score("kid[x:1]", 0.1)))
    assert "| c2st accuracy[samples] | **0.520** | 0.510 to 0.530 | 0.500 (0.490 to 0.510)" in text
    assert ABOUT["c2st accuracy"]["meaning"] in text
    assert ABOUT["kid"]["meaning"] in text
    assert "1000 fakes against 1000 reals." in text
    assert "Seed 7" in text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.505, "found no difference"),
        (0.6, "a little better"),
        (0.8, "often"),
        (0.99, "nearly always"),
    ],
)
def test_the_verdict_says_what_the_critic_found(value, words):
    assert words in summary(report(score("c2st accuracy[samples]", value)))


def test_the_strongest_critic_speaks():
    both = report(score("c2st accuracy[samples]", 0.5), score("c2st accuracy[x]", 0.95))
    assert "nearly always" in summary(both)


def test_missing_variety_copies_and_a_better_baseline_are_named():
    high = {"reference": 0.95, "reference_low": 0.94, "reference_high": 0.96, "better": "high"}
    said = summary(
        report(
            score("coverage[x]", 0.4, **high, baseline=0.1),
            score("precision[x]", 0.3, **high, baseline=0.1),
            score(
                "memorization[pictures]",
                0.6,
                reference=0.01,
                reference_low=0.0,
                reference_high=0.02,
            ),
            score("kid[x]", 2.0, baseline=1.0),
        )
    )
    assert "Variety is missing: only 40%" in said
    assert "not believable: 30%" in said
    assert "**Memorised**: 60%" in said
    assert "**It loses to its baseline**: a plain Gaussian does better in: kid." in said
    assert said.endswith("not what a run with another seed would give.")


def test_a_report_is_written_as_json_and_markdown(tmp_path):
    made = report(score("kid[x]", 0.5))
    path = write_report(made, tmp_path / "new")
    assert path.read_text(encoding="utf-8") == to_markdown(made)
    assert json.loads((tmp_path / "new" / "report.json").read_text())["scores"][0]["value"] == 0.5


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_a_grid_holds_every_picture_in_its_place(tmp_path, channels, mode):
    pictures = torch.stack([torch.full((channels, 60, 60), value) for value in (-1.0, 0.0, 1.0)])
    path = tmp_path / "sub" / "grid.png"
    grid_png(pictures, path, columns=2)
    with Image.open(path) as image:
        assert image.mode == mode
        found = np.asarray(image)
    assert found.shape[:2] == (126, 126)
    corners = [found[30, 30], found[30, 95], found[95, 30]]
    assert [int(np.ravel(corner)[0]) for corner in corners] == [0, 128, 255]


def test_small_pictures_are_enlarged_by_a_whole_factor(tmp_path):
    pictures = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).expand(1, 1, 2, 2)
    grid_png(pictures, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as image:
        assert image.size == (60, 60)
        assert image.getpixel((2, 2)) == 0
        assert image.getpixel((57, 2)) == 255


def test_numbers_beyond_the_range_are_cut_and_not_wrapped(tmp_path):
    grid_png(torch.full((1, 1, 56, 56), 9.0), tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as image:
        assert image.getpixel((30, 30)) == 255


def test_worst_cases_are_called_by_the_noun_of_their_kind():
    pair = NearestPair(
        fake=1,
        train=2,
        distance=0.5,
        ratio=0.9,
        suspect=False,
        fake_cells=("a",),
        train_cells=("b",),
    )
    shown = report().model_copy(update={"suspects": (pair,), "columns": ("notes",)})
    text = to_markdown(shown.model_copy(update={"noun": ("sound", "sounds")}))
    assert "each above the nearest sound of training:" in text
    assert "| sound | distance | notes |" in text
    assert "each above the nearest sample of training:" in to_markdown(shown)
