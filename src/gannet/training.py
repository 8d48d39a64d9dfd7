"""The duel and the disk: plan, run, watch, balance, save, resume, finish."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gannet import device as processor
from gannet.artefact import Artefact, Card, append_line, gannet_version, write_whole
from gannet.balance import Action, Balance
from gannet.catalogue import find_recipe
from gannet.chance import some_of
from gannet.codecs import codec_of
from gannet.config import flag, parse
from gannet.dataset import Dataset
from gannet.duel import Duel
from gannet.errors import ConfigError, DivergedError, GannetError
from gannet.finish import calibrated, finish, judged_afresh, preview, within_memory
from gannet.health import Doctor, Measures, Verdict, judge, limits_for, sound
from gannet.networks.features import RandomFeatures
from gannet.plan import PICTURE_AXES, Plan
from gannet.types import Batch, Progress

BY_HAND, OUT_OF_TIME = "stopped by hand", "out of time"

LOOKED_AT = 256
"""Pictures on each side of a look."""

ROWS_LOOKED_AT = 1_000
"""Rows of numbers on each side of a look: they cost little, and fine structure needs many."""

FEWEST_LOOKS = 3
"""Looks of health below which a run that nothing speaks against is not called healthy."""

KNOWN = 2_000
"""Training samples that copies are searched among at a look."""

SAVE_SECONDS = 20.0
"""Least time between two saves."""

SAVE_SHARE = 0.05
"""Largest share of the time that goes into saves; large networks are saved more seldom."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look of health during a run, what it means, and what was done about it."""

    measures: Measures
    verdict: Verdict
    action: Action | None
    grid: Path | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a run stands after a step.

    Attributes:
        progress: The step's number and terms; reading its numbers waits for the device.
        steps: Steps that the whole run will take.
        elapsed: Seconds trained so far, over all resumptions.
        rate: Samples per second since the run was started or resumed.
        look: A look of health, if one was taken after this step.
    """

    progress: Progress
    steps: int
    elapsed: float
    rate: float
    look: Look | None


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
        self.doctor = _doctor(dataset, plan)
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
        packed = io.BytesIO()
        torch.save(state, packed)
        write_whole(self.out / "resume.pt", packed.getvalue())

    def resume(self) -> None:
        """Go on from the last save, if there is one.

        Raises:
            GannetError: if the save is damaged.
        """
        path = self.out / "resume.pt"
        if path.exists():
            try:
                self._take_up(torch.load(path, map_location=self.plan.device, weights_only=True))
            except (
                RuntimeError,
                EOFError,
                LookupError,
                TypeError,
                ValueError,
                pickle.UnpicklingError,
            ):
                raise GannetError(
                    "the save is damaged or of another gannet",
                    where=str(path),
                    remedy="Delete the file to begin anew, or train into another folder.",
                ) from None
        # Also where nothing was saved yet: lines of an attempt that was killed early go as well.
        self._forget_after(self.duel.step)

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

    def _forget_after(self, step: int) -> None:
        """Drop lines of ``progress.jsonl`` that belong to steps which will be taken again."""
        path = self.out / "progress.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and _step_of(line) <= step]
            write_whole(path, "".join(kept).encode())

    # -- looking -----------------------------------------------------------------------------

    def look(self, progress: Progress) -> Look:
        """Measure, judge, remember, answer, write it down."""
        measures = self.doctor.look(self.duel)
        self.history.append(measures)
        share = self.duel.step / self.duel.config.steps
        limits = limits_for(self.duel.config)
        self.verdict = judge(self.history[self.since :], share, limits)
        if self.verdict.name in ("healthy", "done") and sound(measures, limits):
            self._remember(measures)
        action = self.balance.answer(self.verdict, measures, self.duel.config)
        if action is not None:
            self._act(action)
        grid = preview(self.duel, self.plan, self.out)
        found = Look(measures, self.verdict, action, grid)
        self._write_line(progress, found)
        return found

    def look_last(self) -> None:
        """Look at the state that a run ended with, if the last look is long ago.

        It may be the best. The look is not saved: what a resumed run goes on from must not depend
        on where the run was stopped.
        """
        since = self.duel.step - (self.history[-1].step if self.history else 0)
        if since <= self.plan.look_every / 2:
            return
        measures = self.doctor.look(self.duel)
        self.history = [*self.history, measures]
        share = self.duel.step / self.duel.config.steps
        limits = limits_for(self.duel.config)
        self.verdict = judge(self.history[self.since :], share, limits)
        if self.verdict.name in ("healthy", "done") and sound(measures, limits):
            self._remember(measures)

    def _verdict(self) -> dict[str, str]:
        """What the card says; of too few looks nothing good can be said."""
        name, evidence, looks = self.verdict.name, self.verdict.evidence, len(self.history)
        if name in ("healthy", "done") and looks < FEWEST_LOOKS:
            name = "not judged"
            evidence = f"{looks or 'no'} look{'s' * (looks != 1)} of health, a verdict takes 3"
        return {"name": name, "evidence": evidence, "stopped": self.stopped}

    def _remember(self, measures: Measures) -> None:
        self.healthy = _snapshot(self.duel)
        best = self.best.get("distance", float("inf"))
        noise = math.hypot(self.best.get("error", 0.0), measures.distance_error)
        noise = noise if math.isfinite(noise) else 0.0  # not known for very few samples
        # A later generator was averaged over more, and the least of many noisy distances is luck:
        # it gives way only to a distance beyond the noise of both.
        if measures.distance <= best + 2 * noise:
            self.best = {
                "product": _copied(self.duel.average.state_dict()),
                "discriminator": _copied(self.duel.players.discriminator.state_dict()),
                "step": self.duel.step,
                "distance": min(measures.distance, best),
                "error": measures.distance_error,
                "here": measures.distance,
            }

    def _act(self, action: Action) -> None:
        if action.back:
            self.duel.restore(copy.deepcopy(self.healthy))
            self.since = len(self.history)  # what was before says nothing about this state
        if action.changes:
            self.duel.adjust(**action.changes)
        if action.stop:
            self.stopped = action.reason

    def _write_line(self, progress: Progress, look: Look) -> None:
        line = {
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
        if self.best:
            product.load_state_dict(self.best["product"])
            critic.load_state_dict(self.best["discriminator"])
        for network in (product, critic):
            network.to("cpu").eval().requires_grad_(False)
        return Artefact(self._card(), product, critic)

    def _card(self) -> Card:
        distance = {
            "name": "energy distance, random features",
            "value": self.best.get("here"),
            "error": self.best.get("error"),
            "floor": self.doctor.floor,
            "samples": self.doctor.count,
        }
        labels = self.dataset.train.labels
        classes = len(self.dataset.classes)
        counts = [int((labels == number).sum()) for number in range(classes)]
        known = sum(counts)
        return Card(
            recipe=self.plan.recipe,
            config=self.duel.config.model_dump(mode="json"),
            spec=self.plan.spec,
            codecs=self.plan.codecs,
            shares=tuple(count / known for count in counts) if known else (),
            steps=self.best.get("step", self.duel.step),
            seed=self.plan.seed,
            gannet=gannet_version(),
            data={
                "name": Path(self.plan.data).name,
                "digest": self.plan.digest,
                "label": self.plan.label,
                "train": len(self.dataset.train),
                "held_out": len(self.dataset.held_out),
                "classes": classes,
            },
            verdict=self._verdict(),
            distance=_finite(distance),
        )


def _doctor(dataset: Dataset, plan: Plan) -> Doctor:
    usual = LOOKED_AT if len(plan.spec.shape) == PICTURE_AXES else ROWS_LOOKED_AT
    most = within_memory(KNOWN, plan.spec.shape)
    count = min(usual, most, len(dataset.held_out), len(dataset.train))
    train = dataset.train.take(some_of(len(dataset.train), most, plan.seed))
    held_out = dataset.held_out.take(some_of(len(dataset.held_out), count, plan.seed))
    return Doctor(train, held_out, RandomFeatures(train.real), seed=plan.seed)


def _copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


def _snapshot(duel: Duel[Any]) -> dict[str, Any]:
    return copy.deepcopy(duel.state_dict())


def _finite(value: Any) -> Any:
    """The same with ``None`` for what is no finite number, for which JSON has no word."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62  # a line that was cut off belongs to no step


