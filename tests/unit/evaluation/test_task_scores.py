"""A recipe whose product is no generator is trained, loaded, judged and scored like any other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gannet
from gannet.core.errors import ConfigError
from gannet.core.types import Batch, Condition
from gannet.inference.artifact import Artifact
from gannet.recipes import registry
from gannet.testing import check_recipe
from tests.unit.recipes import toy_classifier

NAME = "toy_classifier"


@pytest.fixture(autouse=True, scope="module")
def known():
    """The toy as a package would bring it."""
    found = registry.recipe_modules() | {NAME: toy_classifier.__name__}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "recipe_modules", lambda: found)
        yield


@pytest.fixture(scope="module")
def run(squares, tmp_path_factory):
    """Trained for some steps, with two looks."""
    out = tmp_path_factory.mktemp("toy") / "run"
    gannet.train(squares, out, recipe=NAME, steps=60, batch=16, latent_dim=4, threads=1)
    return out


def test_the_toy_keeps_the_laws():
    rng = torch.Generator().manual_seed(0)
    real = torch.randn(6, 1, 4, 4, generator=rng).tanh()
    blank = Condition.none(real)
    told = Condition(torch.eye(2)[torch.arange(6) % 2], blank.grid, blank.tokens)
    check_recipe(toy_classifier.recipe, Batch(real, told), latent_dim=4)


def test_outputs_are_decoded_by_the_codec_of_their_role(run, loaded):
    artifact = Artifact.load(run)
    some = artifact.recipe.with_evaluation_condition(
        loaded.held_out.take(range(5)), artifact.card.spec
    )
    made = artifact.transform(some)
    assert made.shape == (5, 2)
    assert torch.allclose(made.sum(1), torch.ones(5))
    assert set(artifact.decode(made)) <= set(artifact.data_classes)
    assert artifact.classes == (), "it foretells classes and cannot be asked for them"


def test_samples_are_the_generators_and_are_judged(run, squares):
    artifact = Artifact.load(run)
    fakes = artifact.fakes(artifact.card.spec.blank(6), seed=1)
    assert fakes.shape == (6, 1, 8, 8)
    last = artifact.fakes(artifact.card.spec.blank(3), seed=1, start=3)
    assert torch.allclose(fakes[3:], last, atol=1e-6), "row n hangs on the seed and on n"
    model = gannet.load(run)
    real = model.judge(list(np.load(squares)["images"][:20]))
    fake = model.judge(model.codec.decode(fakes))
    assert all(0 <= chance <= 1 for chance in real + fake)
    assert np.mean(real) > np.mean(fake), "a line tells squares from blurred noise"
    assert model.card.calibration.count, "the scale was fitted on fakes of the generator"
    assert (run / "grid.png").exists()


def test_a_recipe_that_is_told_samples_makes_none_from_nothing(run):
    with pytest.raises(ConfigError, match="from nothing"):
        gannet.load(run).sample(3)


def test_the_average_and_the_judge_are_kept_apart(run):
    artifact = Artifact.load(run)
    average, discriminator = artifact.model.state_dict(), artifact.discriminator.state_dict()
    assert average.keys() == discriminator.keys()
    assert any(not torch.equal(average[name], discriminator[name]) for name in average)


def test_the_report_has_the_scores_of_the_task(run, squares, tmp_path):
    report = gannet.load(run).evaluate(
        squares, count=16, features="random", steps=10, out=tmp_path, threads=1
    )
    scores = {score.name: score for score in report.scores}
    assert scores["accuracy"].samples > 0
    assert 0 <= scores["accuracy"].value <= 1
    assert any(name.startswith("frechet") for name in scores), "fakes are scored as well"
    assert "accuracy" in (tmp_path / "report.md").read_text()
