"""Scores over training runs: what is trained again, and how intervals are joined."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

import gannet
from gannet.api import seeds
from gannet.api.seeds import combined_report, evaluate_over_seeds
from gannet.core.errors import ConfigError
from gannet.evaluation.differences import student
from gannet.evaluation.evaluate import Component, Report, Score
from gannet.evaluation.report.markdown import to_markdown
from gannet.evaluation.report.summary import limits

OPTIONS = {"steps": 4, "width": 4, "latent_dim": 4, "batch": 8, "threads": 1}
QUICK = {"count": 12, "features": "random", "steps": 2}


def report(value, low, high, *, part=0.5, halves=(), name="energy"):
    score = Score(
        name=name,
        value=value,
        low=low,
        high=high,
        reference=0.0,
        reference_low=0.0,
        reference_high=0.1,
        samples=600,
        better="low",
        half_sample_values=halves,
        components=(Component(name="age", value=part, reference=1.0),),
    )
    return Report(
        artifact="a",
        data="d",
        scores=(score,),
        suspects=(),
        seed=0,
        gannet="0",
        protocol=("How.",),
    )


def test_the_spread_over_runs_is_joined_with_that_over_samples():
    found = combined_report(
        [report(1.0, 0.9, 1.3), report(2.0, 1.7, 2.1), report(3.0, 2.9, 3.2)], (4, 5, 6)
    )
    score = found.score("energy")
    reach = student(2) / math.sqrt(3)  # of values whose standard deviation is one
    assert score.value == 2
    assert score.low == pytest.approx(2 - math.hypot(0.5 / 3, reach))
    assert score.high == pytest.approx(2 + math.hypot(0.6 / 3, reach))
    assert score.seed_values == (1.0, 2.0, 3.0)
    assert found.seeds == (4, 5, 6)


def test_equal_runs_keep_the_interval_over_samples():
    score = combined_report([report(1.0, 0.9, 1.3, halves=(1.0, 2.0))] * 2, (0, 1)).score("energy")
    assert (score.low, score.high) == (pytest.approx(0.9), pytest.approx(1.3))
    assert score.half_sample_values == (1.0, 2.0)


def test_parts_are_means_and_scores_that_a_run_lacks_are_left_out():
    found = combined_report(
        [report(1.0, 0.9, 1.3, part=0.2), report(1.0, 0.9, 1.3, part=0.4)], (0, 1)
    )
    assert found.scores[0].components[0].value == pytest.approx(0.3)
    assert not combined_report([report(1, 1, 1), report(1, 1, 1, name="other")], (0, 1)).scores


def test_the_report_says_how_many_runs_there_were_and_what_each_got():
    found = combined_report([report(1.0, 0.9, 1.3), report(2.0, 1.7, 2.1)], (0, 1))
    text = to_markdown(found)
    assert "means over 2 training runs" in limits(found)
    assert "| energy | 1.000 | 2.000 |" in text
    assert "2 training runs with the seeds 0, 1" in text
    assert "This is one training run" not in text


@pytest.fixture(scope="module")
def existing(squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun") / "run"
    gannet.train(squares, folder, seed=3, **OPTIONS)
    return folder


@pytest.fixture
def run(existing, tmp_path):
    return Path(shutil.copytree(existing, tmp_path / "run"))


def test_further_runs_are_trained_once_alike_but_for_their_seed(run, squares, tmp_path):
    said: list[str] = []
    found = evaluate_over_seeds(
        run, squares, seeds=3, out=tmp_path / "out", log=said.append, **QUICK
    )
    assert found is not None
    assert found.seeds == (3, 4, 5)
    assert [each for each in said if "training" in each] == [
        f"training {run / 'seeds' / f'seed-{seed}'}" for seed in (4, 5)
    ]
    first, other = gannet.load(run).card, gannet.load(run / "seeds" / "seed-5").card
    assert (first.config, other.seed) == (other.config, 5)
    assert len(set(found.score("energy").seed_values)) == 3
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 training runs" in page
    assert "Run by run" in page
    said.clear()
    again = evaluate_over_seeds(run, squares, seeds=3, log=said.append, **QUICK)
    assert not [each for each in said if "training" in each]
    assert again is not None
    # The same up to the last digits: sums of a second call may be taken in another order.
    assert [each.name for each in again.scores] == [each.name for each in found.scores]
    for one, other in zip(again.scores, found.scores, strict=True):
        assert one.seed_values == pytest.approx(other.seed_values, rel=1e-3, abs=1e-9)


def test_what_was_stopped_goes_on(run, squares):
    asked = iter([False, True] + [True] * 20)
    assert evaluate_over_seeds(run, squares, seeds=2, stop=lambda: next(asked), **QUICK) is None
    folder = run / "seeds" / "seed-4"
    assert gannet.load(folder).card.steps < OPTIONS["steps"]
    assert evaluate_over_seeds(run, squares, seeds=2, **QUICK) is not None
    assert gannet.load(folder).card.diagnosis["stopped"] == "all steps are done"


def test_what_cannot_be_repeated_is_refused(run, squares, tmp_path):
    for count in (0, seeds.MAX_SEEDS + 1):
        with pytest.raises(ConfigError, match="--seeds"):
            evaluate_over_seeds(run, squares, seeds=count)
    gannet.train(squares, run / "seeds" / "seed-4", seed=4, **OPTIONS | {"width": 8})
    with pytest.raises(ConfigError, match="other settings"):
        evaluate_over_seeds(run, squares, seeds=2)
    (run / "plan.json").unlink()
    with pytest.raises(ConfigError, match=r"plan\.json is missing"):
        evaluate_over_seeds(run, squares, seeds=2)