def read_plan(out: Path) -> Plan | None:
    """The plan of a run that was begun, if any.

    Raises:
        GannetError: if the file is damaged.
    """
    path = out / "plan.json"
    if not path.exists():
        return None
    try:
        plan = Plan.model_validate_json(path.read_text(encoding="utf-8"))
        for codec in plan.codecs.values():
            codec_of(**codec)
    except (ConfigError, OSError, TypeError, ValueError) as error:
        raise GannetError(
            f"the plan is damaged or of another gannet: {str(error).splitlines()[0]}",
            where=str(path),
            remedy="Train into another folder.",
        ) from None
    return plan


def check_same(plan: Plan, asked: Mapping[str, Any], **derived: Any) -> None:
    """Refuse to go on with other settings than a run was begun with.

    Args:
        plan: Of the run that was begun.
        asked: What the new command wants, by the names of the plan's fields.
        derived: What the run was begun with, where the plan has no field of that name.

    Raises:
        ConfigError: listing every difference.
    """
    before = plan.model_dump(mode="json") | derived
    differing: list[str] = []
    for name, now in asked.items():
        if name == "given":
            for setting in sorted(before["given"].keys() | now.keys()):
                differing += _difference(setting, before["given"].get(setting), now.get(setting))
        elif name == "digest" and before[name] != now:
            differing.append("the data, or how they are read: changed since the run was begun")
        elif name == "seconds":
            minutes = (f"{before[name] / 60:g}" if before[name] else None, f"{now / 60:g}")
            differing += _difference("minutes", minutes[0], minutes[1] if now else None)
        else:
            differing += _difference(name, before[name], now)
    if differing:
        raise ConfigError(
            "this folder holds a run that was begun differently\n  " + "\n  ".join(differing),
            remedy="Give the same command to go on, or another --out to begin anew.",
        )


