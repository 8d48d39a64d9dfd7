"""Balance: answers with a reason, a cap, a rest, and off when it is off."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gannet.recipes.registry import find_recipe
from gannet.training.controller import Controller
from gannet.training.monitor import Diagnosis, Measurements

CONFIG = find_recipe("generate").config
CONTROLS = find_recipe("generate").training.controls


def measurements(**known):
    """A look with every number at a half, but for the known ones."""
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(**(values | known))


def answer(auto_adjust, name, config=None, *, below_baseline=False, **known):
    found = measurements(**known)
    diagnosis = Diagnosis(name, "because")
    return auto_adjust.respond(
        diagnosis, found, config or CONFIG(), CONTROLS, below_baseline=below_baseline
    )


def test_health_needs_no_answer():
    assert answer(Controller(), "healthy") is None


def test_done_stops_the_run():
    action = answer(Controller(), "converged")
    assert action.stop
    assert "because" in action.reason


def test_divergence_goes_back_with_half_the_rate():
    action = answer(Controller(), "diverged", CONFIG(learning_rate=0.008))
    assert action.rollback
    assert not action.stop
    assert action.changes == {"learning_rate": 0.004}
    assert "because" in action.reason


def test_divergence_without_end_stops_the_run():
    balance = Controller()
    actions = [answer(balance, "diverged") for _ in range(Controller.CAP + 1)]
    assert [each.stop for each in actions] == [False] * Controller.CAP + [True]
    assert "giving up" in actions[-1].reason


@pytest.mark.parametrize("name", ["healthy", "mode_collapse", "vanishing_gradient"])
def test_balance_that_is_off_changes_nothing(name):
    assert answer(Controller(enabled=False), name) is None
    assert answer(Controller(enabled=False), name, CONFIG(augment_p=0.5)) is None


def test_balance_that_is_off_still_goes_back_from_what_is_not_finite():
    assert answer(Controller(enabled=False), "diverged", finite=False).rollback


def test_balance_that_is_off_only_watches_players_who_overshoot():
    assert answer(Controller(enabled=False), "diverged") is None


@pytest.mark.parametrize(
    "name",
    [
        "mode_collapse",
        "discriminator_overfitting",
        "discriminator_underfitting",
        "vanishing_gradient",
    ],
)
def test_every_bad_verdict_has_an_answer_within_range(name):
    config = CONFIG()
    action = answer(Controller(), name, config)
    assert action is not None
    assert "because" in action.reason
    changed = CONFIG(**(config.model_dump() | action.changes))
    assert changed != config


def test_an_action_is_given_time_to_show():
    balance = Controller()
    assert answer(balance, "mode_collapse") is not None
    assert [answer(balance, "mode_collapse") for _ in range(balance.cooldown)] == [
        None
    ] * balance.cooldown
    assert answer(balance, "mode_collapse") is not None


def test_nothing_is_answered_more_often_than_the_cap():
    balance = Controller(cooldown=0)
    answers = [answer(balance, "mode_collapse") for _ in range(Controller.CAP + 3)]
    assert sum(each is not None for each in answers) == Controller.CAP


def test_augmentation_is_turned_up_for_overfitting_and_down_again_within_bounds():
    balance = Controller(cooldown=0)
    config = CONFIG()
    for _ in range(Controller.CAP):
        action = answer(balance, "discriminator_overfitting", config)
        if action is not None:
            config = CONFIG(**(config.model_dump() | action.changes))
    assert 0.3 <= config.augment_p <= 0.6
    assert answer(balance, "healthy", config, auc_train=0.7, auc_held_out=0.6) is None
    near = {"auc_train": 0.7, "auc_held_out": 0.69}
    assert answer(balance, "healthy", config, **near, memorization_rate=0.2) is None
    action = answer(balance, "healthy", config, **near, memorization_rate=0.02)
    assert action.changes["augment_p"] < config.augment_p


def test_augmentation_that_the_user_set_is_not_turned_down_unasked():
    config = CONFIG(augment_p=0.4)
    assert answer(Controller(), "healthy", config, auc_train=0.5, auc_held_out=0.5) is None


def test_what_was_done_survives_a_save():
    balance = Controller(cooldown=0)
    for _ in range(3):
        answer(balance, "mode_collapse")
    again = Controller.of(balance.state())
    assert again == balance
    assert answer(again, "mode_collapse") == answer(balance, "mode_collapse")


def test_an_action_can_be_written_down():
    record = answer(Controller(), "diverged").record()
    assert set(record) == {"reason", "changes", "rollback", "stop", "restart"}


@pytest.mark.parametrize("name", ["discriminator_underfitting", "vanishing_gradient"])
def test_a_run_that_learnt_nothing_is_begun_anew_and_not_for_ever(name):
    balance = Controller(cooldown=0)
    first, second = (answer(balance, name, below_baseline=True) for _ in range(2))
    assert (first.restart, second.restart) == (1, 2)
    assert first.changes["learning_rate"] < CONFIG().learning_rate
    assert "because" in first.reason
    assert answer(balance, name, below_baseline=True).restart == 0
    assert Controller.of(balance.state()) == balance


def test_a_run_that_has_learnt_something_goes_on():
    assert answer(Controller(), "discriminator_underfitting", below_baseline=False).restart == 0


def test_a_certain_discriminator_is_flattened_and_not_begun_anew():
    found = answer(Controller(), "vanishing_gradient", below_baseline=True, logit_scale=50.0)
    assert found.restart == 0
    assert found.changes["gradient_penalty"] > CONFIG().gradient_penalty


def test_a_generator_that_overfits_goes_back_twice_and_then_ends_at_its_best():
    balance = Controller(cooldown=0)
    first, second, third = (answer(balance, "generator_overfitting") for _ in range(3))
    assert first.rollback
    assert first.changes["learning_rate"] == pytest.approx(CONFIG().learning_rate / 2)
    assert second.rollback
    assert not second.stop
    assert third.rollback
    assert third.stop
