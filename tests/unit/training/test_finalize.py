"""What a run leaves for people: a scale, a grid, a model card."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from PIL import Image

from gannet.core.types import Batch, Condition, Spec
from gannet.inference.artifact import Artifact
from gannet.inference.calibration import QUANTILES, calibrated, within_memory
from gannet.inference.judge.fit import with_judge
from gannet.inference.model_card import model_card, two_sample_sentence
from gannet.metrics.two_sample import ClassifierResult, Control, TwoSampleResult
from gannet.modalities.hooks import columns
from gannet.recipes.registry import find_recipe
from gannet.training.finalize import (
    FULL_SAMPLES,
    effort_after,
    finalize,
    grid_conditions,
    preview,
    with_two_sample_test,
)
from gannet.training.trainer import Trainer


def test_a_grid_shows_every_class_by_turns():
    told = grid_conditions(Spec((1, 8, 8), vector=3, tokens=(4, 2)), 7)
    assert told.vector.argmax(1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert told.tokens.shape == (7, 4, 2), "blank, but as wide as the networks expect"
    assert grid_conditions(Spec((1, 8, 8)), 7).vector.shape == (7, 0)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 64, 100])
def test_a_grid_is_about_square(count):
    rows = math.ceil(count / columns(count))
    assert columns(count) * rows >= count
    assert 0 <= columns(count) - rows <= 1


def test_the_scale_is_fitted_on_held_out_data(of_classes, loaded):
    scale = calibrated(of_classes, loaded).card.calibration
    assert scale.count == len(loaded.held_out)
    assert scale.weight >= 0
    for usual in (scale.real, scale.fake):
        assert len(usual) == len(QUANTILES)
        assert list(usual) == sorted(usual)
        assert 0 <= usual[0] <= usual[-1] <= 1


class Known(torch.nn.Module):
    """Gives each sample the logit ``of(sample)``."""

    def __init__(self, of):
        super().__init__()
        self.of = of
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, samples, condition):
        return self.of(samples)


def black(samples):
    """Share of pixels that are quite black, as most are in the squares and none in fakes."""
    return (samples == -1).float().mean((1, 2, 3))


def judged(of_classes, loaded, discriminator):
    made = calibrated(Artifact(of_classes.card, of_classes.model, Known(discriminator)), loaded)
    return made, made.card.calibration


def test_a_judge_that_cannot_tell_says_a_half(of_classes, loaded):
    _, scale = judged(of_classes, loaded, lambda samples: torch.full((len(samples),), 3.0))
    assert scale.real == scale.fake == pytest.approx([0.5] * 5, abs=1e-3)


def test_a_judge_that_is_wrong_about_new_data_says_a_half(of_classes, loaded):
    _, scale = judged(of_classes, loaded, lambda samples: -black(samples))
    assert (scale.weight, scale.bias) == (0, 0)


class Strict(torch.nn.Module):
    """Finds reals and fakes alike, but gives classes other logits: the best class says more."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, samples, condition):
        return black(samples) * condition.vector[:, 1]


def test_a_class_that_is_asked_for_has_a_scale_of_its_own(of_classes, loaded):
    made = calibrated(Artifact(of_classes.card, of_classes.model, Strict()), loaded)
    best, own = made.card.calibration, made.card.class_calibration
    assert own is not None
    assert own.count == len(loaded.held_out)
    assert own.real[0] < 0.5 < best.real[0], "reals of the first class look like fakes to it"
    samples = loaded.held_out.take(range(4))
    logits = made.logits(samples.real, samples.condition)
    expected = (logits * own.weight + own.bias).sigmoid()
    assert torch.equal(made.discriminate(samples.real, samples.condition), expected)
    assert not torch.equal(made.discriminate(samples.real), expected)


def test_half_labeled_models_have_a_scale_of_class_of_as_many_reals_as_fakes(
    of_classes, loaded, changed
):
    labels = loaded.held_out.labels.copy()
    labels[::4] = -1
    data = replace(loaded, held_out=replace(loaded.held_out, labels=labels))
    made = calibrated(changed(of_classes, class_frequencies=(0.25, 0.25)), data)
    known = int((labels >= 0).sum())
    assert 8 <= made.card.class_calibration.count < known < made.card.calibration.count


def test_a_model_without_classes_has_one_scale(of_pictures, loaded):
    assert calibrated(of_pictures, loaded).card.class_calibration is None


def test_sampling_does_not_repeat_the_fakes_that_the_scale_was_fitted_on(
    of_pictures, loaded, monkeypatch
):
    seeds = []
    draw = Artifact.draw

    def spy(self, condition, *, seed=0, start=0):
        seeds.append(seed)
        return draw(self, condition, seed=seed, start=start)

    monkeypatch.setattr(Artifact, "draw", spy)
    with_two_sample_test(calibrated(of_pictures, loaded), loaded)
    assert len(set(seeds)) == 2
    assert not set(seeds) & set(range(100))


