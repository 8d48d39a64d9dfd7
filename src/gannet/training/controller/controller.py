"""The controller: chooses a remedy for a diagnosis, judges it, undoes it, and knows when to stop.

It never acts while the run still improves on held-out data, or may do so for all that is known,
since then nothing needs a remedy. Only of players who overshoot it does not wait to see more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gannet.core.config import Config
from gannet.core.recipe import Controls
from gannet.training.controller.action import Action
from gannet.training.controller.remedies import Remedy, remedies, restart
from gannet.training.controller.trial import RemedyTrial, compared, standing
from gannet.training.monitor import Diagnosis, Measurements
from gannet.training.monitor.keeping import held_out_unlike
from gannet.training.monitor.thresholds import SMALL_BATCH

STUCK = ("discriminator_underfitting", "vanishing_gradient")
"""Diagnoses of a run that may need other first weights."""


@dataclass(slots=True)
class Controller:
    """Chooses actions, and remembers which of them did not help.

    Attributes:
        enabled: Whether settings may be changed; non-finite weights are always rolled back.
        cooldown: Evaluations after an action until it is judged, or until the next one.
        since_action: Evaluations since the last action.
        answered: Diagnosis -> number of actions taken on it.
        attempts: Number of restarts.
        trial: The remedy that is on trial.
        failed: Names of remedies that did not help, which are not tried again.
        gave_up: Why it changes nothing any more; empty while it may.
    """

    enabled: bool = True
    cooldown: int = 3
    since_action: int = 1_000
    answered: dict[str, int] = field(default_factory=dict[str, int])
    attempts: int = 0
    trial: RemedyTrial | None = None
    failed: list[str] = field(default_factory=list[str])
    gave_up: str = ""

    MAX_ACTIONS_PER_DIAGNOSIS = 4
    """Actions for one diagnosis, after which no more are tried."""
    MAX_RATE_HALVINGS = 2
    """Times that the rate is halved when the generator overfits; the next time the run ends."""
    MAX_RESTARTS = 2
    """Restarts with new initial weights."""
    MAX_FAILED = 3
    """Remedies that did not help, after which it gives up."""
    MAX_RESTART_LOGIT_SCALE = 3.0
    """Mean absolute logit from which on a stuck run is not restarted."""
    EVALUATIONS = 3
    """Evaluations that a state before an action is measured by."""
    LAST_RESTART = 0.2
    """Fraction of the run after which too little is left for a restart."""

    def state(self) -> dict[str, Any]:
        """State for the checkpoint."""
        names = ("enabled", "cooldown", "since_action", "attempts", "gave_up")
        state: dict[str, Any] = {name: getattr(self, name) for name in names}
        trial = self.trial.state() if self.trial else None
        return state | {
            "answered": dict(self.answered),
            "failed": list(self.failed),
            "trial": trial,
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """From what ``state`` gave."""
        values: dict[str, Any] = dict(state)
        values["trial"] = RemedyTrial.of(state["trial"]) if state["trial"] else None
        return cls(**values)

    def respond(
        self,
        diagnosis: Diagnosis,
        history: Sequence[Measurements],
        config: Config,
        controls: Controls,
        *,
        progress: float = 0.0,
        below_baseline: bool = False,
        usual_penalty: float = 0.0,
    ) -> Action | None:
        """The action for a diagnosis; ``None`` for nothing.

        Args:
            diagnosis: Of the evaluations so far.
            history: Those of the weights now in training, oldest first; at least one.
            config: Settings in force.
            controls: Which of them regularize and augment.
            progress: Fraction of the run that is done, 0..1.
            below_baseline: Whether no evaluation of the run so far beat the baseline.
            usual_penalty: Gradient penalty weight that the recipe suggests for the data.
        """
        self.since_action += 1
        now = history[-1]
        if diagnosis.name == "converged":
            return Action(f"converged: {diagnosis.evidence}", stop=True)
        if not now.finite:
            return self._not_finite(diagnosis, config)
        if not self.enabled or self.gave_up or held_out_unlike(now):
            return None
        if self.trial is not None:
            self.trial.evaluations.append(now)
            return self._judge(self.trial) if self.trial.over else None
        if self.since_action <= self.cooldown:
            return None
        if diagnosis.name == "healthy":
            return self._relax(history, config, controls.augment)
        if diagnosis.name == "generator_overfitting":
            return self._early_stop(diagnosis, config)
        if diagnosis.name != "diverged" and not stagnates(history, self.EVALUATIONS):
            return None
        known = remedies(diagnosis.name, config, controls, usual_penalty)
        fresh = below_baseline and progress < self.LAST_RESTART and config.batch >= SMALL_BATCH
        if fresh and self._may_restart(diagnosis, now):
            known = [restart(config), *known]
        return self._remedy(known, diagnosis, history, config)

    # -- trials ------------------------------------------------------------------------------

    def _remedy(
        self,
        known: Sequence[Remedy],
        diagnosis: Diagnosis,
        history: Sequence[Measurements],
        config: Config,
    ) -> Action | None:
        """The first remedy that has not failed, on trial; once there is none, the last word."""
        remedy = next((each for each in known if each.name not in self.failed), None)
        if len(self.failed) >= self.MAX_FAILED or (remedy is None and self.failed):
            return self._give_up(diagnosis)
        if remedy is None or self.answered.get(diagnosis.name, 0) >= self.MAX_ACTIONS_PER_DIAGNOSIS:
            return None
        return self._try(remedy, diagnosis, history, config)

    def _may_restart(self, diagnosis: Diagnosis, now: Measurements) -> bool:
        """Whether to restart: small logits and no progress from the start do not recover."""
        return (
            diagnosis.name in STUCK
            and now.logit_scale < self.MAX_RESTART_LOGIT_SCALE
            and self.attempts < self.MAX_RESTARTS
        )

    def _try(
        self,
        remedy: Remedy,
        diagnosis: Diagnosis,
        history: Sequence[Measurements],
        config: Config,
    ) -> Action:
        settings = config.model_dump()
        self.trial = RemedyTrial(
            remedy.name,
            diagnosis.name,
            {name: settings[name] for name in remedy.changes},
            dict(standing(history[-self.EVALUATIONS :])),
            # New weights get the time that the old ones had.
            waits=max(len(history), self.cooldown) if remedy.restart else self.cooldown,
            replaced=remedy.restart,
        )
        self.attempts += remedy.restart
        self._count(diagnosis.name)
        return Action(
            f"{remedy.description}, on trial: {diagnosis.evidence}",
            dict(remedy.changes),
            rollback=remedy.rollback,
            restart=self.attempts if remedy.restart else 0,
            trial=True,
        )

    def _judge(self, trial: RemedyTrial) -> Action:
        """Keep what helped, undo the rest: settings always, weights unless they seem better."""
        outcome, numbers = trial.outcome()
        self.trial, self.since_action = None, 0
        if outcome == "better":
            return Action(f"kept {trial.remedy}, since it helped: {numbers}")
        self.failed.append(trial.remedy)
        why = "it made things worse" if outcome == "worse" else "it did not help"
        back = outcome == "worse" or trial.replaced or trial.seems_worse(certain=0.0)
        return Action(
            f"undid {trial.remedy}, since {why}: {numbers}"
            + ("; weights are back to those before it" if back else ""),
            trial.settings,
            undo=back,
        )

    def _give_up(self, diagnosis: Diagnosis) -> Action:
        """Say once that nothing helped, and change nothing from now on."""
        self.gave_up = (
            f"gave up: {diagnosis.name} persists, and none of these helped: "
            f"{', '.join(self.failed)}; training goes on as with --auto-adjust off"
        )
        return Action(self.gave_up)

    # -- without a trial ---------------------------------------------------------------------

    def _count(self, name: str) -> None:
        self.answered[name] = self.answered.get(name, 0) + 1
        self.since_action = 0

    def _not_finite(self, diagnosis: Diagnosis, config: Config) -> Action:
        """Go back, since nothing else is possible; what was on trial is undone as well."""
        settings: dict[str, Any] = {}
        if self.trial is not None:
            self.failed.append(self.trial.remedy)
            settings, self.trial = self.trial.settings, None
        self._count("diverged")
        if self.answered["diverged"] > self.MAX_ACTIONS_PER_DIAGNOSIS:
            tries = f"{self.MAX_ACTIONS_PER_DIAGNOSIS} times despite lower learning rates"
            reason = f"{diagnosis.evidence}, {tries}: giving up"
            return Action(reason, rollback=True, stop=True)
        rate = config.learning_rate / 2
        return Action(
            f"{diagnosis.evidence}: rollback to the last healthy state, "
            f"learning rate halved to {rate:.2g}",
            settings | {"learning_rate": rate},
            rollback=True,
        )

    def _early_stop(self, diagnosis: Diagnosis, config: Config) -> Action:
        """Roll back to the lowest validation loss, with half the rate; after two such, stop."""
        returns = self.answered.get(diagnosis.name, 0)
        self._count(diagnosis.name)
        if returns >= self.MAX_RATE_HALVINGS:
            return Action(
                f"stopped, rollback to the best state: {diagnosis.evidence}",
                rollback=True,
                stop=True,
            )
        rate = config.learning_rate / 2
        return Action(
            f"rollback to the best state, learning rate halved to {rate:.2g}: {diagnosis.evidence}",
            {"learning_rate": rate},
            rollback=True,
        )

    def _relax(self, history: Sequence[Measurements], config: Config, name: str) -> Action | None:
        """Lower augmentation again once the discriminator no longer overfits.

        With hysteresis: raised at an AUC gap of .12 or a memorization rate of .1, lowered below .03
        and .05; nothing happens in between.
        """
        augment = config.model_dump().get(name)
        if not augment or not self.answered.get("discriminator_overfitting"):
            return None
        now = history[-1]
        gap = now.auc_train - now.auc_held_out
        if gap > 0.03 or now.memorization_rate > 0.05:
            return None
        self.since_action = 0
        less = round(max(augment - 0.05, 0.0), 2)
        return Action(
            f"augmentation probability down to {less}: the AUC gap is only {gap:.2f}", {name: less}
        )


def stagnates(history: Sequence[Measurements], count: int) -> bool:
    """Whether the last evaluations are known to be no better than as many before them."""
    earlier, recent = history[-2 * count : -count], history[-count:]
    if len(earlier) < count:
        return False
    outcome, _ = compared(standing(earlier), standing(recent))
    return outcome != "better"
