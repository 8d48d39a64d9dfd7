"""Verdicts: what looks mean, and that one look alone condemns nobody."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gannet.recipes.registry import find_recipe
from gannet.training.monitor import Limits, Measures, judge, limits_for, sound

RECIPE = find_recipe("generate")

HEALTHY = Measures(
    step=100,
    auc_train=0.7,
    auc_held_out=0.68,
    auc_error=0.02,
    d_real=0.6,
    d_fake=0.4,
    spread=0.95,
    crowding=0.9,
    copied=0.01,
    critic=0.9,
    distance=1.0,
    distance_error=0.05,
    floor=0.0,
    baseline=4.0,
    gradient_ratio=1.0,
    agreement=0.6,
    logit_scale=0.5,
    finite=True,
)


def looks(count=6, **known):
    """Equal looks, healthy but for what is known, one after the other."""
    return [replace(HEALTHY, step=100 * at, **known) for at in range(1, count + 1)]


def named(history, share=0.9):
    verdict = judge(history, share)
    assert verdict.evidence
    return verdict.name


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_healthy_history_is_healthy(count, share):
    assert named(looks(count), share) == "healthy"


def test_a_duel_that_improves_is_healthy_though_still_poor():
    history = [
        replace(HEALTHY, step=at, distance=20 * 0.8**at, critic=0.999, agreement=0.9)
        for at in range(1, 9)
    ]
    assert named(history) == "healthy"


def test_few_looks_and_early_ones_are_called_warming_up():
    assert "warming up" in judge(looks(2), 0.5).evidence
    assert "warming up" in judge(looks(6, spread=0.1), 0.01).evidence


BAD = {
    "collapsed": [{"spread": 0.1}, {"crowding": 0.01}],
    "discriminator overfits": [{"auc_train": 0.95, "auc_held_out": 0.7}, {"copied": 0.3}],
    "discriminator too weak": [
        {"logit_scale": 0.01, "critic": 0.99, "d_real": 0.5, "d_fake": 0.5},
        {"distance": 9.0, "critic": 0.999, "d_real": 0.51},
    ],
    "generator starved": [
        {"logit_scale": 5.0, "auc_train": 0.95, "auc_held_out": 0.94},
        {"distance": 3.0, "critic": 0.999, "agreement": 0.05},
        {"distance": 9.0, "critic": 0.999, "d_real": 0.9, "auc_held_out": 0.7},
    ],
    "diverged": [{"finite": False}, {"logit_scale": 2e3}, {"auc_train": 0.1, "auc_held_out": 0.1}],
    "done": [{"distance": 0.05, "critic": 0.51, "auc_held_out": 0.52, "auc_train": 0.53}],
}
CASES = [(name, known) for name, cases in BAD.items() for known in cases]


@pytest.mark.parametrize(("name", "known"), CASES)
def test_each_verdict_is_reached(name, known):
    assert named(looks(6, **known)) == name


@pytest.mark.parametrize(("name", "known"), CASES)
def test_each_verdict_names_a_number_that_led_to_it(name, known):
    evidence = judge(looks(6, **known), 0.9).evidence
    assert any(letter.isdigit() for letter in evidence) or known == {"finite": False}


@pytest.mark.parametrize(
    ("name", "known"), [case for case in CASES if case[0] not in ("diverged", "generator starved")]
)
def test_one_look_alone_condemns_nobody(name, known):
    history = [*looks(6), replace(HEALTHY, step=700, **known)]
    assert named(history) == "healthy"
    assert named([*looks(6, **known), replace(HEALTHY, step=700)]) == "healthy", "once recovered"


def test_a_look_that_is_not_finite_is_enough():
    assert named([replace(HEALTHY, finite=False)], 0.0) == "diverged"


def test_after_a_look_that_was_not_finite_nothing_else_is_said_for_a_while():
    lost = replace(HEALTHY, finite=False, distance=math.nan, spread=math.nan)
    verdict = judge([*looks(3), lost, *looks(2, spread=0.1)], 0.5)
    assert verdict.name == "healthy"
    assert "recovering" in verdict.evidence


def test_a_gap_within_its_own_error_is_no_overfitting():
    known = {"auc_train": 0.9, "auc_held_out": 0.7}
    assert named(looks(6, **known, auc_error=0.02)) == "discriminator overfits"
    assert named(looks(6, **known, auc_error=0.06)) == "healthy"


def test_a_resting_needle_is_no_fault_while_a_critic_sees_nothing_either():
    assert named(looks(6, logit_scale=0.01, critic=0.6)) == "healthy"


@pytest.mark.parametrize("known", [{"critic": 0.9}, {"distance": 1.0}, {"auc_held_out": 0.7}])
def test_a_duel_is_not_done_while_one_number_speaks_against_it(known):
    assert named(looks(6, **(BAD["done"][0] | known))) == "healthy"


def test_no_duel_is_done_before_its_schedules_have_run():
    assert named(looks(6, **BAD["done"][0]), 0.5) == "healthy"
    assert named(looks(6, **BAD["done"][0]), 1.0) == "done"


def test_limits_can_be_moved():
    assert judge(looks(6, spread=0.5), 0.5, Limits(spread=0.6)).name == "collapsed"


@pytest.mark.parametrize(
    "known",
    [
        {"finite": False},
        {"logit_scale": 2e3},
        {"auc_held_out": 0.1},
        {"spread": 0.1},
        {"crowding": 0.01},
        {"auc_train": 0.95, "auc_held_out": 0.7},
        {"copied": 0.3},
    ],
)
def test_a_state_is_worth_keeping_only_if_one_look_alone_shows_nothing_wrong(known):
    assert sound(HEALTHY)
    assert not sound(replace(HEALTHY, **known))


def test_few_samples_never_prove_a_draw():
    assert named(looks(6, **BAD["done"][0], auc_error=0.05)) == "healthy"


@pytest.mark.parametrize("objective", ["hinge", "wasserstein", "least_squares"])
def test_logits_that_are_no_log_odds_are_not_held_against_a_duel(objective):
    limits = limits_for(RECIPE, RECIPE.config(objective=objective))
    for known in ({"logit_scale": 2e3, "auc_held_out": 0.9}, {"logit_scale": 0.01, "critic": 0.99}):
        assert named(looks(6, **known)) != "healthy"
        assert judge(looks(6, **known), 0.9, limits).name == "healthy"
    assert limits_for(RECIPE, RECIPE.config()) == Limits()


# -- copies ------------------------------------------------------------------------------------


def error_of(samples):
    return math.sqrt(1 / (6 * samples))


@pytest.mark.parametrize("samples", [20, 64, 256, 1_000])
def test_the_number_of_samples_follows_from_the_error(samples):
    assert replace(HEALTHY, auc_error=error_of(samples)).samples == samples


@pytest.mark.parametrize("unknown", [math.nan, 0.0])
def test_where_the_error_is_not_known_no_copy_is_counted(unknown):
    assert named(looks(6, copied=1.0, auc_error=unknown)) == "healthy"


def test_copies_are_told_beside_a_gap_and_alone():
    gap = {"auc_train": 0.95, "auc_held_out": 0.7}
    words = "35% of the fakes are nearly copies of training samples"
    assert words in judge(looks(6, copied=0.35), 0.9).evidence
    both = judge(looks(6, copied=0.35, **gap), 0.9)
    assert both.name == "discriminator overfits"
    assert words in both.evidence
    assert "95% of the time" in both.evidence
    assert "copies" not in judge(looks(6, copied=0.02, **gap), 0.9).evidence


@pytest.mark.parametrize("samples", [20, 64, 256, 1_000])
def test_fakes_as_near_as_other_reals_are_never_called_copies(samples):
    """Both shares are drawn by chance: what counts as near, and how many fakes are."""
    chance, alarms, runs = torch.Generator().manual_seed(0), 0, 2_000
    rank = math.ceil(0.01 * (samples - 1)) + 1
    # A bound at the rank-th nearest of the held-out samples has a true share that is Beta.
    near = torch.rand(runs, samples, generator=chance).sort(1).values[:, rank - 1]
    drawn = torch.rand(runs, 3, samples, generator=chance) < near[:, None, None]
    for shares in drawn.float().mean(2).tolist():
        history = [replace(HEALTHY, copied=each, auc_error=error_of(samples)) for each in shares]
        alarms += judge(history, 0.9).name != "healthy"
    assert alarms == 0


@pytest.mark.parametrize(("samples", "share"), [(20, 1.0), (64, 0.5), (256, 0.2), (1_000, 0.15)])
def test_a_generator_that_copies_is_told_by_any_number_of_samples(samples, share):
    known = {"copied": share, "auc_error": error_of(samples)}
    assert named(looks(6, **known)) == "discriminator overfits"


def test_copies_among_rows_of_numbers_are_not_held_against_a_duel():
    limits = limits_for(RECIPE, RECIPE.config(), near_copies=False)
    assert judge(looks(6, copied=1.0), 0.9, limits).name == "healthy"
    assert sound(replace(HEALTHY, copied=1.0), limits)
    of_hinge = limits_for(RECIPE, RECIPE.config(objective="hinge"), near_copies=False)
    assert judge(looks(6, copied=1.0), 0.9, of_hinge).name == "healthy"


def test_young_generators_are_not_accused_of_copies():
    assert named(looks(6, copied=0.5), 0.05) == "healthy"


def foretold(errors, train=None):
    """Looks that differ in what the generator gets wrong of held-out and of training samples."""
    train = train or [1.0 - 0.1 * at for at in range(len(errors))]
    return [
        replace(HEALTHY, step=100 * (at + 1), error_held_out=error, error_train=known)
        for at, (error, known) in enumerate(zip(errors, train, strict=True))
    ]


def test_a_generator_that_gets_worse_on_what_it_never_saw_is_named_with_its_best_step():
    verdict = judge(foretold([2.0, 1.5, 1.6, 1.7, 1.8]), 0.5)
    assert verdict.name == "generator overfits"
    assert "from 1.5 at step 200" in verdict.evidence


@pytest.mark.parametrize(
    "errors",
    [
        [2.0, 1.5, 1.51, 1.505, 1.5],  # within a hundredth
        [2.0, 1.5, 1.6, 1.7, 1.4],  # the last look is the best
        [2.0, 1.9, 1.8, 1.7, 1.6],
        [math.nan] * 5,
    ],
)
def test_a_generator_that_does_not_get_worse_is_healthy(errors):
    assert named(foretold(errors), 0.5) == "healthy"


def test_a_generator_that_gets_worse_on_all_samples_does_not_overfit():
    assert named(foretold([1.5, 1.6, 1.7, 1.8], [1.0, 1.1, 1.2, 1.3]), 0.5) == "healthy"


OF_ANSWERS = limits_for(find_recipe("translate"), find_recipe("translate").config())


def answered(distances, errors=None, **known):
    """Looks at a generator of answers, one after the other; the error is not known by default."""
    errors = errors or [math.nan] * len(distances)
    return [
        replace(HEALTHY, **known, step=at, distance=distance, error_held_out=error, error_train=0.9)
        for at, (distance, error) in enumerate(zip(distances, errors, strict=True), 1)
    ]


def of_answers(history, share=0.9):
    return judge(history, share, OF_ANSWERS)


# As measured on 400 pairs of facades: no look was nearer than a Gaussian, and batches disagreed.
FAR = {"critic": 1.0, "baseline": 0.3, "agreement": 0.1, "auc_held_out": 0.85}


def test_answers_that_improve_and_then_rest_are_healthy_though_no_gaussian_is_beaten():
    distances = [45.0, 30.0, 20.0, 12.0, 10.0, *[10.0] * 8]
    errors = [0.33, 0.325, 0.32, *[0.318] * 10]
    for count in range(1, len(distances) + 1):
        history = answered(distances[:count], errors[:count], **FAR)
        assert of_answers(history, count / len(distances)).name == "healthy"
    assert judge(history, 0.9).name == "generator starved", "these limits are for samples of noise"


def test_answers_that_miss_more_pixels_but_come_nearer_do_not_overfit():
    errors = [0.33, 0.319, 0.325, 0.326, 0.327, 0.33]
    sharper = answered([40.0, 27.0, 20.0, 16.0, 13.0, 10.0], errors, **FAR)
    for at, look in enumerate(sharper):
        sharper[at] = replace(look, error_train=0.31 - 0.01 * at)
    assert of_answers(sharper).name == "healthy"
    resting = [replace(each, distance=27.0) for each in sharper]
    assert of_answers(resting).name == "generator overfits"


@pytest.mark.parametrize("error", [0.34, math.nan])
def test_answers_that_never_improve_are_named(error):
    noise = [0.01, -0.02, 0.0, 0.02, -0.01, 0.01, 0.0, 0.02]
    history = answered([5.0 + each for each in noise], [error] * len(noise))
    verdict = of_answers(history)
    assert verdict.name == "generator starved"
    assert "no better than at step 1" in verdict.evidence


def test_answers_without_an_error_that_are_near_from_the_start_are_healthy():
    assert of_answers(answered([0.3] * 9, baseline=0.4)).name == "healthy"


def test_answers_that_are_all_alike_have_collapsed():
    verdict = of_answers(answered([5.0, 4.0, 3.0, 3.0, 3.0, 2.99], spread=0.01, crowding=0.01))
    assert verdict.name == "collapsed"
    assert verdict.evidence.startswith("answers are too alike")


def test_answers_that_are_all_a_blur_at_first_have_not_collapsed_while_they_improve():
    """As measured on facades within a minute: by going back, nothing but the beginning was left."""
    blur = {"spread": 0.3, "crowding": 0.15, "critic": 1.0, "auc_held_out": 0.97}
    better = answered([101.0, 53.0, 51.0], [0.645, 0.52, 0.479], **blur)
    assert of_answers(better, 0.75).name == "healthy"
    assert sound(better[-1], OF_ANSWERS)
    assert not sound(better[-1])
    stuck = answered([101.0, 53.0, 51.0, 51.0, 51.0], [0.645, 0.52, *[0.479] * 3], **blur)
    assert of_answers(stuck, 0.9).name == "collapsed"


def test_answers_near_reals_end_no_run_before_its_time():
    near = looks(6, distance=0.0, critic=0.5, auc_train=0.5, auc_held_out=0.5)
    assert judge(near, 0.9).name == "done"
    assert of_answers(near).name == "healthy"
    assert of_answers(near, 1.0).name == "done"


def test_a_baseline_that_stands_still_or_blurs_is_left_alone():
    """As measured of `vae`: it was begun anew for not heeding a discriminator it never hears."""
    limits = limits_for(find_recipe("vae"), find_recipe("vae").config())
    still = looks(8, distance=36.0, baseline=22.0, critic=1.0, spread=0.3, crowding=0.2)
    assert judge(still, 0.7).name in ("generator starved", "collapsed")
    assert judge(still, 0.7, limits).name == "healthy"
    assert judge(looks(3, finite=False), 0.7, limits).name == "diverged"
