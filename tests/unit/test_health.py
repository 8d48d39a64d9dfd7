"""Health: what is measured, what it means, and that looking changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from gannet.catalogue import find_recipe
from gannet.duel import Duel
from gannet.health import (
    Doctor,
    Limits,
    Measures,
    auc,
    distance_with_error,
    evaluating,
    gaussian,
    judge,
    limits_for,
    linear_critic,
    outline,
    sound,
)
from gannet.types import Batch, Condition, Spec

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


def rows(count, width=4, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def looks(count=6, **known):
    """Equal looks, healthy but for what is known, one after the other."""
    return [replace(HEALTHY, step=100 * at, **known) for at in range(1, count + 1)]


def named(history, share=0.9):
    verdict = judge(history, share)
    assert verdict.evidence
    return verdict.name


# -- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        ([1.0, 2.0], [0.0, 0.5], 1.0),
        ([0.0, 0.5], [1.0, 2.0], 0.0),
        ([1.0, 1.0], [1.0, 1.0], 0.5),
        ([0.0, 2.0], [1.0], 0.5),
        ([1.0, 2.0, 3.0], [2.0], 0.5),
    ],
)
def test_auc_of_few_is_counted_by_hand(real, fake, expected):
    assert auc(torch.tensor(real), torch.tensor(fake)) == expected


def test_auc_of_two_normals_is_the_closed_form():
    real, fake = rows(40_000, 1).flatten() + 1, rows(40_000, 1, seed=1).flatten()
    expected = 0.5 * (1 + math.erf(0.5))  # of N(1, 2) being above zero
    # Four standard errors, each about sqrt(1 / 6n).
    assert auc(real, fake) == pytest.approx(expected, abs=4 * math.sqrt(1 / 240_000))


def test_auc_knows_neither_scale_nor_offset():
    real, fake = rows(50, 1).flatten(), rows(60, 1, seed=1).flatten()
    assert auc(real, fake) == auc(4 * real + 16, 4 * fake + 16) == 1 - auc(fake, real)


def test_a_linear_critic_is_a_coin_where_there_is_nothing_to_see():
    found = linear_critic(rows(4_000), rows(4_000, seed=1))
    assert found == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12_000))


def test_a_linear_critic_sees_a_shift_as_well_as_theory_allows():
    real, fake = rows(8_000), rows(8_000, seed=1)
    real[:, 2] += 2
    expected = 0.5 * (1 + math.erf(1))
    assert linear_critic(real, fake) == pytest.approx(expected, abs=0.02)


def test_a_linear_critic_is_judged_on_rows_it_was_not_fitted_on():
    # As many features as rows: on its own rows any line would be perfect.
    found = [
        linear_critic(rows(60, 60, seed=2 * at), rows(60, 60, seed=2 * at + 1)) for at in range(8)
    ]
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.1)


def test_a_linear_critic_survives_equal_rows():
    assert linear_critic(torch.ones(20, 3), torch.ones(20, 3)) == 0.5


def test_the_error_of_a_distance_is_how_far_it_scatters():
    found = [
        distance_with_error(rows(400, seed=2 * at), rows(400, seed=2 * at + 1) + 0.5)
        for at in range(40)
    ]
    values, errors = torch.tensor(found).double().T
    # The mean of ten blocks scatters a little more than the whole, never much less.
    assert 0.7 < float(errors.mean() / values.std()) < 2


def test_too_few_rows_give_a_distance_without_an_error():
    value, error = distance_with_error(rows(12), rows(12, seed=1))
    assert math.isfinite(value)
    assert math.isnan(error)


def test_a_gaussian_has_the_moments_of_the_samples():
    mixing = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    samples = rows(2_000, 2) @ mixing.T + torch.tensor([3.0, -1.0])
    made = gaussian(samples, 20_000, seed=0)
    assert made.shape == (20_000, 2)
    assert torch.allclose(made.mean(0), samples.mean(0), atol=0.05)
    assert torch.allclose(made.T.cov(), samples.T.cov(), atol=0.05)


def test_a_gaussian_keeps_shape_range_and_seed():
    pictures = rows(30, 2 * 3 * 3).tanh().view(30, 2, 3, 3)
    made = gaussian(pictures, 7, seed=0)
    assert made.shape == (7, 2, 3, 3)
    assert made.min() >= pictures.min()
    assert made.max() <= pictures.max()
    assert torch.equal(made, gaussian(pictures, 7, seed=0))
    assert not torch.equal(made, gaussian(pictures, 7, seed=1))


def test_the_outline_of_a_large_picture_is_its_means():
    pictures = rows(2, 3 * 32 * 16).view(2, 3, 32, 16)
    found = outline(pictures)
    assert found.shape == (2, 3 * 16 * 8)
    first = pictures[0, 0, :2, :2].mean()
    assert float(found[0, 0]) == pytest.approx(float(first), abs=1e-6)


@pytest.mark.parametrize("shape", [(5,), (1, 16, 16), (3, 4, 9)])
def test_the_outline_of_what_is_small_is_itself(shape):
    samples = torch.arange(2 * math.prod(shape)).float().view(2, *shape)
    assert torch.equal(outline(samples), samples.flatten(1))


def test_measures_become_json_with_six_digits():
    record = replace(HEALTHY, spread=1 / 3, agreement=math.nan).record()
    assert record["spread"] == 0.333333
    assert math.isnan(record["agreement"])
    assert (record["step"], record["finite"]) == (100, True)
    assert record.keys() == set(Measures.__slots__)


# -- verdicts ----------------------------------------------------------------------------------


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
    "discriminator overfits": [{"auc_train": 0.95, "auc_held_out": 0.7}],
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
    ],
)
def test_a_state_is_worth_keeping_only_if_one_look_alone_shows_nothing_wrong(known):
    assert sound(HEALTHY)
    assert not sound(replace(HEALTHY, **known))


def test_few_samples_never_prove_a_draw():
    assert named(looks(6, **BAD["done"][0], auc_error=0.05)) == "healthy"


@pytest.mark.parametrize("objective", ["hinge", "wasserstein", "least_squares"])
def test_logits_that_are_no_log_odds_are_not_held_against_a_duel(objective):
    limits = limits_for(RECIPE.config(objective=objective))
    for known in ({"logit_scale": 2e3, "auc_held_out": 0.9}, {"logit_scale": 0.01, "critic": 0.99}):
        assert named(looks(6, **known)) != "healthy"
        assert judge(looks(6, **known), 0.9, limits).name == "healthy"
    assert limits_for(RECIPE.config()) == Limits()


# -- looking -----------------------------------------------------------------------------------


class Constant(nn.Module):
    """A generator that knows one sample."""

    def __init__(self, sample):
        super().__init__()
        self.sample = nn.Parameter(sample.clone())

    def forward(self, noise, _condition):
        return self.sample.expand(len(noise), *self.sample.shape)


class Memory(nn.Module):
    """A generator that knows some training samples by heart."""

    def __init__(self, samples):
        super().__init__()
        self.samples = nn.Parameter(samples.clone())

    def forward(self, noise, _condition):
        which = (noise[:, 0].sigmoid() * len(self.samples)).long().clamp_max(len(self.samples) - 1)
        return self.samples[which]


def batch(count, seed):
    real = rows(count, 3, seed)
    return Batch(real, Condition.none(real))


def doctor(train=400, held_out=200):
    return Doctor(batch(train, 0), batch(held_out, 1), lambda rows: rows.flatten(1), seed=0)


def duel(maker=None, steps=0, **settings):
    def build(config, spec):
        players = RECIPE.build(config, spec)
        if maker is not None:
            players.generator = maker
        return players

    given = {"steps": 50, "batch": 16, "noise": 4, "width": 4} | settings
    made = Duel(replace(RECIPE, build=build), RECIPE.config(**given), Spec((3,)), seed=0)
    source = made.run(batch(16, seed) for seed in range(10**6))
    for _ in range(steps):
        next(source)
    return made


def bits(value):
    """Everything a state holds, flat, in order."""
    if isinstance(value, dict):
        return [each for key in value for each in (key, *bits(value[key]))]
    if isinstance(value, list | tuple):
        return [each for part in value for each in bits(part)]
    return [value.clone() if isinstance(value, torch.Tensor) else value]


def assert_same(one, other):
    assert len(one) == len(other) > 20
    for left, right in zip(one, other, strict=True):
        same = torch.equal(left, right) if isinstance(left, torch.Tensor) else left == right
        assert same


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("settings", [{}, {"architecture": "mlp"}, {"augment": 0.5}])
def test_a_look_changes_nothing_in_the_duel(steps, settings):
    made = duel(steps=steps, **settings)
    made.players.train()
    before = bits(made.state_dict())
    gradients = [
        None if each.grad is None else each.grad.clone() for each in made.generator.weights
    ]
    learning = [each.requires_grad for each in made.players.parameters()]
    modes = [each.training for each in (*made.players.modules(), *made.average.modules())]
    chance = torch.get_rng_state()
    doctor().look(made)
    assert_same(before, bits(made.state_dict()))
    assert torch.equal(chance, torch.get_rng_state())
    assert learning == [each.requires_grad for each in made.players.parameters()]
    assert modes == [each.training for each in (*made.players.modules(), *made.average.modules())]
    for old, weight in zip(gradients, made.generator.weights, strict=True):
        assert weight.grad is None if old is None else torch.equal(old, weight.grad)


def test_a_look_leaves_each_part_in_the_mode_that_it_had():
    made = duel()
    every = [*made.players.modules(), *made.average.modules()]
    assert len(every) > 20
    for number, module in enumerate(every):
        module.training = number % 3 == 0  # as no switch of a whole network could leave them
    modes = [each.training for each in every]
    doctor().look(made)
    assert modes == [each.training for each in every]


def test_a_network_goes_back_to_its_modes_after_a_fault_too():
    network = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with pytest.raises(ValueError, match="a fault"), evaluating(network):
        assert not any(each.training for each in network.modules())
        raise ValueError("a fault")
    assert [each.training for each in network.modules()] == [True, True, False]


def test_a_duel_that_is_looked_at_ends_with_the_same_bits():
    watched, alone = duel(), duel()
    ours = watched.run(batch(16, seed) for seed in range(10**6))
    theirs = alone.run(batch(16, seed) for seed in range(10**6))
    look = doctor().look
    for _ in range(6):
        next(ours)
        look(watched)
        next(theirs)
    assert_same(bits(watched.state_dict()), bits(alone.state_dict()))


def test_the_same_look_gives_the_same_measures():
    made = duel(steps=2)
    assert doctor().look(made) == doctor().look(made)


def test_an_untrained_duel_has_finite_measures_within_their_ranges():
    found = doctor().look(duel())
    assert found.finite
    assert found.step == 0
    for name in ("auc_train", "auc_held_out", "d_real", "d_fake", "copied", "critic"):
        assert 0 <= getattr(found, name) <= 1, name
    assert -1 <= found.agreement <= 1
    assert found.gradient_ratio == 0, "no gradient has been taken yet"
    assert found.baseline == pytest.approx(0, abs=0.05), "the data are a Gaussian"
    assert found.floor == pytest.approx(0, abs=0.05)


def test_a_generator_that_makes_one_sample_is_seen_as_collapsed():
    found = doctor().look(duel(Constant(torch.zeros(3))))
    assert found.spread == pytest.approx(0, abs=1e-3)
    assert found.crowding == 0
    assert found.copied < 0.05, "the middle of the data is no sample of them"
    history = [replace(found, step=at, critic=0.8, agreement=0.9) for at in range(4)]
    assert judge(history, 0.5).name == "collapsed"


def test_a_generator_that_knows_training_samples_by_heart_is_seen_as_copying():
    train = batch(400, 0).real
    found = doctor().look(duel(Memory(train)))
    assert found.copied == 1
    assert found.spread == pytest.approx(1, abs=0.15)
    fresh = doctor().look(duel(Memory(rows(400, 3, seed=7))))
    assert fresh.copied < 0.06
    assert fresh.distance == pytest.approx(fresh.floor, abs=5 * fresh.distance_error)


def test_a_generator_of_few_samples_is_crowded_though_spread():
    found = doctor().look(duel(Memory(rows(20, 3, seed=7))))
    assert found.spread > 0.7
    assert found.crowding == 0


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_a_weight_that_is_not_a_number_is_seen(side):
    made = duel(steps=1)
    with torch.no_grad():
        next(iter(getattr(made.players, side).parameters())).fill_(math.nan)
    found = doctor().look(made)
    assert not found.finite
    assert found.step == 1
    assert judge([found], 0.5).name == "diverged"


def test_pictures_with_classes_are_looked_at_too():
    shape, known = (1, 8, 8), torch.eye(2)[torch.arange(40) % 2]
    pictures = rows(40, 64).tanh().view(40, *shape)
    told = Condition(known, pictures.new_zeros(40, 0, 8, 8), pictures.new_zeros(40, 0, 0))
    both = Batch(pictures, told)
    settings = RECIPE.config(steps=4, batch=8, noise=4, width=4)
    made = Duel(RECIPE, settings, Spec.of(both))
    found = Doctor(both[:24], both[24:], lambda rows: rows.flatten(1), seed=0).look(made)
    assert found.finite
