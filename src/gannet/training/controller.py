"""What is done about a verdict: changed settings, each with its reason, its cap and a way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from gannet.core.config import Config
from gannet.core.recipe import Controls
from gannet.training.monitor import Measures, Verdict


@dataclass(frozen=True, slots=True)
class Action:
    """One answer to a verdict.

    Attributes:
        changes: Settings and their new values.
        back: Whether weights return to the last healthy state first.
        stop: Whether the run ends here.
        anew: Number of the attempt that begins with other first weights; 0 for none.
        reason: Why, in a sentence for people.
    """

    reason: str
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    back: bool = False
    stop: bool = False
    anew: int = 0

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(slots=True)
class Balance:
    """Remembers what was done, so that nothing is done too often.

    Attributes:
        on: Whether anything may be changed; what is not finite is always rolled back.
        rest: Looks to wait after an action before the next: it takes time to show.
        waited: Looks since the last action.
        done: Verdict -> times it was answered.
        attempts: Times the run was begun anew.
    """

    on: bool = True
    rest: int = 3
    waited: int = 1_000
    done: dict[str, int] = field(default_factory=dict[str, int])
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

    def answer(
        self,
        verdict: Verdict,
        measures: Measures,
        config: Config,
        controls: Controls,
        *,
        lost: bool = False,
    ) -> Action | None:
        """What to do about a verdict; ``None`` for nothing.

        Args:
            verdict: What the looks mean.
            measures: The last look.
            config: Settings in force.
            controls: Which of them regularize and augment.
            lost: Whether no look so far was better than one plain Gaussian.
        """
        self.waited += 1
        if verdict.name == "done":
            return Action(f"done: {verdict.evidence}", stop=True)
        if verdict.name == "diverged" and (self.on or not measures.finite):
            return self._diverged(verdict, config)
        if not self.on or self.waited <= self.rest:
            return None
        if verdict.name == "healthy":
            return self._relax(measures, config, controls.augment)
        if lost and self._may_begin_anew(verdict, measures):
            return self._anew(verdict, config)
        if self.done.get(verdict.name, 0) >= self.CAP:
            return None
        action = self._remedy(verdict, config, controls)
        if action is not None:
            self._count(verdict.name)
        return action

    def _count(self, name: str) -> None:
        self.done[name] = self.done.get(name, 0) + 1
        self.waited = 0

    def _may_begin_anew(self, verdict: Verdict, measures: Measures) -> bool:
        """Two calm players that go round in a circle from the start do not find out of it."""
        stuck = verdict.name in ("discriminator too weak", "generator starved")
        return stuck and measures.logit_scale < self.CALM and self.attempts < self.ATTEMPTS

    def _anew(self, verdict: Verdict, config: Config) -> Action:
        self.attempts += 1
        self.waited = 0
        rate = config.learning_rate * 0.7
        return Action(
            "begun anew with other first weights and smaller steps, since nothing was learnt so "
            f"far: {verdict.evidence}",
            {"learning_rate": rate},
            anew=self.attempts,
        )

    def _diverged(self, verdict: Verdict, config: Config) -> Action:
        self._count(verdict.name)
        if self.done[verdict.name] > self.CAP:
            reason = f"{verdict.evidence}, {self.CAP} times in spite of smaller steps: giving up"
            return Action(reason, back=True, stop=True)
        rate = config.learning_rate / 2
        return Action(
            f"{verdict.evidence}: back to the last healthy state, "
            f"learning rate halved to {rate:.2g}",
            {"learning_rate": rate},
            back=True,
        )

    def _remedy(self, verdict: Verdict, config: Config, controls: Controls) -> Action | None:
        settings = config.model_dump()
        slope, augment = settings.get(controls.regularize), settings.get(controls.augment)
        if verdict.name == "discriminator overfits" and augment is not None and augment < 0.6:
            more = round(min(augment + 0.15, 0.6), 2)
            return Action(
                f"augmentation up to {more}: {verdict.evidence}", {controls.augment: more}
            )
        if verdict.name == "collapsed":
            changes: dict[str, Any] = {"learning_rate": config.learning_rate * 0.7}
            if slope is not None:
                changes[controls.regularize] = max(slope * 2, 1e-3)
            return Action(
                "back to the last healthy state, with a flatter discriminator and smaller steps: "
                + verdict.evidence,
                changes,
                back=True,
            )
        if verdict.name == "discriminator too weak" and slope:
            return Action(
                f"slope weight down to {slope / 3:.2g}: {verdict.evidence}",
                {controls.regularize: slope / 3},
            )
        if verdict.name == "generator overfits":
            if self.done.get(verdict.name, 0) >= self.RETURNS:
                return Action(f"done, at the best state: {verdict.evidence}", back=True, stop=True)
            rate = config.learning_rate / 2
            return Action(
                f"back to the best state, learning rate halved to {rate:.2g}: {verdict.evidence}",
                {"learning_rate": rate},
                back=True,
            )
        if verdict.name == "generator starved":
            if config.discriminator_rounds > 1:
                fewer = config.discriminator_rounds - 1
                return Action(
                    f"discriminator rounds down to {fewer}: {verdict.evidence}",
                    {"discriminator_rounds": fewer},
                )
            if slope is not None:
                more = max(slope * 2, 1e-3)
                return Action(
                    f"slope weight up to {more:.2g}: {verdict.evidence}",
                    {controls.regularize: more},
                )
        return None

    def _relax(self, measures: Measures, config: Config, name: str) -> Action | None:
        """Turn augmentation down again once the discriminator no longer knows the data by heart.

        Turned up at a gap of .12, down below .03, or up at a tenth of copies, down below a
        twentieth: between the two nothing happens.
        """
        augment = config.model_dump().get(name)
        if not augment or not self.done.get("discriminator overfits"):
            return None
        gap = measures.auc_train - measures.auc_held_out
        if gap > 0.03 or measures.copied > 0.05:
            return None
        self.waited = 0
        less = round(max(augment - 0.05, 0.0), 2)
        return Action(f"augmentation down to {less}: the gap is only {gap:.2f}", {name: less})
