"""A run in its folder: the duel with its memory, looked at, acted on, saved and taken up again."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.config import Config, parse
from gannet.core.io.files import append_line
from gannet.core.plugins import gannet_version
from gannet.core.recipe import Recipe
from gannet.core.seeding import some_of
from gannet.core.source import Source
from gannet.core.types import Progress, Spec
from gannet.data.dataset import Dataset
from gannet.inference.artifact import Artefact
from gannet.inference.calibration import within_memory
from gannet.inference.card import Card
from gannet.modalities.modality import as_seen
from gannet.modalities.registry import modality_of
from gannet.recipes.registry import find_recipe
from gannet.training.checkpoint import forget_after, load_checkpoint, save_checkpoint
from gannet.training.controller import Action, Balance
from gannet.training.finalize import preview
from gannet.training.monitor import Doctor, Measures, Verdict, judge, limits_for, sound
from gannet.training.monitor.thresholds import USUAL
from gannet.training.plan import FORMAT, Plan
from gannet.training.trainer import Duel

BY_HAND = "stopped by hand"

DISTANCE = "energy distance, random features"
"""What the distance on a card is."""

FEWEST_LOOKS = 3
"""Looks of health below which a run that nothing speaks against is not called healthy."""

PART = 65_536
"""Samples that are read at once for statistics."""

KNOWN = 2_000
"""Training samples that copies are searched among at a look."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look of health during a run, what it means, and what was done about it."""

    measures: Measures
    verdict: Verdict
    action: Action | None
    grid: Path | None