def test_large_pictures_are_held_few_at_a_time():
    assert within_memory(1_000, (1, 28, 28)) == 1_000
    assert within_memory(1_000, (3, 256, 256)) * 3 * 256 * 256 * 4 <= 64 * 2**20
    assert within_memory(1_000, (4, 1024, 1024)) == 64


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_a_judge_that_can_tell_is_sure_whatever_its_units(of_classes, loaded, size):
    _, scale = judged(of_classes, loaded, lambda samples: size * black(samples))
    assert min(scale.real) > 0.8
    assert max(scale.fake) < 0.2
    assert math.isfinite(scale.weight)


def test_finishing_writes_all_that_people_need(of_classes, tmp_path):
    finalize(of_classes, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"card.json", "model.safetensors", "grid.png", "README.md"}
    with Image.open(tmp_path / "run" / "grid.png") as grid:
        assert grid.size[0] >= 64
    assert Artifact.load(tmp_path / "run").classes == ("cat", "dog")


def test_rows_have_no_grid(of_rows, tmp_path):
    finalize(of_rows, tmp_path / "run")
    assert not (tmp_path / "run" / "grid.png").exists()
    assert "grid.png" not in (tmp_path / "run" / "README.md").read_text()


def test_the_model_card_is_one_that_the_hub_reads(of_classes):
    text = model_card(of_classes, "my run")
    head = text.split("---\n")[1]
    assert "pipeline_tag: unconditional-image-generation" in head
    assert "library_name: gannet" in head
    assert 'gannet.load("my run")' in text
    assert "Classes: cat, dog." in text
    assert "**Not judged:** no two-sample test was made" in text
    assert "When training ended: healthy." in text
    assert "2, standard error 0.1" in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"value": None, "error": None}, "not measured, the run was stopped before an evaluation"),
        ({"value": 1.0, "error": None}, "1, standard error not known"),
    ],
)
def test_the_model_card_says_what_is_not_known(of_classes, changed, found, words):
    known = {"name": "energy", "reference": 0.1, "samples": 4}
    assert words in model_card(changed(of_classes, energy_distance=known | found), "run")


def test_previews_show_the_same_noise_each_time(planned, tmp_path):
    plan = planned()
    recipe = find_recipe("generate")
    trainer = Trainer(recipe, recipe.config.model_validate(plan.config), plan.spec)
    reals = torch.rand(4, *plan.spec.shape)
    held_out = Batch(reals, Condition.none(reals))
    first = preview(trainer, plan, tmp_path, held_out).read_bytes()
    torch.rand(3)
    path = preview(trainer, plan, tmp_path, held_out)
    assert path == tmp_path / "samples" / "step-000000.png"
    assert path.read_bytes() == first


def test_no_claim_where_nothing_was_trained_or_too_little_was_held_out(of_pictures, changed):
    assert "Too little was held out" in two_sample_sentence(changed(of_pictures).card)
    coin = ClassifierResult("a network", 0.5, 0.47, 0.53, 0.5, 0.47, 0.53, 0.5)
    alike = TwoSampleResult(coin, (coin,), 1_000, 1_000, (Control("noise", 0.9, detected=True),))
    said = {
        steps: two_sample_sentence(
            changed(of_pictures, two_sample_test=alike.record(), steps=steps).card
        )
        for steps in (0, 5)
    }
    assert "claims nothing" in said[0]
    assert "one of 5 points would have been" in said[5]
    few = replace(alike, tested=22)
    card = changed(of_pictures, two_sample_test=few.record(), steps=5).card
    assert "Too few samples to claim anything" in two_sample_sentence(card)


def test_the_test_at_the_end_has_a_control_of_either_sort(of_pictures, loaded):
    made = with_two_sample_test(of_pictures, loaded)
    found = TwoSampleResult.of(made.card.two_sample_test)
    assert found.tested + found.trained == 2 * len(loaded.held_out)
    assert any(each.detected for each in found.positive)
    assert found.negative is not None
    assert found.sentence() in model_card(made, "run")


def test_a_short_run_is_tested_briefly_and_says_so(of_pictures, loaded):
    made = with_two_sample_test(of_pictures, loaded, effort=0.1)
    found = TwoSampleResult.of(made.card.two_sample_test)
    assert found.brief
    looked = [each.name for each in found.classifiers]
    assert "a network on samples" in looked
    assert any(each.startswith("boosted trees") for each in looked)
    assert not any("features" in each for each in looked), "they are slow to load"
    assert "an evaluation tests in full" in two_sample_sentence(made.card)
    full = TwoSampleResult.of(with_two_sample_test(of_pictures, loaded).card.two_sample_test)
    assert not full.brief
    assert len(full.classifiers) > 1


def test_a_short_run_has_no_judge_and_says_so(of_pictures, loaded):
    short = with_judge(of_pictures, loaded, effort=effort_after(50 * 8))
    assert short.judge is None
    assert "training was too short to fit a judge" in model_card(short, "run")


def test_effort_is_counted_in_samples_and_full_from_some_number_on():
    assert effort_after(0) == 0
    assert effort_after(FULL_SAMPLES // 2) == 0.5
    assert effort_after(FULL_SAMPLES, 1) < 0.01, "large batches do not make a run long"
    assert effort_after(FULL_SAMPLES) == effort_after(10 * FULL_SAMPLES) == 1
