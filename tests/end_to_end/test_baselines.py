"""Baselines and seeds as commands."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.end_to_end


def test_a_copula_is_trained_sampled_and_listed_like_any_recipe(gannet, people, tmp_path):
    run, rows = tmp_path / "run", tmp_path / "rows.csv"
    printed = gannet.works("train", people, "--out", run, "--recipe", "baseline_copula")
    assert "fitted at once" in printed
    assert "there was nothing left to do" in gannet.works(
        "train", people, "--out", run, "--recipe", "baseline_copula"
    )
    gannet.works("sample", run, "--count", 30, "--out", rows)
    heads = [path.read_text(encoding="utf-8").splitlines()[0] for path in (people, rows)]
    assert heads[0] == heads[1]
    assert len(rows.read_text().splitlines()) == 31
    assert "--steps" in gannet.refuses(
        "train", people, "--out", tmp_path / "b", "--recipe", "baseline_copula", "--steps", 5
    )
    assert "--steps" not in gannet.works("settings", "baseline_copula")
    assert "--stored-samples" in gannet.works("settings", "baseline_copula")
    assert "cannot judge samples" in gannet.refuses("judge", run, rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_evaluate_trains_further_seeds(gannet, squares, tiny, tmp_path):
    run = tmp_path / "run"
    gannet.works("train", squares, "--out", run, *tiny, "--steps", 4)
    words = ("--seeds", 2, "--count", 12, "--features", "random")
    assert "2 training runs" in gannet.works("evaluate", run, squares, *words)
    assert json.loads((run / "report.json").read_text())["seeds"] == [0, 1]
    assert (run / "seeds" / "seed-1" / "card.json").exists()
    assert "--seeds" in gannet.refuses("evaluate", run, squares, "--seeds", 0)