def _difference(name: str, before: object, now: object) -> list[str]:
    if before == now:
        return []
    words = ["not given" if each is None else str(each) or "''" for each in (before, now)]
    return [f"{flag(name)}: begun with {words[0]}, now {words[1]}"]


def carry_out(
    plan: Plan,
    dataset: Dataset,
    out: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    save_seconds: float = SAVE_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Moment]:
    """Carry out a plan in the folder ``out``; if that holds half a run, finish it.

    Args:
        plan: From ``make_plan``, or read back from the folder.
        dataset: What it was made for.
        out: Becomes an artefact.
        stop: Asked after each step; a true answer ends the run with a usable artefact.
        save_seconds: Least time between saves. They take at most a twentieth of the time, so that
            large networks are saved more seldom.
        clock: What time is measured by.

    Yields:
        One ``Moment`` per step. Whoever reads may stop at any time and lose nothing saved.

    Raises:
        DivergedError: if the duel is lost in spite of every way back.
    """
    write_whole(out / "plan.json", plan.model_dump_json(indent=2).encode())
    threads = parse(find_recipe(plan.recipe).config, plan.config).threads
    with processor.threads(threads):
        run = Run(plan, dataset, out)
        run.resume()
        yield from _steps(run, stop, save_seconds, clock)
        run.save()
        _end(run)


def _steps(
    run: Run, stop: Callable[[], bool], save_seconds: float, clock: Callable[[], float]
) -> Iterator[Moment]:
    duel, every = run.duel, run.plan.look_every
    began, at_first, first_step = clock(), run.elapsed, duel.step
    save_at = began + save_seconds
    steps = duel.run(_batches(run))
    while not run.stopped:
        progress = next(steps, None)
        if progress is None:
            run.stopped = "all steps are done"
            break
        run.elapsed = at_first + clock() - began
        done = duel.step - first_step
        rate = done * duel.config.batch / max(run.elapsed - at_first, 1e-9)
        look = None
        if duel.step % every == 0 or duel.step == duel.config.steps:
            look = run.look(progress)
            run.elapsed = at_first + clock() - began
            run.keep_pace((run.elapsed - at_first) / done)
        run.stopped = run.stopped or _ended(run, stop)
        if clock() >= save_at:
            save_at = _saved(run, save_seconds, clock)
        yield Moment(progress, duel.config.steps, run.elapsed, rate, look)


def _ended(run: Run, stop: Callable[[], bool]) -> str:
    """Why the run ends here, if it does for a reason that is not the duel's own."""
    if stop():
        return BY_HAND
    return OUT_OF_TIME if run.plan.seconds and run.elapsed >= run.plan.seconds else ""


def _saved(run: Run, save_seconds: float, clock: Callable[[], float]) -> float:
    """Save, and say when to save again."""
    before = clock()
    run.save()
    now = clock()
    return now + max(save_seconds, (now - before) / SAVE_SHARE)


def _batches(run: Run) -> Iterator[Batch]:
    return run.dataset.train.batches(
        run.duel.config.batch, seed=run.plan.seed, start=run.duel.drawn
    )


def _end(run: Run) -> None:
    run.look_last()
    kept = (run.duel.average, run.duel.players.discriminator)
    lost = not all(
        bool(each.isfinite().all()) for network in kept for each in network.state_dict().values()
    )
    if not run.best and (lost or run.verdict.name == "diverged"):
        evidence = run.verdict.evidence if run.verdict.name == "diverged" else "not finite numbers"
        raise DivergedError(
            f"the duel diverged and was never healthy ({evidence})",
            where=f"step {run.duel.step}",
            remedy="Lower --learning-rate or raise --slope, and train into a new folder.",
        )
    finish(judged_afresh(calibrated(run.artefact(), run.dataset), run.dataset), run.out)
