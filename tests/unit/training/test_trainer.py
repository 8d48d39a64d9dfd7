"""The duel: turns, settings, resuming and going back."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice, repeat

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gannet.core.errors import ConfigError
from gannet.core.types import Batch, Condition, Networks, Spec
from gannet.recipes.registry import find_recipe
from gannet.testing import changed
from gannet.training.monitor import Monitor
from gannet.training.trainer import Trainer

RECIPE = find_recipe("generate")


def batches():
    """Ever the same sequence of batches, each its own."""
    source = torch.Generator().manual_seed(5)
    while True:
        real = torch.randn(8, 3, generator=source)
        yield Batch(real, Condition.none(real))


def duel(recipe=RECIPE, seed=0, **settings):
    config = recipe.config(**({"steps": 8, "batch": 8, "latent_dim": 4, "width": 4} | settings))
    return Trainer(recipe, config, Spec((3,)), seed=seed)


def finished(**settings):
    made = duel(**settings)
    list(made.run(batches()))
    return made


def assert_same(first, second):
    one, two = first.state_dict(), second.state_dict()
    assert (one["step"], one["batches_seen"]) == (two["step"], two["batches_seen"])
    for part in ("networks", "ema"):
        assert one[part].keys() == two[part].keys()
        for name, value in one[part].items():
            assert torch.equal(value, two[part][name]), f"{part}.{name}"


def weights(network):
    return [each.detach().clone() for each in network.parameters()]


def same(first, second):
    return all(torch.equal(one, two) for one, two in zip(first, second, strict=True))


@pytest.mark.parametrize("at", [1, 5, 7])
@pytest.mark.parametrize(
    "settings", [{}, {"augment_p": 0.5, "n_critic": 2}, {"discriminator_interval": 3}]
)
def test_a_resumed_duel_ends_with_the_same_bits(at, settings):
    first = duel(**settings)
    list(islice(first.run(batches()), at))
    state = deepcopy(first.state_dict())
    second = duel(**settings)
    second.load_state_dict(state)
    list(second.run(islice(batches(), second.batches_seen, None)))
    assert_same(second, finished(**settings))


def test_other_seeds_give_other_networks():
    assert not same(weights(duel().networks), weights(duel(seed=1).networks))


def test_two_duels_in_one_process_do_not_disturb_each_other():
    one, two = duel(), duel(seed=1)
    for _ in zip(one.run(batches()), two.run(batches()), strict=True):
        pass
    assert_same(one, finished())
    assert_same(two, finished(seed=1))


def test_a_duel_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    finished(augment_p=0.5)
    assert torch.equal(before, torch.get_rng_state())


def test_each_side_moves_in_its_own_turn_alone():
    seen = []

    def watched(networks: Networks, batch, noise, config):
        seen.append((weights(networks.generator), weights(networks.discriminator)))
        return RECIPE.training.generator_losses(networks, batch, noise, config)

    made = duel(changed(RECIPE, generator_losses=watched), steps=1)
    generator, discriminator = (
        weights(made.networks.generator),
        weights(made.networks.discriminator),
    )
    list(made.run(batches()))
    between = seen[0]
    assert same(generator, between[0]), "the discriminator's turn moved the generator"
    assert not same(discriminator, between[1]), "the discriminator's turn did nothing"
    assert same(between[1], weights(made.networks.discriminator)), "and the other way round"
    assert not same(generator, weights(made.networks.generator)), "the generator's turn did nothing"


def test_no_gradient_is_left_on_the_other_side():
    made = duel(steps=1)
    list(made.run(batches()))
    assert all(each.requires_grad for each in made.generator.weights)
    assert not any(each.requires_grad for each in made.discriminator.weights)


def test_what_a_recipe_froze_stays_frozen():
    def frozen(config, spec):
        networks = RECIPE.training.build(config, spec)
        next(iter(networks.discriminator.parameters())).requires_grad_(False)
        return networks

    made = duel(changed(RECIPE, build=frozen))
    first = next(iter(made.networks.discriminator.parameters()))
    before = first.clone()
    list(made.run(batches()))
    assert torch.equal(before, first)


def test_a_step_hands_over_its_terms_without_their_graph():
    progress = next(duel().run(batches()))
    assert progress.step == 1
    assert set(progress.losses) >= {"discriminator/adversarial", "generator/adversarial"}
    assert not any(term.requires_grad for term in progress.losses.values())


def test_a_duel_counts_the_batches_it_draws():
    made = finished(n_critic=3, steps=5)
    assert (made.step, made.batches_seen) == (5, 5 * 4)


def test_the_discriminator_may_rest_but_learns_before_a_look_and_at_the_end():
    made, learnt = duel(discriminator_interval=3, n_critic=2), []
    before = weights(made.networks.discriminator)
    for progress in made.run(batches()):
        moved = not same(before, weights(made.networks.discriminator))
        told = "discriminator/adversarial" in progress.losses
        assert moved == told, "terms are of those who learnt"
        assert "generator/adversarial" in progress.losses
        before = weights(made.networks.discriminator)
        learnt += [progress.step] if moved else []
    assert learnt == [3, 6, 8]
    assert made.batches_seen == 8 + 3 * 2, "batches of those who rest are not drawn"


def test_a_finished_duel_takes_no_more_steps():
    made = finished()
    assert list(made.run(repeat(next(batches())))) == []


def test_settings_can_be_changed_between_steps():
    made = duel(learning_rate_end=1.0)
    steps = made.run(batches())
    next(steps)
    made.update_config(learning_rate=5e-4, steps=3)
    assert len(list(steps)) == 2
    assert made.generator.optimizer.param_groups[0]["lr"] == 5e-4


@pytest.mark.parametrize("changes", [{"learning_rate": 0}, {"no_such": 1}, {"batch": "many"}])
def test_changed_settings_are_validated(changes):
    made = duel()
    before = made.config
    with pytest.raises(ConfigError):
        made.update_config(**changes)
    assert made.config == before


def test_changed_settings_survive_a_resume():
    first = duel()
    first.update_config(learning_rate=3e-4)
    second = duel()
    second.load_state_dict(deepcopy(first.state_dict()))
    assert second.config.learning_rate == 3e-4


def test_going_back_restores_weights_but_neither_time_nor_settings():
    made = duel()
    steps = made.run(batches())
    for _ in range(3):
        next(steps)
    state = deepcopy(made.state_dict())
    next(steps)
    made.update_config(learning_rate=2e-4)
    next(steps)
    assert not same(list(state["ema"].values()), list(made.ema.state_dict().values()))
    made.load_networks(state)
    assert same(list(state["ema"].values()), list(made.ema.state_dict().values()))
    assert (made.step, made.batches_seen, made.config.learning_rate) == (5, 10, 2e-4)
    assert made.generator.optimizer.state_dict()["state"][0]["step"].item() == 3
    assert len(list(steps)) == 3


def test_the_average_forgets_first_attempts():
    made = duel(ema_decay=0.999)
    steps = made.run(batches())
    for _ in range(8):
        next(steps)
        assert all(
            torch.allclose(slow, fast)
            for slow, fast in zip(
                made.ema.parameters(), made.networks.generator.parameters(), strict=True
            )
        ), "for ten steps the average is the generator itself"


def test_the_average_moves_more_slowly_later_on():
    made = duel(steps=60, ema_decay=0.9)
    list(made.run(batches()))
    apart = [
        (slow - fast).abs().max()
        for slow, fast in zip(
            made.ema.parameters(), made.networks.generator.parameters(), strict=True
        )
    ]
    assert max(apart) > 0
    assert not any(each.requires_grad for each in made.ema.parameters())


def test_clipping_bounds_the_discriminator_alone():
    made = finished(weight_clip=0.01, loss="wasserstein", gradient_penalty=0, wgan_gp=0)
    assert max(each.abs().max() for each in made.networks.discriminator.parameters()) <= 0.01 + 1e-9
    assert max(each.abs().max() for each in made.networks.generator.parameters()) > 0.01


def test_a_duel_begun_anew_has_other_weights_and_fresh_optimizers_and_keeps_its_place():
    made = duel()
    list(islice(made.run(batches()), 4))
    made.reset(1)
    assert not same(weights(made.networks), weights(duel().networks))
    assert same(weights(made.ema), weights(made.networks.generator))
    assert not made.generator.optimizer.state
    assert (made.step, made.batches_seen) == (4, 8)
    other = duel()
    other.reset(2)
    assert not same(weights(made.networks), weights(other.networks))


def test_a_duel_begun_anew_can_be_resumed():
    first = duel()
    list(islice(first.run(batches()), 4))
    first.reset(1)
    second = duel()
    second.load_state_dict(deepcopy(first.state_dict()))
    for each in (first, second):
        list(each.run(islice(batches(), each.batches_seen, None)))
    assert_same(first, second)


# -- a rate for each player, and more than two of them -------------------------------------------


def rates(made):
    return {name: side.optimizer.param_groups[0]["lr"] for name, side in made.players.items()}


def test_the_discriminator_may_have_a_rate_and_betas_of_its_own():
    chosen = {"discriminator_learning_rate": 4e-3, "discriminator_beta1": 0.5}
    own, usual = duel(learning_rate=1e-3, **chosen), duel(learning_rate=1e-3)
    assert own.discriminator.optimizer.param_groups[0]["betas"] == (0.5, 0.9)
    assert own.generator.optimizer.param_groups[0]["betas"] == (0.0, 0.9)
    for made in (own, usual):
        next(made.run(batches()))
    assert not same(weights(own.networks.discriminator), weights(usual.networks.discriminator))
    assert rates(own)["discriminator"] == pytest.approx(4 * rates(own)["generator"])
    assert rates(usual)["discriminator"] == rates(usual)["generator"] == 1e-3


def test_the_rates_of_both_players_fall_and_are_lowered_alike():
    made = duel(discriminator_learning_rate=2e-3, learning_rate=1e-3, learning_rate_end=0.1)
    steps = made.run(batches())
    for _ in range(6):
        next(steps)
    assert rates(made)["generator"] < 1e-3
    made.update_config(learning_rate=5e-4)
    made.reset(1)
    next(steps)
    assert rates(made)["generator"] < 5e-4
    assert rates(made)["discriminator"] == pytest.approx(2 * rates(made)["generator"])


class Head(nn.Module):
    """A body that others may have too, and a head."""

    def __init__(self, body, width):
        super().__init__()
        self.body, self.head = body, nn.Linear(6, width)

    def forward(self, samples, condition):
        return self.head(self.body(samples).tanh()).squeeze(1)


def guess(networks, batch, noise, config):
    """Foretell the sign of the first number."""
    logits = networks.auxiliary["classifier"](batch.real, batch.condition)
    return {"classes": binary_cross_entropy_with_logits(logits, (batch.real[:, 0] > 0).float())}


def with_classifier(shared=False):
    def build(config, spec):
        generator, body = RECIPE.training.build(config, spec).generator, nn.Linear(3, 6)
        classifier = Head(body if shared else nn.Linear(3, 6), 1)
        return Networks(generator, Head(body, 1), classifier=classifier)

    return changed(RECIPE, build=build, auxiliary_losses={"classifier": guess})


@pytest.mark.parametrize("shared", [False, True])
def test_a_resumed_duel_of_three_ends_with_the_same_bits(shared):
    recipe = with_classifier(shared)
    whole, first, second = (duel(recipe, learning_rate=1e-3) for _ in range(3))
    list(whole.run(batches()))
    list(islice(first.run(batches()), 3))
    second.load_state_dict(deepcopy(first.state_dict()))
    list(second.run(islice(batches(), second.batches_seen, None)))
    assert_same(second, whole)
    assert whole.batches_seen == 8 * 3


def test_a_third_player_learns_last_and_alone():
    made = duel(with_classifier())
    before = weights(made.networks.auxiliary)
    progress = next(made.run(batches()))
    assert [name.split("/")[0] for name in progress.losses][-1] == "classifier"
    assert not same(before, weights(made.networks.auxiliary))
    assert all(each.requires_grad for each in made.players["classifier"].weights)
    assert not any(each.requires_grad for each in made.generator.weights)


def test_a_shared_body_learns_from_both_of_its_players():
    made, moved = duel(with_classifier(shared=True), steps=1), []

    def watched(networks, batch, noise, config):
        moved.append(networks.discriminator.body.weight.detach().clone())
        return guess(networks, batch, noise, config)

    made.players["classifier"].losses = watched
    before = made.networks.discriminator.body.weight.detach().clone()
    list(made.run(batches()))
    assert not torch.equal(before, moved[0]), "by the discriminator"
    assert not torch.equal(moved[0], made.networks.discriminator.body.weight), "by the classifier"


def test_a_look_at_three_players_changes_nothing():
    made = duel(with_classifier(shared=True), batch=8)
    next(made.run(batches()))
    some = torch.randn(40, 3, generator=torch.Generator().manual_seed(1))
    rows = Batch(some, Condition.none(some))
    state = deepcopy(made.state_dict())
    found = Monitor(rows, rows[:20], lambda each: each, seed=0).measure(made)
    assert found.finite
    for name, value in made.networks.state_dict().items():
        assert torch.equal(value, state["networks"][name])
    assert all(each.requires_grad for each in made.players["classifier"].weights)
