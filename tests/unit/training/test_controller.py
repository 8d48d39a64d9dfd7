"""Balance: answers with a reason, a cap, a rest, and off when it is off."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gannet.recipes.registry import find_recipe
from gannet.training.controller import Balance
from gannet.training.monitor import Measures, Verdict

CONFIG = find_recipe("generate").config
CONTROLS = find_recipe("generate").training.controls


def measures(**known):
    """A look with every number at a half, but for the known ones."""
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measures)}
    return Measures(**(values | known))


def answer(balance, name, config=None, *, lost=False, **known):
    found = measures(**known)
    verdict = Verdict(name, "because")
    return balance.answer(verdict, found, config or CONFIG(), CONTROLS, lost=lost)


def test_health_needs_no_answer():
    assert answer(Balance(), "healthy") is None


def test_done_stops_the_run():
    action = answer(Balance(), "done")
    assert action.stop
    assert "because" in action.reason


def test_divergence_goes_back_with_half_the_rate():
    action = answer(Balance(), "diverged", CONFIG(learning_rate=0.008))
    assert action.back
    assert not action.stop
    assert action.changes == {"learning_rate": 0.004}
    assert "because" in action.reason


def test_divergence_without_end_stops_the_run():
    balance = Balance()
    actions = [answer(balance, "diverged") for _ in range(Balance.CAP + 1)]
    assert [each.stop for each in actions] == [False] * Balance.CAP + [True]
    assert "giving up" in actions[-1].reason


@pytest.mark.parametrize("name", ["healthy", "collapsed", "generator starved"])
def test_balance_that_is_off_changes_nothing(name):
    assert answer(Balance(on=False), name) is None
    assert answer(Balance(on=False), name, CONFIG(augment=0.5)) is None


def test_balance_that_is_off_still_goes_back_from_what_is_not_finite():
    assert answer(Balance(on=False), "diverged", finite=False).back


def test_balance_that_is_off_only_watches_players_who_overshoot():
    assert answer(Balance(on=False), "diverged") is None


@pytest.mark.parametrize(
    "name", ["collapsed", "discriminator overfits", "discriminator too weak", "generator starved"]
)
def test_every_bad_verdict_has_an_answer_within_range(name):
    config = CONFIG()
    action = answer(Balance(), name, config)
    assert action is not None
    assert "because" in action.reason
    changed = CONFIG(**(config.model_dump() | action.changes))
    assert changed != config


def test_an_action_is_given_time_to_show():
    balance = Balance()
    assert answer(balance, "collapsed") is not None
    assert [answer(balance, "collapsed") for _ in range(balance.rest)] == [None] * balance.rest
    assert answer(balance, "collapsed") is not None


def test_nothing_is_answered_more_often_than_the_cap():
    balance = Balance(rest=0)
    answers = [answer(balance, "collapsed") for _ in range(Balance.CAP + 3)]
    assert sum(each is not None for each in answers) == Balance.CAP


def test_augmentation_is_turned_up_for_overfitting_and_down_again_within_bounds():
    balance = Balance(rest=0)
    config = CONFIG()
    for _ in range(Balance.CAP):
        action = answer(balance, "discriminator overfits", config)
        if action is not None:
            config = CONFIG(**(config.model_dump() | action.changes))
    assert 0.3 <= config.augment <= 0.6
    assert answer(balance, "healthy", config, auc_train=0.7, auc_held_out=0.6) is None
    near = {"auc_train": 0.7, "auc_held_out": 0.69}
    assert answer(balance, "healthy", config, **near, copied=0.2) is None
    action = answer(balance, "healthy", config, **near, copied=0.02)
    assert action.changes["augment"] < config.augment


def test_augmentation_that_the_user_set_is_not_turned_down_unasked():
    config = CONFIG(augment=0.4)
    assert answer(Balance(), "healthy", config, auc_train=0.5, auc_held_out=0.5) is None


def test_what_was_done_survives_a_save():
    balance = Balance(rest=0)
    for _ in range(3):
        answer(balance, "collapsed")
    again = Balance.of(balance.state())
    assert again == balance
    assert answer(again, "collapsed") == answer(balance, "collapsed")


def test_an_action_can_be_written_down():
    record = answer(Balance(), "diverged").record()
    assert set(record) == {"reason", "changes", "back", "stop", "anew"}


@pytest.mark.parametrize("name", ["discriminator too weak", "generator starved"])
def test_a_run_that_learnt_nothing_is_begun_anew_and_not_for_ever(name):
    balance = Balance(rest=0)
    first, second = (answer(balance, name, lost=True) for _ in range(2))
    assert (first.anew, second.anew) == (1, 2)
    assert first.changes["learning_rate"] < CONFIG().learning_rate
    assert "because" in first.reason
    assert answer(balance, name, lost=True).anew == 0
    assert Balance.of(balance.state()) == balance


def test_a_run_that_has_learnt_something_goes_on():
    assert answer(Balance(), "discriminator too weak", lost=False).anew == 0


def test_a_certain_discriminator_is_flattened_and_not_begun_anew():
    found = answer(Balance(), "generator starved", lost=True, logit_scale=50.0)
    assert found.anew == 0
    assert found.changes["slope"] > CONFIG().slope


def test_a_generator_that_overfits_goes_back_twice_and_then_ends_at_its_best():
    balance = Balance(rest=0)
    first, second, third = (answer(balance, "generator overfits") for _ in range(3))
    assert first.back
    assert first.changes["learning_rate"] == pytest.approx(CONFIG().learning_rate / 2)
    assert second.back
    assert not second.stop
    assert third.back
    assert third.stop
