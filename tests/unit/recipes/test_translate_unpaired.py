"""Answers without a target of their own: what a network is told, and how they are scored."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from gannet.api.scoring import ConditionalArtifact
from gannet.core.errors import DataError
from gannet.core.types import Batch, Condition, Spec
from gannet.evaluation.unpaired import UnpairedFeatures, domain_gap_closed, unpaired_scores
from gannet.losses.feature_matching import feature_statistics
from gannet.modalities.image.evaluation.comparison import STRUCTURE
from gannet.networks.patchgan import PatchGAN
from gannet.networks.unet import UNetGenerator, blur
from gannet.recipes.registry import find_recipe
from gannet.testing import changed

KEPT = {"preserved": (STRUCTURE,), "seed": 0}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def sided(count=8, side=16):
    """Pictures of two sides: dark ones and bright ones, by turns."""
    vector = torch.eye(2)[torch.arange(count) % 2]
    real = torch.rand(count, 3, side, side, generator=rng()) * 0.4 + vector[:, 1, None, None, None]
    real = real - 0.7
    return Batch(real, replace(Condition.none(real), vector=vector), kind="image")


RECIPE = find_recipe("translate_unpaired")


def test_each_picture_is_given_one_of_the_other_side():
    batch = sided()
    for problem in (
        RECIPE.training.corrupt(batch, rng(), RECIPE.config(horizontal_flip=False)),
        RECIPE.with_evaluation_condition(batch, Spec.of(batch)),
    ):
        bright = problem.condition.vector[:, 1] == 1
        assert (problem.condition.grid[bright].mean((1, 2, 3)) < 0).all()
        assert (problem.condition.grid[~bright].mean((1, 2, 3)) > 0).all()


def test_a_batch_of_one_side_still_makes_a_problem():
    batch = sided()
    dark = batch[batch.condition.vector[:, 0] == 1]
    assert len(RECIPE.training.corrupt(dark, rng(), RECIPE.config())) == len(dark)
    told = RECIPE.evaluation.condition(dark, Spec.of(dark))
    assert torch.equal(told.grid, dark.real)


@pytest.mark.parametrize("classes", [0, 1, 3])
def test_there_are_two_sides(classes):
    real = torch.zeros(2, 3, 16, 16)
    told = replace(Condition.none(real), vector=torch.zeros(2, classes))
    with pytest.raises(DataError, match="expected two"):
        RECIPE.training.build(RECIPE.config(), Spec.of(Batch(real, told)))


def test_a_network_of_changes_begins_with_none_and_goes_both_ways():
    batch = RECIPE.with_evaluation_condition(sided(), Spec.of(sided()))
    torch.manual_seed(0)
    network = UNetGenerator(3, 3, 8, 2, 4, classes=2, residual=True)
    noise = torch.randn(8, 4, generator=rng())
    first = network(noise, batch.condition)
    assert (first - batch.condition.grid).abs().max() < 0.1
    torch.nn.init.normal_(network.last.weight, std=0.1)
    ways = [
        network(noise, replace(batch.condition, vector=torch.eye(2)[[way] * 8])) for way in (0, 1)
    ]
    assert (ways[0] - ways[1]).abs().mean() > 1e-3


def test_each_class_has_logits_of_its_own():
    torch.manual_seed(0)
    discriminator = PatchGAN(3, 0, 8, 2, classes=2)
    discriminator.eval()
    real = torch.randn(4, 3, 16, 16, generator=rng())
    told = Condition.none(real)

    def logits(*row):
        return discriminator(real, replace(told, vector=torch.tensor([row]).expand(4, -1)))

    one, other, nobody = logits(1.0, 0.0), logits(0.0, 1.0), logits(0.0, 0.0)
    assert (one - other).abs().mean() > 1e-4
    torch.testing.assert_close(nobody, (one + other) / 2)


def test_habits_are_those_of_each_class():
    seen = torch.stack([torch.full((2, 3, 3), float(value)) for value in (1, 3, 10)])
    seen[2, 0, 0, 0] = 19.0
    classes = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    (found,) = feature_statistics([seen], classes)
    torch.testing.assert_close(found[0], torch.tensor([[2.0, 2.0], [11.0, 10.0]]))
    assert found[1, 0, 0] == pytest.approx(1.0)
    assert found[1, 1, 0] == pytest.approx(8**0.5)


def test_a_pattern_of_single_pixels_is_smoothed_away_and_flat_pictures_stay():
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    lines = (torch.arange(8) % 2 * 2.0 - 1).expand(8, 8)
    flat = torch.full((8, 8), 0.3)
    for pattern in (board, lines):
        assert blur(pattern[None, None])[..., 1:-1, 1:-1].abs().max() < 1e-6
    torch.testing.assert_close(blur(flat[None, None])[0, 0], flat)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, -0.05, 0.05), (1.0, 0.95, 1.05)])
def test_the_way_covered_is_known_at_both_ends(share, low, high):
    given, target = torch.randn(300, 6, generator=rng(1)), torch.randn(300, 6, generator=rng(2)) + 2
    made = given + 2 * share
    found = domain_gap_closed(UnpairedFeatures(target, given, made), seed=0)
    assert found is not None
    value, under, over = found
    assert low < value < high
    assert under <= value <= over


def test_half_of_the_shift_is_between():
    given, target = torch.randn(300, 6, generator=rng(1)), torch.randn(300, 6, generator=rng(2)) + 2
    some, more = (
        domain_gap_closed(UnpairedFeatures(target, given, given + 2 * share), seed=0)
        for share in (0.3, 0.6)
    )
    assert some is not None
    assert more is not None
    assert 0.1 < some[0] < more[0] < 0.95


def test_heaps_that_are_alike_have_no_way_between_them():
    one, other = (torch.randn(30, 6, generator=rng(seed)) for seed in (1, 2))
    assert domain_gap_closed(UnpairedFeatures(one, other, other), seed=0) is None


def test_the_input_itself_covers_nothing_and_keeps_all():
    problem = RECIPE.with_evaluation_condition(sided(16), Spec.of(sided(16)))
    given, real = problem.condition.grid, problem.real
    for answers, covered in ((given, 0.0), (real, 1.0)):
        seen = real.flatten(1), given.flatten(1), answers.flatten(1)
        scores = {
            score.name: score
            for score in unpaired_scores(
                answers, problem, seen, ("dark", "bright"), preserved=(STRUCTURE,), seed=0
            )
        }
        assert scores["domain gap closed"].value == pytest.approx(covered, abs=0.1)
        assert [part.name for part in scores["domain gap closed"].components] == [
            "to dark",
            "to bright",
        ]
        kept = scores["edge correlation"]
        assert (kept.value == pytest.approx(1.0, abs=1e-4)) == (answers is given)
        assert kept.baseline < 0.8


def test_a_side_with_too_few_is_left_out():
    problem = RECIPE.with_evaluation_condition(sided(6), Spec.of(sided(6)))
    seen = (problem.real.flatten(1),) * 3
    names = [
        score.name
        for score in unpaired_scores(
            problem.real, problem, seen, "ab", preserved=(STRUCTURE,), seed=0
        )
    ]
    assert names == ["edge correlation"]


def test_further_answers_are_to_the_same_pictures_whichever_are_asked():
    """What is told goes round by turns in a batch: of a part it would be other pictures."""
    some = sided(12)
    spec, config = Spec.of(some), RECIPE.config(steps=1, width=4, discriminator_width=4)
    networks = RECIPE.training.build(config, spec)
    copying = changed(RECIPE, infer=lambda _product, _noise, condition, _config: condition.grid)

    class Copier:
        recipe, card = copying, SimpleNamespace(spec=spec)

        def transform(self, condition, *, seed):
            return copying.inference.infer(
                networks.generator, condition.real, condition.condition, config
            )

    answers = ConditionalArtifact(Copier())
    told, made = answers.transform(some, seed=0)
    assert torch.equal(answers.resample(told[3:7], seed=1), made[3:7])
    assert not torch.equal(
        copying.with_evaluation_condition(told[3:7], spec).condition.grid, made[3:7]
    )


def test_pictures_whose_side_is_not_known_change_no_score():
    batch, rows = sided(20), torch.arange(20) >= 4
    some = replace(batch.condition, vector=batch.condition.vector * rows[:, None])
    problem = RECIPE.with_evaluation_condition(replace(batch, condition=some), Spec.of(batch))
    assert torch.equal(problem.condition.grid[~rows], batch.real[~rows])
    bright = rows & (torch.arange(20) % 2 == 1)
    assert (problem.condition.grid[bright].mean((1, 2, 3)) < 0).all()
    answers = problem.condition.grid * 0.9

    def scores(kept):
        mine = problem[kept]
        seen = (mine.real.flatten(1), mine.condition.grid.flatten(1), answers[kept].flatten(1))
        return unpaired_scores(
            answers[kept], mine, seen, ("dark", "bright"), preserved=(STRUCTURE,), seed=0
        )

    assert scores(torch.ones(20, dtype=torch.bool)) == scores(rows)
    assert scores(~rows) == []
