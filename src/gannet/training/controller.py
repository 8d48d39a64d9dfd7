"""What is done about a verdict: changed settings, each with its reason, its cap and a way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from gannet.core.config import Config
from gannet.core.recipe import Controls
from gannet.training.monitor import Diagnosis, Measurements


@dataclass(frozen=True, slots=True)
class Action:
    """One answer to a verdict.

    Attributes:
        changes: Settings and their new values.
        rollback: Whether weights return to the last healthy state first.
        stop: Whether the run ends here.
        restart: Number of the attempt that begins with other first weights; 0 for none.
        reason: Why, in a sentence for people.
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
    """A look of health during a run, what it means, and what was done about it."""

    measurements: Measurements
    diagnosis: Diagnosis
    action: Action | None
    grid: Path | None


@dataclass(slots=True)
class Controller:
    """Remembers what was done, so that nothing is done too often.

    Attributes:
        enabled: Whether anything may be changed; what is not finite is always rolled back.
        cooldown: Looks to wait after an action before the next: it takes time to show.
        since_action: Looks since the last action.
        answered: Verdict -> times it was answered.
        attempts: Times the run was begun anew.
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
        """For exact resume."""
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
        """What to do about a verdict; ``None`` for nothing.

        Args:
            diagnosis: What the looks mean.
            measurements: The last look.
            config: Settings in force.
            controls: Which of them regularize and augment.
            below_baseline: Whether no look so far was better than one plain Gaussian.
        """
        self.since_action += 1
        if diagnosis.name == "converged":
            return Action(f"done: {diagnosis.evidence}", stop=True)
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
        """Two calm players that go round in a circle from the start do not find out of it."""
        stuck = diagnosis.name in ("discriminator_underfitting", "vanishing_gradient")
        return stuck and measurements.logit_scale < self.CALM and self.attempts < self.ATTEMPTS

    def _restart(self, diagnosis: Diagnosis, config: Config) -> Action:
        self.attempts += 1
        self.since_action = 0
        rate = config.learning_rate * 0.7
        return Action(
            "begun anew with other first weights and smaller steps, since nothing was learnt so "
            f"far: {diagnosis.evidence}",
            {"learning_rate": rate},
            restart=self.attempts,
        )

    def _diverged(self, diagnosis: Diagnosis, config: Config) -> Action:
        self._count(diagnosis.name)
        if self.answered[diagnosis.name] > self.CAP:
            reason = f"{diagnosis.evidence}, {self.CAP} times in spite of smaller steps: giving up"
            return Action(reason, rollback=True, stop=True)
        rate = config.learning_rate / 2
        return Action(
            f"{diagnosis.evidence}: back to the last healthy state, "
            f"learning rate halved to {rate:.2g}",
            {"learning_rate": rate},
            rollback=True,
        )

    def _remedy(self, diagnosis: Diagnosis, config: Config, controls: Controls) -> Action | None:
        settings = config.model_dump()
        slope, augment = settings.get(controls.regularize), settings.get(controls.augment)
        if diagnosis.name == "discriminator_overfitting" and augment is not None and augment < 0.6:
            more = round(min(augment + 0.15, 0.6), 2)
            return Action(
                f"augmentation up to {more}: {diagnosis.evidence}", {controls.augment: more}
            )
        if diagnosis.name == "mode_collapse":
            changes: dict[str, Any] = {"learning_rate": config.learning_rate * 0.7}
            if slope is not None:
                changes[controls.regularize] = max(slope * 2, 1e-3)
            return Action(
                "back to the last healthy state, with a flatter discriminator and smaller steps: "
                + diagnosis.evidence,
                changes,
                rollback=True,
            )
        if diagnosis.name == "discriminator_underfitting" and slope:
            return Action(
                f"slope weight down to {slope / 3:.2g}: {diagnosis.evidence}",
                {controls.regularize: slope / 3},
            )
        if diagnosis.name == "generator_overfitting":
            if self.answered.get(diagnosis.name, 0) >= self.RETURNS:
                return Action(
                    f"done, at the best state: {diagnosis.evidence}", rollback=True, stop=True
                )
            rate = config.learning_rate / 2
            return Action(
                f"back to the best state, learning rate halved to {rate:.2g}: {diagnosis.evidence}",
                {"learning_rate": rate},
                rollback=True,
            )
        if diagnosis.name == "vanishing_gradient":
            if config.n_critic > 1:
                fewer = config.n_critic - 1
                return Action(
                    f"discriminator rounds down to {fewer}: {diagnosis.evidence}",
                    {"n_critic": fewer},
                )
            if slope is not None:
                more = max(slope * 2, 1e-3)
                return Action(
                    f"slope weight up to {more:.2g}: {diagnosis.evidence}",
                    {controls.regularize: more},
                )
        return None

    def _relax(self, measurements: Measurements, config: Config, name: str) -> Action | None:
        """Turn augmentation down again once the discriminator no longer knows the data by heart.

        Turned up at a gap of .12, down below .03, or up at a tenth of copies, down below a
        twentieth: between the two nothing happens.
        """
        augment = config.model_dump().get(name)
        if not augment or not self.answered.get("discriminator_overfitting"):
            return None
        gap = measurements.auc_train - measurements.auc_held_out
        if gap > 0.03 or measurements.memorization_rate > 0.05:
            return None
        self.since_action = 0
        less = round(max(augment - 0.05, 0.0), 2)
        return Action(f"augmentation down to {less}: the gap is only {gap:.2f}", {name: less})
