"""Automatic training control: what is done about a diagnosis, with reason, limit and rollback."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from gannet.core.config import Config
from gannet.core.recipe import Controls
from gannet.training.monitor import Diagnosis, Measurements


@dataclass(frozen=True, slots=True)
class Action:
    """One response to a diagnosis.

    Attributes:
        changes: Settings and their new values.
        rollback: Whether weights are first restored from the last healthy state.
        stop: Whether the run ends here.
        restart: Number of the attempt that starts with new initial weights; 0 for none.
        reason: Why, in a sentence for users.
    """

    reason: str
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    rollback: bool = False
    stop: bool = False
    restart: int = 0

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MonitorEvaluation:
    """One evaluation during a run: measurements, diagnosis, and the action taken, if any."""

    measurements: Measurements
    diagnosis: Diagnosis
    action: Action | None
    grid: Path | None


@dataclass(slots=True)
class Controller:
    """Chooses actions and counts them, so that none is repeated too often.

    Attributes:
        enabled: Whether settings may be changed; non-finite weights are always rolled back.
        cooldown: Evaluations to wait after an action, until its effect can show.
        since_action: Evaluations since the last action.
        answered: Diagnosis -> number of actions taken on it.
        attempts: Number of restarts.
    """

    enabled: bool = True
    cooldown: int = 3
    since_action: int = 1_000
    answered: dict[str, int] = field(default_factory=dict[str, int])
    attempts: int = 0

    CAP = 4
    RETURNS = 2
    ATTEMPTS = 2
    CALM = 3.0

    def state(self) -> dict[str, Any]:
        """State for the checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """From what ``state`` gave."""
        return cls(**state)

    def respond(
        self,
        diagnosis: Diagnosis,
        measurements: Measurements,
        config: Config,
        controls: Controls,
        *,
        below_baseline: bool = False,
    ) -> Action | None:
        """The action for a diagnosis; ``None`` for nothing.

        Args:
            diagnosis: Of the evaluations so far.
            measurements: Of the last evaluation.
            config: Settings in force.
            controls: Which of them regularize and augment.
            below_baseline: Whether no evaluation so far beat the Gaussian baseline.
        """
        self.since_action += 1
        if diagnosis.name == "converged":
            return Action(f"converged: {diagnosis.evidence}", stop=True)
        if diagnosis.name == "diverged" and (self.enabled or not measurements.finite):
            return self._diverged(diagnosis, config)
        if not self.enabled or self.since_action <= self.cooldown:
            return None
        if diagnosis.name == "healthy":
            return self._relax(measurements, config, controls.augment)
        if below_baseline and self._may_restart(diagnosis, measurements):
            return self._restart(diagnosis, config)
        if self.answered.get(diagnosis.name, 0) >= self.CAP:
            return None
        action = self._remedy(diagnosis, config, controls)
        if action is not None:
            self._count(diagnosis.name)
        return action

    def _count(self, name: str) -> None:
        self.answered[name] = self.answered.get(name, 0) + 1
        self.since_action = 0

    def _may_restart(self, diagnosis: Diagnosis, measurements: Measurements) -> bool:
        """Whether to restart: small logits and no progress from the start do not recover."""
        stuck = diagnosis.name in ("discriminator_underfitting", "vanishing_gradient")
        return stuck and measurements.logit_scale < self.CALM and self.attempts < self.ATTEMPTS

    def _restart(self, diagnosis: Diagnosis, config: Config) -> Action:
        self.attempts += 1
        self.since_action = 0
        rate = config.learning_rate * 0.7
        return Action(
            "restart with new initial weights and a lower learning rate, since nothing was learnt "
            f"so far: {diagnosis.evidence}",
            {"learning_rate": rate},
            restart=self.attempts,
        )

    def _diverged(self, diagnosis: Diagnosis, config: Config) -> Action:
        self._count(diagnosis.name)
        if self.answered[diagnosis.name] > self.CAP:
            tries = f"{self.CAP} times in spite of lower learning rates"
            reason = f"{diagnosis.evidence}, {tries}: giving up"
            return Action(reason, rollback=True, stop=True)
        rate = config.learning_rate / 2
        return Action(
            f"{diagnosis.evidence}: rollback to the last healthy state, "
            f"learning rate halved to {rate:.2g}",
            {"learning_rate": rate},
            rollback=True,
        )

    def _remedy(self, diagnosis: Diagnosis, config: Config, controls: Controls) -> Action | None:
        settings = config.model_dump()
        penalty, augment = settings.get(controls.regularize), settings.get(controls.augment)
        if diagnosis.name == "discriminator_overfitting" and augment is not None and augment < 0.6:
            more = round(min(augment + 0.15, 0.6), 2)
            return Action(
                f"augmentation probability up to {more}: {diagnosis.evidence}",
                {controls.augment: more},
            )
        if diagnosis.name == "mode_collapse":
            changes: dict[str, Any] = {"learning_rate": config.learning_rate * 0.7}
            if penalty is not None:
                changes[controls.regularize] = max(penalty * 2, 1e-3)
            return Action(
                "rollback to the last healthy state, with a higher gradient penalty and a lower "
                "learning rate: " + diagnosis.evidence,
                changes,
                rollback=True,
            )
        if diagnosis.name == "discriminator_underfitting" and penalty:
            return Action(
                f"gradient penalty down to {penalty / 3:.2g}: {diagnosis.evidence}",
                {controls.regularize: penalty / 3},
            )
        if diagnosis.name == "generator_overfitting":
            if self.answered.get(diagnosis.name, 0) >= self.RETURNS:
                return Action(
                    f"stopped, rollback to the best state: {diagnosis.evidence}",
                    rollback=True,
                    stop=True,
                )
            rate = config.learning_rate / 2
            return Action(
                f"rollback to the best state, learning rate halved to {rate:.2g}: "
                f"{diagnosis.evidence}",
                {"learning_rate": rate},
                rollback=True,
            )
        if diagnosis.name == "vanishing_gradient":
            if config.n_critic > 1:
                fewer = config.n_critic - 1
                return Action(
                    f"discriminator updates per step down to {fewer}: {diagnosis.evidence}",
                    {"n_critic": fewer},
                )
            if penalty is not None:
                more = max(penalty * 2, 1e-3)
                return Action(
                    f"gradient penalty up to {more:.2g}: {diagnosis.evidence}",
                    {controls.regularize: more},
                )
        return None

    def _relax(self, measurements: Measurements, config: Config, name: str) -> Action | None:
        """Lower augmentation again once the discriminator no longer overfits.

        With hysteresis: raised at an AUC gap of .12 or a memorization rate of .1, lowered below .03
        and .05; nothing happens in between.
        """
        augment = config.model_dump().get(name)
        if not augment or not self.answered.get("discriminator_overfitting"):
            return None
        gap = measurements.auc_train - measurements.auc_held_out
        if gap > 0.03 or measurements.memorization_rate > 0.05:
            return None
        self.since_action = 0
        less = round(max(augment - 0.05, 0.0), 2)
        return Action(
            f"augmentation probability down to {less}: the AUC gap is only {gap:.2f}", {name: less}
        )