class Run:
    """A run in its folder: the duel, its doctor, its memory of good states.

    Attributes:
        plan: Written before the first step, never changed.
        duel: The players.
        history: All looks so far.
        since: Number of the first look that counts: those before a return do not.
        best: State of the generator with the best held-out distance, with that distance.
        healthy: State of the duel at the last healthy look; until there is one, at the start.
        stopped: Why the run ended, once it has.
    """

    def __init__(self, plan: Plan, dataset: Dataset, out: Path) -> None:
        self.plan, self.dataset, self.out = plan, dataset, out
        recipe = find_recipe(plan.recipe)
        config = parse(recipe.config, plan.config)
        self.duel: Duel[Any] = Duel(recipe, config, plan.spec, seed=plan.seed, device=plan.device)
        self.doctor = doctor_for(dataset, plan)
        self.balance = Balance(on=plan.balance)
        self.history: list[Measures] = []
        self.since = 0
        self.best: dict[str, Any] = {}
        self.healthy: dict[str, Any] = _snapshot(self.duel)
        self.verdict = Verdict("healthy", "not looked at yet")
        self.elapsed = 0.0
        self.stopped = ""

    # -- resume ------------------------------------------------------------------------------

    def save(self) -> None:
        """Write down all that is needed to go on exactly here, in one piece or not at all."""
        state = {
            "duel": self.duel.state_dict(),
            "balance": self.balance.state(),
            # Every digit: verdicts after a resume must not hang on rounding.
            "history": [asdict(each) for each in self.history],
            "best": self.best,
            "healthy": self.healthy,
            "verdict": [self.verdict.name, self.verdict.evidence],
            "since": self.since,
            "elapsed": self.elapsed,
            "stopped": self.stopped,
        }
        save_checkpoint(self.out, state)

    def resume(self) -> None:
        """Go on from the last save, if there is one.

        Raises:
            GannetError: if the save is damaged, or may not be read.
        """
        load_checkpoint(self.out, self.plan.device, self._take_up)
        # Also where nothing was saved yet: lines of an attempt that was killed early go as well.
        forget_after(self.out, self.duel.step)

    def _take_up(self, state: Mapping[str, Any]) -> None:
        self.duel.load_state_dict(state["duel"])
        self.balance = Balance.of(state["balance"])
        self.history = [Measures(**each) for each in state["history"]]
        self.best, self.healthy = state["best"], state["healthy"]
        self.verdict = Verdict(*state["verdict"])
        self.since = state["since"]
        self.elapsed, self.stopped = state["elapsed"], state["stopped"]
        if self.stopped == BY_HAND:
            self.stopped = ""  # to be asked again is to go on

    # -- looking -----------------------------------------------------------------------------

    def look(self, progress: Progress) -> Look:
        """Measure, judge, remember, answer, write it down."""
        measures = self._examined()
        looks = [each for each in self.history[self.since :] if each.finite]
        lost = all(each.distance > each.baseline for each in looks)
        controls = self.duel.recipe.training.controls
        action = self.balance.answer(self.verdict, measures, self.duel.config, controls, lost=lost)
        if action is not None:
            self._act(action)
        grid = preview(self.duel, self.plan, self.out, self.doctor.held_out)
        found = Look(measures, self.verdict, action, grid)
        self._write_line(progress, found)
        return found

    def look_last(self) -> None:
        """Look at the state that a run ended with, if the last look is long ago.

        It may be the best. The look is not saved: what a resumed run goes on from must not depend
        on where the run was stopped.
        """
        since = self.duel.step - (self.history[-1].step if self.history else 0)
        if since > self.plan.look_every / 2:
            self._examined()

    def _examined(self) -> Measures:
        """Measure, judge, remember."""
        measures = self.doctor.look(self.duel)
        self.history.append(measures)
        share = self.duel.step / self.duel.config.steps
        near = modality_of(self.plan.spec.kind).monitor.near_copies
        limits = limits_for(self.duel.recipe, self.duel.config, near_copies=near)
        self.verdict = judge(self.history[self.since :], share, limits)
        if self.verdict.name in ("healthy", "done") and sound(measures, limits):
            self._remember(measures)
        return measures

    def _verdict(self) -> dict[str, str]:
        """What the card says; of too few looks nothing good can be said."""
        name, evidence, looks = self.verdict.name, self.verdict.evidence, len(self.history)
        if name in ("healthy", "done") and looks < FEWEST_LOOKS:
            name = "not judged"
            evidence = f"{looks or 'no'} look{'s' * (looks != 1)} of health, a verdict takes 3"
        elif (
            name == "healthy"
            and not self.duel.recipe.conditional
            and _plainly_poor(now := self.history[-1])
        ):
            name = "not judged"
            evidence = (
                f"it ended before its samples (distance {now.distance:.3g}) were nearer to the "
                f"data than those of one plain Gaussian ({now.baseline:.3g}): give it more time"
            )
        return {"name": name, "evidence": evidence, "stopped": self.stopped}

    def _remember(self, measures: Measures) -> None:
        wrong, least = measures.error_held_out, self.best.get("wrong", math.inf)
        # What it gets wrong says more of a generator than any distance; of two that are about
        # equally wrong the later was averaged over more, and took smaller steps.
        best = self.best.get("distance", float("inf"))
        noise = math.hypot(self.best.get("error", 0.0), measures.distance_error)
        noise = noise if math.isfinite(noise) else 0.0  # not known for very few samples
        # Yet answers that are plainly nearer to reals may miss more pixels: blur misses least.
        nearer = self.duel.recipe.conditional and measures.distance < best - 2 * noise
        if wrong - least > USUAL.worse * abs(least) and not nearer:
            return
        self.healthy = _snapshot(self.duel)
        # A later generator was averaged over more, and the least of many noisy distances is luck:
        # it gives way only to a distance beyond the noise of both.
        if measures.distance <= best + 2 * noise or math.isfinite(measures.error_held_out):
            self.best = {
                "product": _copied(self.duel.average.state_dict()),
                "discriminator": _copied(self.duel.players.discriminator.state_dict()),
                "generator": self._generator_apart(),
                "step": self.duel.step,
                "distance": min(measures.distance, best),
                "error": measures.distance_error,
                "here": measures.distance,
                "wrong": wrong if math.isnan(wrong) else min(wrong, least),
            }

    def _generator_apart(self) -> dict[str, Tensor]:
        """Weights of the generator where the product has no samples to give; else nothing."""
        apart = not self.duel.recipe.makes_samples
        return _copied(self.duel.players.generator.state_dict()) if apart else {}

    def _act(self, action: Action) -> None:
        if action.anew:
            self.duel.begin(action.anew)
            self.healthy = _snapshot(self.duel)
            self.since = len(self.history)
        if action.back:
            self.duel.restore(copy.deepcopy(self.healthy))
            self.since = len(self.history)  # what was before says nothing about this state
        if action.changes:
            self.duel.adjust(**action.changes)
        if action.stop:
            self.stopped = action.reason

    def _write_line(self, progress: Progress, look: Look) -> None:
        line = {
            "format": FORMAT,
            "step": progress.step,
            "elapsed": round(self.elapsed, 2),
            "terms": {name: round(float(term), 6) for name, term in progress.terms.items()},
            "health": look.measures.record(),
            "verdict": look.verdict.name,
            "evidence": look.verdict.evidence,
            "action": look.action.record() if look.action else None,
        }
        append_line(self.out / "progress.jsonl", json.dumps(_finite(line), allow_nan=False))

    # -- time --------------------------------------------------------------------------------

    def keep_pace(self, step_seconds: float) -> None:
        """Change the number of steps so that a run bounded by time ends its schedule in time."""
        if not self.plan.seconds:
            return
        left = max(self.plan.seconds - self.elapsed, 0.0)
        steps = self.duel.step + max(int(left / step_seconds), 1)
        if abs(steps - self.duel.config.steps) > 0.05 * self.duel.config.steps:
            self.duel.adjust(steps=steps)

    # -- result ------------------------------------------------------------------------------

    def artefact(self) -> Artefact:
        """The best generator so far with the discriminator of that moment, not yet calibrated."""
        product = copy.deepcopy(self.duel.average)
        critic = copy.deepcopy(self.duel.players.discriminator)
        made = self.duel.recipe.makes_samples
        sampler = product if made else copy.deepcopy(self.duel.players.generator)
        if self.best:
            product.load_state_dict(self.best["product"])
            critic.load_state_dict(self.best["discriminator"])
            if not made:
                sampler.load_state_dict(self.best["generator"])
        for network in (product, critic, sampler):
            network.to("cpu").eval().requires_grad_(False)
        statistics = statistics_of(self.dataset, self.plan.spec)
        return Artefact(self._card(), product, critic, statistics, generator=sampler)

    def _card(self) -> Card:
        distance = {
            "name": DISTANCE,
            "value": self.best.get("here"),
            "error": self.best.get("error"),
            "floor": self.doctor.floor,
            "samples": self.doctor.count,
        }
        return card_of(
            self.plan,
            self.dataset,
            config=self.duel.config,
            steps=self.best.get("step", self.duel.step),
            verdict=self._verdict(),
            distance=distance,
        )


