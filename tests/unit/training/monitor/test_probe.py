"""A look at a duel sees what is there, and changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from gannet.core.types import Batch, Condition, Spec
from gannet.recipes.registry import find_recipe
from gannet.testing import changed
from gannet.training.monitor import Monitor, diagnose, evaluating, thresholds_for
from gannet.training.monitor.measurements import median_nn_distance
from gannet.training.trainer import Trainer

RECIPE = find_recipe("generate")


def rows(count, width=4, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


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
    return Monitor(batch(train, 0), batch(held_out, 1), lambda rows: rows.flatten(1), seed=0)


def duel(generator=None, steps=0, **settings):
    def build(config, spec):
        networks = RECIPE.training.build(config, spec)
        if generator is not None:
            networks.generator = generator
        return networks

    given = {"steps": 50, "batch": 16, "latent_dim": 4, "width": 4} | settings
    made = Trainer(changed(RECIPE, build=build), RECIPE.config(**given), Spec((3,)), seed=0)
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
@pytest.mark.parametrize("settings", [{}, {"architecture": "mlp"}, {"augment_p": 0.5}])
def test_a_look_changes_nothing_in_the_duel(steps, settings):
    made = duel(steps=steps, **settings)
    made.networks.train()
    before = bits(made.state_dict())
    gradients = [
        None if each.grad is None else each.grad.clone() for each in made.generator.weights
    ]
    learning = [each.requires_grad for each in made.networks.parameters()]
    modes = [each.training for each in (*made.networks.modules(), *made.ema.modules())]
    chance = torch.get_rng_state()
    doctor().measure(made)
    assert_same(before, bits(made.state_dict()))
    assert torch.equal(chance, torch.get_rng_state())
    assert learning == [each.requires_grad for each in made.networks.parameters()]
    assert modes == [each.training for each in (*made.networks.modules(), *made.ema.modules())]
    for old, weight in zip(gradients, made.generator.weights, strict=True):
        assert weight.grad is None if old is None else torch.equal(old, weight.grad)


def test_a_look_leaves_each_part_in_the_mode_that_it_had():
    made = duel()
    every = [*made.networks.modules(), *made.ema.modules()]
    assert len(every) > 20
    for number, module in enumerate(every):
        module.training = number % 3 == 0  # as no switch of a whole network could leave them
    modes = [each.training for each in every]
    doctor().measure(made)
    assert modes == [each.training for each in every]


def test_a_network_goes_back_to_its_modes_after_a_fault_too():
    network = nn.Sequential(nn.Dropout(), nn.Dropout().eval())

    def fail():
        assert not any(each.training for each in network.modules())
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"), evaluating(network):
        fail()
    assert [each.training for each in network.modules()] == [True, True, False]


def test_a_duel_that_is_looked_at_ends_with_the_same_bits():
    watched, alone = duel(), duel()
    ours = watched.run(batch(16, seed) for seed in range(10**6))
    theirs = alone.run(batch(16, seed) for seed in range(10**6))
    evaluation = doctor().measure
    for _ in range(6):
        next(ours)
        evaluation(watched)
        next(theirs)
    assert_same(bits(watched.state_dict()), bits(alone.state_dict()))


def test_the_same_look_gives_the_same_measures():
    made = duel(steps=2)
    assert doctor().measure(made) == doctor().measure(made)


def test_an_untrained_duel_has_finite_measures_within_their_ranges():
    found = doctor().measure(duel())
    assert found.finite
    assert found.step == 0
    for name in (
        "auc_train",
        "auc_held_out",
        "d_real",
        "d_fake",
        "memorization_rate",
        "linear_probe_auc",
    ):
        assert 0 <= getattr(found, name) <= 1, name
    assert -1 <= found.grad_cosine <= 1
    assert found.grad_norm_ratio == 0, "no gradient has been taken yet"
    assert found.gaussian_baseline == pytest.approx(0, abs=0.05), "the data are a Gaussian"
    assert found.reference == pytest.approx(0, abs=0.05)


def test_a_generator_that_makes_one_sample_is_seen_as_collapsed():
    found = doctor().measure(duel(Constant(torch.zeros(3))))
    assert found.diversity == pytest.approx(0, abs=1e-3)
    assert found.nn_diversity == 0
    assert found.memorization_rate < 0.05, "the middle of the data is no sample of them"
    history = [replace(found, step=at, linear_probe_auc=0.8, grad_cosine=0.9) for at in range(4)]
    assert diagnose(history, 0.5).name == "mode_collapse"


def test_a_generator_that_knows_training_samples_by_heart_is_seen_as_copying():
    train = batch(400, 0).real
    found = doctor().measure(duel(Memory(train)))
    assert found.memorization_rate == 1
    assert found.diversity == pytest.approx(1, abs=0.15)
    fresh = doctor().measure(duel(Memory(rows(400, 3, seed=7))))
    assert fresh.memorization_rate < 0.06
    assert fresh.energy_distance == pytest.approx(fresh.reference, abs=5 * fresh.energy_distance_se)


def test_a_generator_of_few_samples_is_crowded_though_spread():
    found = doctor().measure(duel(Memory(rows(20, 3, seed=7))))
    assert found.diversity > 0.7
    assert found.nn_diversity == 0


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_a_weight_that_is_not_a_number_is_seen(side):
    made = duel(steps=1)
    with torch.no_grad():
        next(iter(getattr(made.networks, side).parameters())).fill_(math.nan)
    found = doctor().measure(made)
    assert not found.finite
    assert found.step == 1
    assert diagnose([found], 0.5).name == "diverged"


def test_pictures_with_classes_are_looked_at_too():
    shape, known = (1, 8, 8), torch.eye(2)[torch.arange(40) % 2]
    pictures = rows(40, 64).tanh().view(40, *shape)
    told = Condition(known, pictures.new_zeros(40, 0, 8, 8), pictures.new_zeros(40, 0, 0))
    both = Batch(pictures, told, kind="image")
    settings = RECIPE.config(steps=4, batch=8, latent_dim=4, width=4)
    made = Trainer(RECIPE, settings, Spec.of(both))
    found = Monitor(both[:24], both[24:], lambda rows: rows.flatten(1), seed=0).measure(made)
    assert found.finite


def test_answers_lie_no_closer_together_than_what_they_answer():
    """Each picture is asked for twice, nearly: equal answers to both are no collapse."""
    real, twice = rows(200, 12, 1).view(200, 1, 3, 4), rows(100, 12, 2).view(100, 1, 3, 4)
    asked = torch.cat([twice, twice + 0.01 * rows(100, 12, 3).view(100, 1, 3, 4)])
    told = replace(Condition.none(real), grid=asked)
    train = Batch(rows(400, 12, 0).view(400, 1, 3, 4), Condition.none(rows(400)))
    features = lambda pictures: pictures.flatten(1)  # noqa: E731
    usual = Monitor(train, Batch(real, Condition.none(real)), features, seed=0)
    answering = Monitor(train, Batch(real, told), features, seed=0)
    assert median_nn_distance(asked.flatten(1)) / answering.real_nn_distance > 0.9
    assert median_nn_distance(asked.flatten(1)) / usual.real_nn_distance < 0.1
    assert answering.real_diversity == usual.real_diversity


def test_answers_to_a_picture_that_is_given_twice_count_once():
    real, once = rows(200, 12, 1).view(200, 1, 3, 4), rows(40, 12, 2).view(40, 1, 3, 4)
    told = replace(Condition.none(real), grid=once.repeat(5, 1, 1, 1))
    train = Batch(rows(400, 12, 0).view(400, 1, 3, 4), Condition.none(rows(400)))
    found = Monitor(train, Batch(real, told), lambda each: each.flatten(1), seed=0)
    assert found.distinct.tolist() == list(range(40))
    assert found.real_nn_distance > 0.5 * median_nn_distance(train.real[:40].flatten(1))


def course(recipe, looked=8, steps=5, generator=None, **settings):
    """Verdicts of a real short duel whose answers are pictures turned negative."""
    chance = torch.Generator().manual_seed(0)
    given = torch.nn.functional.interpolate(
        torch.rand(160, 3, 4, 4, generator=chance) * 1.6 - 0.8, size=16, mode="bilinear"
    )
    pairs = Batch(-given, replace(Condition.none(given), grid=given), kind="image")
    train, held_out = pairs[:120], pairs[120:]
    config = recipe.config(steps=looked * steps, batch=8, ema_decay=0.8, **settings)
    made = Trainer(recipe, config, Spec.of(train), seed=0)
    if generator is not None:
        generator(made)
    monitor = Monitor(train, held_out, lambda each: each.flatten(1)[:, ::16], seed=0, given="image")
    thresholds, evaluations, found = thresholds_for(recipe, config), [], []
    batches = (train[torch.randint(120, (8,), generator=chance)] for _ in range(10**6))
    source = made.run(batches)
    for _ in range(looked):
        for _ in range(steps):
            next(source)
        evaluations.append(monitor.measure(made))
        found.append(diagnose(evaluations, made.step / config.steps, thresholds))
    return [each.name for each in found], evaluations


@pytest.mark.timeout(120)
def test_a_duel_that_learns_to_answer_is_healthy_and_one_that_cannot_is_not():
    recipe, small = (
        find_recipe("translate"),
        {"width": 4, "downsamplings": 2, "discriminator_width": 4},
    )
    names, evaluations = course(recipe, **small)
    assert set(names) <= {"healthy", "converged"}
    assert evaluations[-1].loss_validation < 0.97 * evaluations[0].loss_validation
    names, _ = course(recipe, **small, learning_rate=1e-12)
    assert names[-1] in ("vanishing_gradient", "mode_collapse")
