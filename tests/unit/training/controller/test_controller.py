"""Auto-adjust: every remedy is a trial, what does not help is undone, and off is off."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from gannet.recipes.registry import find_recipe
from gannet.training.controller import Controller
from gannet.training.controller.controller import stagnates
from gannet.training.monitor import Diagnosis, Measurements

CONFIG = find_recipe("generate").config
CONTROLS = find_recipe("generate").training.controls
BAD = (
    "mode_collapse",
    "discriminator_overfitting",
    "discriminator_underfitting",
    "vanishing_gradient",
    "diverged",
)


def measurements(**known):
    """A look with every number at a half, but for the known ones."""
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(
        **(values | {"energy_distance_se": 0.02, "auc_error": 0.02, "reference": 0.0} | known)
    )


class Course:
    """A run that a controller is in charge of: its looks, and the settings in force."""

    def __init__(self, controller=None, config=None, **usual):
        self.controller, self.config = controller or Controller(), config or CONFIG()
        self.usual = usual
        self.history = [measurements(**usual)] * 5  # so that it is known not to improve

    def look(self, name, *, progress=0.5, below_baseline=False, **known):
        self.history.append(measurements(**(self.usual | known)))
        action = self.controller.respond(
            Diagnosis(name, "because"),
            self.history,
            self.config,
            CONTROLS,
            progress=progress,
            below_baseline=below_baseline,
        )
        if action is not None and action.changes:
            self.config = CONFIG(**(self.config.model_dump() | action.changes))
        return action

    def until_judged(self, name, **known):
        """The remedy that is tried, and what is said of it at the end of its trial."""
        tried = None
        while tried is None:
            tried = self.look(name)
        found = None
        while found is None:
            found = self.look(name, **known)
        return tried, found


def answer(controller, name, config=None, **known):
    course = Course(controller, config)
    return course.look(name, **known)


def test_health_needs_no_answer():
    assert answer(Controller(), "healthy") is None


def test_done_stops_the_run():
    action = answer(Controller(), "converged")
    assert action.stop
    assert "because" in action.reason


@pytest.mark.parametrize("name", BAD)
def test_every_bad_verdict_has_an_answer_within_range_that_is_on_trial(name):
    course = Course()
    before = course.config
    action = course.look(name)
    assert action.trial
    assert "on trial: because" in action.reason
    assert course.config != before


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_help_is_undone_and_never_tried_again(name):
    course = Course()
    tried = []
    for _ in range(60):
        action = course.look(name)
        if action is not None and action.trial:
            tried.append(course.controller.trial.remedy)
        elif action is not None and "undid" in action.reason:
            assert not action.undo  # weights are no worse than before
            assert course.config == CONFIG()
    assert tried == course.controller.failed
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("name", BAD)
def test_it_gives_up_once_with_words_and_leaves_the_run_alone(name):
    course = Course()
    before = course.config
    said = [course.look(name) for _ in range(60)]
    given_up = [each for each in said if each is not None and "gave up" in each.reason]
    assert len(given_up) == 1
    assert all(each in given_up[0].reason for each in course.controller.failed)
    assert 1 <= len(course.controller.failed) <= Controller.MAX_FAILED
    assert course.config == before
    assert said[-1] is None
    assert sum(each is not None for each in said) == 2 * len(course.controller.failed) + 1


def test_what_made_things_worse_takes_the_weights_back_too():
    course = Course()
    _, judged = course.until_judged("vanishing_gradient", energy_distance=0.9)
    assert judged.undo
    assert "made things worse: energy distance 0.5" in judged.reason
    assert course.config == CONFIG()


def test_what_helped_stays_and_may_be_done_again():
    course = Course()
    tried, judged = course.until_judged("vanishing_gradient", energy_distance=0.2)
    assert judged.reason.startswith("kept a higher gradient penalty, since it helped")
    assert course.config.gradient_penalty == tried.changes["gradient_penalty"] > 10
    course.usual = {"energy_distance": 0.2}
    again = [course.look("vanishing_gradient") for _ in range(course.controller.cooldown + 1)]
    assert again[-1].changes["gradient_penalty"] > course.config.gradient_penalty / 2


def test_a_verdict_that_is_gone_is_no_help_where_nothing_became_better():
    """As measured on rows half of which are one constant: a fivefold distance in the end."""
    course = Course()
    course.look("discriminator_underfitting")
    said = [course.look("healthy") for _ in range(course.controller.cooldown)]
    assert "undid" in said[-1].reason
    assert course.config == CONFIG()


def test_nothing_is_done_while_the_run_improves_by_itself():
    course = Course()
    course.history = []
    for at in range(12):
        assert course.look("vanishing_gradient", energy_distance=9.0 * 0.7**at) is None
    assert not stagnates(course.history, 3)
    last = course.history[-1].energy_distance
    assert any(course.look("vanishing_gradient", energy_distance=last) for _ in range(6))


@pytest.mark.parametrize("name", ["healthy", *BAD])
def test_auto_adjust_that_is_off_changes_nothing(name):
    assert answer(Controller(enabled=False), name) is None
    assert answer(Controller(enabled=False), name, CONFIG(augment_p=0.5)) is None


@pytest.mark.parametrize("enabled", [True, False])
def test_what_is_not_finite_goes_back_with_half_the_rate_even_when_off(enabled):
    action = answer(
        Controller(enabled=enabled), "diverged", CONFIG(learning_rate=0.008), finite=False
    )
    assert action.rollback
    assert not action.stop
    assert action.changes == {"learning_rate": 0.004}
    assert "because" in action.reason


def test_weights_that_are_never_finite_stop_the_run():
    course = Course()
    actions = [
        course.look("diverged", finite=False)
        for _ in range(Controller.MAX_ACTIONS_PER_DIAGNOSIS + 1)
    ]
    assert [each.stop for each in actions] == [False] * Controller.MAX_ACTIONS_PER_DIAGNOSIS + [
        True
    ]
    assert "giving up" in actions[-1].reason


def test_a_trial_that_ends_in_what_is_not_finite_has_failed():
    course = Course()
    tried = course.look("vanishing_gradient")
    action = course.look("diverged", finite=False)
    assert action.rollback
    assert course.config.gradient_penalty == CONFIG().gradient_penalty
    assert tried.changes.keys() < action.changes.keys()
    assert course.controller.failed == ["a higher gradient penalty"]
    assert course.controller.trial is None


def test_a_run_of_players_who_overshoot_is_not_stopped():
    course = Course()
    assert not any(action.stop for action in map(course.look, ["diverged"] * 40) if action)


def test_nothing_is_answered_more_often_than_the_cap():
    course = Course()
    tries = 0
    for _ in range(12):
        course.usual = {"energy_distance": 0.5 * 0.8**tries}
        for _ in range(8):
            action = course.look("vanishing_gradient")
            tries += action is not None and action.trial
    assert tries <= Controller.MAX_ACTIONS_PER_DIAGNOSIS + Controller.MAX_FAILED


def test_augmentation_is_turned_up_for_overfitting_and_down_again_within_bounds():
    controller = Controller(cooldown=0, answered={"discriminator_overfitting": 1})
    config = CONFIG(augment_p=0.45)
    assert answer(controller, "healthy", config, auc_train=0.7, auc_held_out=0.6) is None
    near = {"auc_train": 0.7, "auc_held_out": 0.69}
    assert answer(controller, "healthy", config, **near, memorization_rate=0.2) is None
    action = answer(controller, "healthy", config, **near, memorization_rate=0.02)
    assert action.changes["augment_p"] == pytest.approx(0.4)
    up = answer(Controller(), "discriminator_overfitting", CONFIG(augment_p=0.5))
    assert up.changes == {"augment_p": 0.6}


def test_augmentation_that_the_user_set_is_not_turned_down_unasked():
    config = CONFIG(augment_p=0.4)
    assert answer(Controller(), "healthy", config, auc_train=0.5, auc_held_out=0.5) is None


def test_what_was_done_survives_a_save_in_the_midst_of_a_trial():
    course = Course()
    course.look("mode_collapse")
    course.look("mode_collapse")
    again = Controller.of(course.controller.state())
    assert again == course.controller
    assert again.trial is not None
    other = Course(again, course.config)
    other.history = list(course.history)
    for _ in range(30):
        assert other.look("mode_collapse") == course.look("mode_collapse")
    assert again == course.controller


def test_an_action_can_be_written_down():
    record = answer(Controller(), "diverged").record()
    keys = {"reason", "changes", "rollback", "stop", "restart", "undo", "trial"}
    assert set(record) == keys


@pytest.mark.parametrize("name", ["discriminator_underfitting", "vanishing_gradient"])
def test_a_run_that_learnt_nothing_is_begun_anew_on_trial(name):
    course = Course()
    first = course.look(name, below_baseline=True, progress=0.1)
    assert first.restart == 1
    assert first.trial
    assert first.changes["learning_rate"] < CONFIG().learning_rate
    said = [course.look(name, below_baseline=True, progress=0.1) for _ in range(6)]
    assert said[-1].undo, "weights that are no better give way to those that learnt longer"
    assert course.config == CONFIG()
    assert "restart" in course.controller.failed


def test_new_weights_get_the_time_that_the_old_ones_had():
    course = Course()
    for _ in range(4):
        course.look("healthy")
    course.look("vanishing_gradient", below_baseline=True, progress=0.15)
    assert course.controller.trial.waits == 10


def test_too_late_or_once_something_was_learnt_nothing_is_begun_anew():
    assert answer(Controller(), "vanishing_gradient", progress=0.1).restart == 0
    late = answer(Controller(), "vanishing_gradient", below_baseline=True, progress=0.5)
    assert late.restart == 0


def test_a_certain_discriminator_is_flattened_and_not_begun_anew():
    found = answer(
        Controller(), "vanishing_gradient", below_baseline=True, progress=0.1, logit_scale=50.0
    )
    assert found.restart == 0
    assert found.changes["gradient_penalty"] > CONFIG().gradient_penalty


def test_a_generator_that_overfits_goes_back_twice_and_then_ends_at_its_best():
    course = Course(Controller(cooldown=0))
    first, second, third = (course.look("generator_overfitting") for _ in range(3))
    assert first.rollback
    assert first.changes["learning_rate"] == pytest.approx(CONFIG().learning_rate / 2)
    assert second.rollback
    assert not second.stop
    assert third.rollback
    assert third.stop


def test_nothing_is_done_before_it_is_known_whether_the_run_improves():
    assert not stagnates([measurements()] * 5, 3)
    assert stagnates([replace(measurements(), step=at) for at in range(6)], 3)
    course = Course()
    course.history = []
    assert not any(course.look("vanishing_gradient") for _ in range(5))
    assert course.look("vanishing_gradient").trial


def test_players_who_overshoot_are_answered_at_once():
    course = Course()
    course.history = []
    assert course.look("diverged").rollback


@pytest.mark.parametrize("name", BAD)
def test_nothing_is_done_where_held_out_data_are_unlike_the_training_data(name):
    unlike = {"reference": 0.8, "gaussian_baseline": 0.3}
    course = Course(**unlike)
    assert not any(course.look(name) for _ in range(20))
    assert course.config == CONFIG()