def statistics_of(dataset: Dataset, spec: Spec) -> Mapping[str, Tensor]:
    """What is kept of the training data beside the networks, such as what occurred together."""
    train = dataset.train
    starts = range(0, len(train), PART)
    parts = (train.take(range(at, min(at + PART, len(train)))).real for at in starts)
    return modality_of(spec.kind).statistics(parts, spec)


def card_of(
    plan: Plan,
    dataset: Dataset,
    *,
    config: Config,
    steps: int,
    verdict: dict[str, Any],
    distance: dict[str, Any],
) -> Card:
    """The card of a run's product, before its judge is calibrated.

    Args:
        plan: Of the run.
        dataset: That it was made from.
        config: Settings at the end.
        steps: That made the product.
        verdict: ``name``, ``evidence`` and why it ``stopped``.
        distance: To held-out data: ``name``, ``value``, ``error``, ``floor``, ``samples``.
    """
    labels = dataset.train.labels
    counts = [int((labels == number).sum()) for number in range(plan.spec.vector)]
    return Card(
        recipe=plan.recipe,
        config=config.model_dump(mode="json"),
        spec=plan.spec,
        codecs=plan.codecs,
        shares=tuple(count / len(labels) for count in counts) if any(counts) else (),
        steps=steps,
        seed=plan.seed,
        gannet=gannet_version(),
        data={
            "name": Path(plan.data).name,
            "digest": plan.digest,
            "label": plan.label,
            "train": len(dataset.train),
            "held_out": len(dataset.held_out),
            "classes": len(dataset.classes),
            **_writing(dataset.source),
        },
        verdict=verdict,
        distance=_finite(distance),
    )


def doctor_for(dataset: Dataset, plan: Plan) -> Doctor:
    """The doctor of a run, with the samples that all its looks share."""
    recipe, spec = find_recipe(plan.recipe), plan.spec
    view = partial(recipe.evaluation.embed, spec=spec)
    modality = modality_of(spec.kind)
    most = within_memory(KNOWN, spec.shape)
    count = min(modality.monitor.samples, most, len(dataset.held_out), len(dataset.train))
    train, held_out = (
        recipe.at_use(rows.take(some_of(len(rows), some, plan.seed)), spec)
        for rows, some in ((dataset.train, most), (dataset.held_out, count))
    )
    seen = view(train.real)
    features = as_seen(modality, train.real, seen).features(seen, 0)
    given = given_kind(recipe, plan)
    return Doctor(train, held_out, features, seed=plan.seed, view=view, given=given)


def given_kind(recipe: Recipe[Any], plan: Plan) -> str:
    """Kind of data of what samples are made from; empty where they are made from nothing."""
    if "grid" in recipe.inputs.derived:
        return plan.spec.kind  # it is made of the samples themselves
    codec = plan.codecs.get("grid")
    return "" if codec is None else codec["kind"]


def _plainly_poor(now: Measures) -> bool:
    """Whether one plain Gaussian is nearer to the data, beyond the noise of the distance."""
    noise = now.distance_error if math.isfinite(now.distance_error) else 0.0
    return now.distance - 2 * noise > now.baseline


def _writing(source: Source) -> dict[str, Any]:
    """How a text table was written, so that samples can be written alike."""
    if source.dialect is None:
        return {}
    suffix = source.files[0].suffix.lower() if source.files else ""
    return {"dialect": asdict(source.dialect), "suffix": suffix}


def _copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


def _snapshot(duel: Duel[Any]) -> dict[str, Any]:
    return copy.deepcopy(duel.state_dict())


def _finite(value: Any) -> Any:
    """The same with ``None`` for what is no finite number, for which JSON has no word."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
