"""Runs without a duel: the same verbs, the same files, and what they must be called."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gannet
from gannet.core.errors import ConfigError
from gannet.evaluation.report.markdown import to_markdown
from gannet.evaluation.report.summary import summary
from gannet.inference.artifact import Artifact
from gannet.recipes.registry import find_recipe, recipe_modules

FITTED = sorted(name for name in recipe_modules() if find_recipe(name).training.fit is not None)
OF_TABLES = [
    name for name in FITTED if "table" in find_recipe(name).inputs.slots["sample"].modalities
]


def test_there_are_fitted_recipes_and_each_is_a_baseline():
    assert set(FITTED) >= {
        "baseline_copula",
        "baseline_mean",
        "baseline_copies",
        "baseline_shuffle",
    }
    assert all(find_recipe(name).evaluation.is_baseline for name in FITTED)


@pytest.mark.parametrize("name", OF_TABLES)
def test_rows_are_made_by_the_same_verbs(name, people, tmp_path):
    out = tmp_path / "run"
    session = gannet.prepare(people, out, recipe=name, minutes=1)
    assert len(list(session.run())) == 1
    model = gannet.load(out)
    made = model.sample(50, seed=1)
    assert list(made.columns) == list(model.codec.names)
    first, rest = model.artifact.sample(20), model.artifact.sample(10, start=10)
    assert torch.equal(first[10:], rest), "row n hangs on more than the seed and n"
    assert model.card.diagnosis["name"] == "fitted, not trained"
    with pytest.raises(ConfigError, match="cannot be conditioned"):
        model.sample(5, given={model.codec.names[-1]: made.iloc[0, -1]})
    with pytest.raises(ConfigError, match="cannot judge samples"):
        model.judge(made)
    assert {"card.json", "model.safetensors", "plan.json", "README.md"} <= {
        each.name for each in out.iterdir()
    }


def test_a_fitted_run_is_not_fitted_again_and_a_killed_one_is(people, tmp_path):
    gannet.train(people, tmp_path / "run", recipe="baseline_copula")
    card = tmp_path / "run" / "card.json"
    before = card.read_bytes(), (tmp_path / "run" / "model.safetensors").read_bytes()
    assert not list(gannet.prepare(people, tmp_path / "run", recipe="baseline_copula").run())
    card.unlink()
    assert len(list(gannet.prepare(people, tmp_path / "run", recipe="baseline_copula").run())) == 1
    after = card.read_bytes(), (tmp_path / "run" / "model.safetensors").read_bytes()
    assert after[1] == before[1]


def test_settings_of_a_duel_are_refused(people, tmp_path):
    with pytest.raises(ConfigError, match="steps: baseline_copula is fitted at once"):
        gannet.prepare(people, tmp_path / "run", recipe="baseline_copula", steps=5)


@pytest.mark.parametrize("name", ["baseline_mean", "baseline_copies"])
def test_pictures_of_a_class_are_made_by_the_same_verbs(name, squares, tmp_path):
    model = gannet.train(squares, tmp_path / "run", recipe=name)
    label = model.classes[1]
    made = model.sample(6, label=label)
    train = gannet.prepare(squares, tmp_path / "run").dataset.train
    own = train.take(np.flatnonzero(train.labels == 1)).real
    if name == "baseline_mean":
        wanted = own.mean(0, keepdim=True)
        assert torch.allclose(model.artifact.sample(3, label=label), wanted.expand(3, -1, -1, -1))
    else:
        drawn = model.artifact.sample(6, label=label)
        assert all(any(torch.equal(each, real) for real in own) for each in drawn)
    assert made.dtype == np.uint8
    assert (tmp_path / "run" / "grid.png").exists()


def test_reports_call_them_what_they_are(squares, tmp_path):
    said = {}
    for name in ("baseline_mean", "baseline_copies"):
        model = gannet.train(squares, tmp_path / name, recipe=name)
        found = model.evaluate(squares, count=100, features="random", steps=2)
        said[name] = summary(found)
        assert "There was no adversarial training" in to_markdown(found)
        assert "Fitting" in to_markdown(found)
    assert "**Copies**" in said["baseline_copies"]
    assert "**Collapsed**" in said["baseline_mean"]
    assert "unhealthy" not in "".join(said.values())


def test_an_artifact_of_one_is_rebuilt_from_its_files(people, tmp_path):
    gannet.train(people, tmp_path / "run", recipe="baseline_copies", stored_samples=7)
    model = Artifact.load(tmp_path / "run").model
    assert model.get_buffer("samples").shape[0] == 7
