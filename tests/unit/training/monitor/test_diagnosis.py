"""Verdicts: what looks mean, and that one look alone condemns nobody."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gannet.recipes.registry import find_recipe
from gannet.training.monitor import (
    Diagnosis,
    Measurements,
    Thresholds,
    diagnose,
    healthy_now,
    status,
    thresholds_for,
)

RECIPE = find_recipe("generate")

HEALTHY = Measurements(
    step=100,
    auc_train=0.7,
    auc_held_out=0.68,
    auc_error=0.02,
    d_real=0.6,
    d_fake=0.4,
    diversity=0.95,
    nn_diversity=0.9,
    memorization_rate=0.01,
    linear_probe_auc=0.9,
    energy_distance=1.0,
    energy_distance_se=0.05,
    reference=0.0,
    gaussian_baseline=4.0,
    grad_norm_ratio=1.0,
    grad_cosine=0.6,
    logit_scale=0.5,
    finite=True,
)


def evaluations(count=6, **known):
    """Equal looks, healthy but for what is known, one after the other."""
    return [replace(HEALTHY, step=100 * at, **known) for at in range(1, count + 1)]


def named(history, share=0.9):
    diagnosis = diagnose(history, share)
    assert diagnosis.evidence
    return diagnosis.name


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_healthy_history_is_healthy(count, share):
    assert named(evaluations(count), share) == "healthy"


@pytest.mark.parametrize(
    ("auc", "words"), [(0.6, "healthy"), (0.91, "healthy, but told apart"), (1.0, None)]
)
def test_the_words_of_a_healthy_run_fit_how_often_its_fakes_are_told(auc, words):
    history = evaluations(auc_train=auc, auc_held_out=auc)
    found = diagnose(history, 0.5)
    told = "fakes are still told from data: P(D(real)"
    assert found.evidence.startswith(told if auc > 0.9 else "P(D(real)")
    assert status(found, history[-1]) == (words or "healthy, but told apart")
    diverged = Diagnosis("diverged", "")
    assert status(diverged, history[-1]) == "diverged"


def test_a_duel_that_improves_is_healthy_though_still_poor():
    history = [
        replace(
            HEALTHY, step=at, energy_distance=20 * 0.8**at, linear_probe_auc=0.999, grad_cosine=0.9
        )
        for at in range(1, 9)
    ]
    assert named(history) == "healthy"


def test_few_looks_and_early_ones_are_called_warming_up():
    assert "warming up" in diagnose(evaluations(2), 0.5).evidence
    assert "warming up" in diagnose(evaluations(6, diversity=0.1), 0.01).evidence


BAD = {
    "mode_collapse": [{"diversity": 0.1}, {"nn_diversity": 0.01}],
    "discriminator_overfitting": [
        {"auc_train": 0.95, "auc_held_out": 0.7},
        {"memorization_rate": 0.3},
    ],
    "discriminator_underfitting": [
        {"logit_scale": 0.01, "linear_probe_auc": 0.99, "d_real": 0.5, "d_fake": 0.5},
        {"energy_distance": 9.0, "linear_probe_auc": 0.999, "d_real": 0.51},
    ],
    "vanishing_gradient": [
        {"logit_scale": 5.0, "auc_train": 0.95, "auc_held_out": 0.94},
        {"energy_distance": 3.0, "linear_probe_auc": 0.999, "grad_cosine": 0.05},
        {"energy_distance": 9.0, "linear_probe_auc": 0.999, "d_real": 0.9, "auc_held_out": 0.7},
    ],
    "diverged": [{"finite": False}, {"logit_scale": 2e3}, {"auc_train": 0.1, "auc_held_out": 0.1}],
    "converged": [
        {
            "energy_distance": 0.02,
            "linear_probe_auc": 0.51,
            "strongest_probe_auc": 0.52,
            "auc_held_out": 0.52,
            "auc_train": 0.53,
        }
    ],
}
CASES = [(name, known) for name, cases in BAD.items() for known in cases]


@pytest.mark.parametrize(("name", "known"), CASES)
def test_each_verdict_is_reached(name, known):
    assert named(evaluations(6, **known)) == name


@pytest.mark.parametrize(("name", "known"), CASES)
def test_each_verdict_names_a_number_that_led_to_it(name, known):
    evidence = diagnose(evaluations(6, **known), 0.9).evidence
    assert any(letter.isdigit() for letter in evidence) or known == {"finite": False}


@pytest.mark.parametrize(
    ("name", "known"), [case for case in CASES if case[0] not in ("diverged", "vanishing_gradient")]
)
def test_one_look_alone_condemns_nobody(name, known):
    history = [*evaluations(6), replace(HEALTHY, step=700, **known)]
    assert named(history) == "healthy"
    assert named([*evaluations(6, **known), replace(HEALTHY, step=700)]) == "healthy", (
        "once recovered"
    )


def test_a_look_that_is_not_finite_is_enough():
    assert named([replace(HEALTHY, finite=False)], 0.0) == "diverged"


def test_after_a_look_that_was_not_finite_nothing_else_is_said_for_a_while():
    lost = replace(HEALTHY, finite=False, energy_distance=math.nan, diversity=math.nan)
    diagnosis = diagnose([*evaluations(3), lost, *evaluations(2, diversity=0.1)], 0.5)
    assert diagnosis.name == "healthy"
    assert "recovering" in diagnosis.evidence


def test_a_gap_within_its_own_error_is_no_overfitting():
    known = {"auc_train": 0.9, "auc_held_out": 0.7}
    assert named(evaluations(6, **known, auc_error=0.02)) == "discriminator_overfitting"
    assert named(evaluations(6, **known, auc_error=0.06)) == "healthy"


def test_a_resting_needle_is_no_fault_while_a_critic_sees_nothing_either():
    assert named(evaluations(6, logit_scale=0.01, linear_probe_auc=0.6)) == "healthy"


@pytest.mark.parametrize(
    "known",
    [
        {"strongest_probe_auc": 0.9},
        {"strongest_probe_auc": math.nan},
        {"energy_distance": 1.0},
        {"auc_held_out": 0.7},
        {"nn_diversity": 0.5},  # shrunken modes
        {"nn_diversity": 1.5},
        {"diversity": 0.7},
        {"auc_error": 0.025},  # too few held-out samples to see anything
        {"auc_error": math.nan},
    ],
)
def test_a_duel_is_not_done_while_one_number_speaks_against_it(known):
    assert named(evaluations(6, **(BAD["converged"][0] | known))) == "healthy"


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_a_run_of_few_steps_or_evaluations_is_never_done_however_near_it_seems(share):
    """As seen on a table: done after 12 seconds and 131 steps."""
    short = [
        replace(each, step=22 * at)
        for at, each in enumerate(evaluations(6, **BAD["converged"][0]), 1)
    ]
    assert named(short, share) == "healthy"
    assert named(evaluations(4, **BAD["converged"][0]), share) == "healthy"


def test_one_look_that_sees_a_difference_counts_with_the_others():
    history = evaluations(6, **BAD["converged"][0])
    history[-2] = replace(history[-2], strongest_probe_auc=0.8)
    assert named(history) == "healthy"


def test_what_is_called_done_says_what_could_have_been_seen():
    evidence = diagnose(evaluations(6, **BAD["converged"][0]), 0.9).evidence
    assert "52.0% of pairs apart over 5 evaluations, where 55.7% would have been" in evidence


def test_noisy_gradients_of_usual_batches_are_no_fault_while_samples_come_nearer():
    known = {"linear_probe_auc": 0.999, "grad_cosine": 0.05}
    nearer = [
        replace(HEALTHY, step=100 * at, energy_distance=3.9 * 0.8**at, **known) for at in range(8)
    ]
    assert named(nearer, 0.5) == "healthy"
    assert diagnose(nearer, 0.5, Thresholds(small_batch=True)).name == "vanishing_gradient"
    still = [replace(each, energy_distance=3.9) for each in nearer]
    assert named(still, 0.5) == "vanishing_gradient"


def test_no_duel_is_done_before_its_schedules_have_run():
    assert named(evaluations(6, **BAD["converged"][0]), 0.5) == "healthy"
    assert named(evaluations(6, **BAD["converged"][0]), 1.0) == "converged"


def test_limits_can_be_moved():
    assert (
        diagnose(evaluations(6, diversity=0.5), 0.5, Thresholds(min_diversity=0.6)).name
        == "mode_collapse"
    )


@pytest.mark.parametrize(
    "known",
    [
        {"finite": False},
        {"logit_scale": 2e3},
        {"auc_held_out": 0.1},
        {"diversity": 0.1},
        {"nn_diversity": 0.01},
        {"auc_train": 0.95, "auc_held_out": 0.7},
        {"memorization_rate": 0.3},
    ],
)
def test_a_state_is_worth_keeping_only_if_one_look_alone_shows_nothing_wrong(known):
    assert healthy_now(HEALTHY)
    assert not healthy_now(replace(HEALTHY, **known))


def test_few_samples_never_prove_a_draw():
    assert named(evaluations(6, **BAD["converged"][0], auc_error=0.05)) == "healthy"


@pytest.mark.parametrize("objective", ["hinge", "wasserstein", "least_squares"])
def test_logits_that_are_no_log_odds_are_not_held_against_a_duel(objective):
    thresholds = thresholds_for(RECIPE, RECIPE.config(loss=objective))
    for known in (
        {"logit_scale": 2e3, "auc_held_out": 0.9},
        {"logit_scale": 0.01, "linear_probe_auc": 0.99},
    ):
        assert named(evaluations(6, **known)) != "healthy"
        assert diagnose(evaluations(6, **known), 0.9, thresholds).name == "healthy"
    assert thresholds_for(RECIPE, RECIPE.config()) == Thresholds()


# -- copies ------------------------------------------------------------------------------------


def error_of(samples):
    return math.sqrt(1 / (6 * samples))


@pytest.mark.parametrize("samples", [20, 64, 256, 1_000])
def test_the_number_of_samples_follows_from_the_error(samples):
    assert replace(HEALTHY, auc_error=error_of(samples)).samples == samples


@pytest.mark.parametrize("unknown", [math.nan, 0.0])
def test_where_the_error_is_not_known_no_copy_is_counted(unknown):
    assert named(evaluations(6, memorization_rate=1.0, auc_error=unknown)) == "healthy"


def test_copies_are_told_beside_a_gap_and_alone():
    gap = {"auc_train": 0.95, "auc_held_out": 0.7}
    words = "35% of the fakes are nearly copies of training samples"
    assert words in diagnose(evaluations(6, memorization_rate=0.35), 0.9).evidence
    both = diagnose(evaluations(6, memorization_rate=0.35, **gap), 0.9)
    assert both.name == "discriminator_overfitting"
    assert words in both.evidence
    assert "95% of the time" in both.evidence
    assert "copies" not in diagnose(evaluations(6, memorization_rate=0.02, **gap), 0.9).evidence


@pytest.mark.parametrize("samples", [20, 64, 256, 1_000])
def test_fakes_as_near_as_other_reals_are_never_called_copies(samples):
    """Both shares are drawn by chance: what counts as near, and how many fakes are."""
    chance, alarms, runs = torch.Generator().manual_seed(0), 0, 2_000
    rank = math.ceil(0.01 * (samples - 1)) + 1
    # A bound at the rank-th nearest of the held-out samples has a true share that is Beta.
    near = torch.rand(runs, samples, generator=chance).sort(1).values[:, rank - 1]
    drawn = torch.rand(runs, 3, samples, generator=chance) < near[:, None, None]
    for shares in drawn.float().mean(2).tolist():
        history = [
            replace(HEALTHY, memorization_rate=each, auc_error=error_of(samples)) for each in shares
        ]
        alarms += diagnose(history, 0.9).name != "healthy"
    assert alarms == 0


@pytest.mark.parametrize(("samples", "share"), [(20, 1.0), (64, 0.5), (256, 0.2), (1_000, 0.15)])
def test_a_generator_that_copies_is_told_by_any_number_of_samples(samples, share):
    known = {"memorization_rate": share, "auc_error": error_of(samples)}
    assert named(evaluations(6, **known)) == "discriminator_overfitting"


def test_copies_among_rows_of_numbers_are_not_held_against_a_duel():
    thresholds = thresholds_for(RECIPE, RECIPE.config(), near_copies=False)
    assert diagnose(evaluations(6, memorization_rate=1.0), 0.9, thresholds).name == "healthy"
    assert healthy_now(replace(HEALTHY, memorization_rate=1.0), thresholds)
    of_hinge = thresholds_for(RECIPE, RECIPE.config(loss="hinge"), near_copies=False)
    assert diagnose(evaluations(6, memorization_rate=1.0), 0.9, of_hinge).name == "healthy"


def test_young_generators_are_not_accused_of_copies():
    assert named(evaluations(6, memorization_rate=0.5), 0.05) == "healthy"


def foretold(errors, train=None):
    """Looks that differ in what the generator gets wrong of held-out and of training samples."""
    train = train or [1.0 - 0.1 * at for at in range(len(errors))]
    return [
        replace(HEALTHY, step=100 * (at + 1), loss_validation=error, loss_train=known)
        for at, (error, known) in enumerate(zip(errors, train, strict=True))
    ]


def test_a_generator_that_gets_worse_on_what_it_never_saw_is_named_with_its_best_step():
    diagnosis = diagnose(foretold([2.0, 1.5, 1.6, 1.7, 1.8]), 0.5)
    assert diagnosis.name == "generator_overfitting"
    assert "from 1.5 at step 200" in diagnosis.evidence


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


OF_ANSWERS = thresholds_for(find_recipe("translate"), find_recipe("translate").config())


def answered(distances, errors=None, **known):
    """Looks at a generator of answers, one after the other; the error is not known by default."""
    errors = errors or [math.nan] * len(distances)
    return [
        replace(
            HEALTHY,
            **known,
            step=at,
            energy_distance=distance,
            loss_validation=error,
            loss_train=0.9,
        )
        for at, (distance, error) in enumerate(zip(distances, errors, strict=True), 1)
    ]


def of_answers(history, share=0.9):
    return diagnose(history, share, OF_ANSWERS)


# As measured on 400 pairs of facades: no look was nearer than a Gaussian, and batches disagreed.
FAR = {"linear_probe_auc": 1.0, "gaussian_baseline": 0.3, "grad_cosine": 0.1, "auc_held_out": 0.85}


def test_answers_that_improve_and_then_rest_are_healthy_though_no_gaussian_is_beaten():
    distances = [45.0, 30.0, 20.0, 12.0, 10.0, *[10.0] * 8]
    errors = [0.33, 0.325, 0.32, *[0.318] * 10]
    for count in range(1, len(distances) + 1):
        history = answered(distances[:count], errors[:count], **FAR)
        assert of_answers(history, count / len(distances)).name == "healthy"
    assert diagnose(history, 0.9).name == "vanishing_gradient", (
        "these limits are for samples of noise"
    )


def test_answers_that_miss_more_pixels_but_come_nearer_do_not_overfit():
    errors = [0.33, 0.319, 0.325, 0.326, 0.327, 0.33]
    sharper = answered([40.0, 27.0, 20.0, 16.0, 13.0, 10.0], errors, **FAR)
    for at, evaluation in enumerate(sharper):
        sharper[at] = replace(evaluation, loss_train=0.31 - 0.01 * at)
    assert of_answers(sharper).name == "healthy"
    resting = [replace(each, energy_distance=27.0) for each in sharper]
    assert of_answers(resting).name == "generator_overfitting"


@pytest.mark.parametrize("error", [0.34, math.nan])
def test_answers_that_never_improve_are_named(error):
    noise = [0.01, -0.02, 0.0, 0.02, -0.01, 0.01, 0.0, 0.02]
    history = answered([5.0 + each for each in noise], [error] * len(noise))
    diagnosis = of_answers(history)
    assert diagnosis.name == "vanishing_gradient"
    assert "no better than at step 1" in diagnosis.evidence


def test_answers_without_an_error_that_are_near_from_the_start_are_healthy():
    assert of_answers(answered([0.3] * 9, gaussian_baseline=0.4)).name == "healthy"


def test_answers_that_are_all_alike_have_collapsed():
    diagnosis = of_answers(
        answered([5.0, 4.0, 3.0, 3.0, 3.0, 2.99], diversity=0.01, nn_diversity=0.01)
    )
    assert diagnosis.name == "mode_collapse"
    assert diagnosis.evidence.startswith("answers are too alike")


def test_answers_that_are_all_a_blur_at_first_have_not_collapsed_while_they_improve():
    """As measured on facades within a minute: by going back, nothing but the beginning was left."""
    blur = {"diversity": 0.3, "nn_diversity": 0.15, "linear_probe_auc": 1.0, "auc_held_out": 0.97}
    better = answered([101.0, 53.0, 51.0], [0.645, 0.52, 0.479], **blur)
    assert of_answers(better, 0.75).name == "healthy"
    assert healthy_now(better[-1], OF_ANSWERS)
    assert not healthy_now(better[-1])
    stuck = answered([101.0, 53.0, 51.0, 51.0, 51.0], [0.645, 0.52, *[0.479] * 3], **blur)
    assert of_answers(stuck, 0.9).name == "mode_collapse"


def test_answers_near_reals_end_no_run_before_its_time():
    near = evaluations(
        6,
        energy_distance=0.0,
        linear_probe_auc=0.5,
        strongest_probe_auc=0.5,
        auc_train=0.5,
        auc_held_out=0.5,
    )
    assert diagnose(near, 0.9).name == "converged"
    assert of_answers(near).name == "healthy"
    assert of_answers(near, 1.0).name == "converged"


def test_a_baseline_that_stands_still_or_blurs_is_left_alone():
    """As measured of `vae`: it was begun anew for not heeding a discriminator it never hears."""
    thresholds = thresholds_for(find_recipe("vae"), find_recipe("vae").config())
    still = evaluations(
        8,
        energy_distance=36.0,
        gaussian_baseline=22.0,
        linear_probe_auc=1.0,
        diversity=0.3,
        nn_diversity=0.2,
    )
    assert diagnose(still, 0.7).name in ("vanishing_gradient", "mode_collapse")
    assert diagnose(still, 0.7, thresholds).name == "healthy"
    assert diagnose(evaluations(3, finite=False), 0.7, thresholds).name == "diverged"
