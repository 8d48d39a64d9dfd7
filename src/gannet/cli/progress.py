"""Shows training as it runs: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gannet.cli.screen import raw
from gannet.core.codec import Codec, notes_of
from gannet.core.config import flag
from gannet.core.errors import GannetError, need
from gannet.core.io.names import placeholder, printable
from gannet.data.containers.frames import read_frame
from gannet.data.containers.tables import MAX_CACHED_BYTES
from gannet.evaluation.report.outdated import reports_in
from gannet.inference.artifact import Artifact
from gannet.inference.model_card import diagnose_card, training_log_of, two_sample_sentence
from gannet.inference.options import given_options
from gannet.modalities.modality import Modality
from gannet.modalities.registry import find_modality
from gannet.training.controller import MonitorEvaluation
from gannet.training.loop import SAVE_SECONDS, TrainingState
from gannet.training.monitor import status
from gannet.training.plan import Plan
from gannet.training.resume import to_train_on
from gannet.training.run import BY_HAND
from gannet.training.session import Session

SHOW_EVERY = 0.25
"""Seconds between two updates of the live view."""


class Viewer(Protocol):
    """Something that is called after every training step."""

    def show(self, state: TrainingState) -> None:
        """Show a step; cheap unless there is something to show."""
        ...


def watch(
    session: Session,
    stop: Callable[[], bool],
    *,
    tensorboard: bool = False,
    save_seconds: float = SAVE_SECONDS,
) -> None:
    """Run a session and show it; at the end, print where the results are."""
    # No markup: paths and reasons may contain brackets. No wrapping: one line stays one line.
    console = Console(file=raw(sys.stdout), highlight=False, markup=False, soft_wrap=True)
    print("\n".join(about(session)), flush=True)
    viewers: list[Viewer] = [Events(session)] if tensorboard else []
    reports = reports_in(session.out)
    states = session.run(stop, save_seconds=save_seconds)
    # Of a finished run there is no first step, and nothing to expect.
    first = list(islice(states, 1)) if session.resumed else []
    if first or not session.resumed:
        print("\n".join(expected(session.plan)), flush=True)
    states = chain(first, states)
    last: TrainingState | None = None
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=False) as live:
            viewers.append(Window(session, live))
            last = _run(states, viewers)
    else:
        viewers.append(Lines(session))
        last = _run(states, viewers)
    removed = [each for each in reports if not each.exists()]
    for line in (*_summary(session, last), *(_removed(each, session.out) for each in removed)):
        print(line, flush=True)


def _run(states: Iterable[TrainingState], viewers: Iterable[Viewer]) -> TrainingState | None:
    last: TrainingState | None = None
    for state in states:
        for viewer in viewers:
            viewer.show(state)
        last = state
    return last


def about(session: Session) -> list[str]:
    """What is going to be trained, and why, line by line."""
    plan, data = session.plan, session.dataset
    lines = [
        f"{'resuming' if session.resumed else 'training'} {plan.recipe} in {session.out}: "
        f"{len(data.train)} samples, {len(data.held_out)} held out, "
        f"each {'x'.join(str(side) for side in plan.spec.shape)}"
    ]
    lines += [f"  skipped {name}: {reason}" for name, reason in data.skipped[:10]]
    lines += [f"data: {each}" for each in data.source.problems]
    lines += [f"data: {note}" for codec in data.codecs.values() for note in notes_of(codec)]
    lines += [f"data: {each}" for each in plan.findings if each.severity != "note"]
    return lines


def expected(plan: Plan) -> list[str]:
    """Why settings are what they are, and what is to be expected."""
    return [
        *(f"  {reason}" for reason in plan.reasons),
        *(f"limit: {each}" for each in plan.limits),
        *(f"expect: {each}" for each in plan.forecast),
    ]


def _summary(session: Session, last: TrainingState | None) -> list[str]:
    more = to_train_on(session.plan)
    finished = "this run was already finished; there was nothing left to do"
    lines = [] if last else [f"{finished}; give {more} to train on" if more else finished]
    artifact = Artifact.load(session.out)
    card = artifact.card
    diagnosis = diagnose_card(card, training_log_of(artifact, session.out))
    if last and card.diagnosis.get("stopped") == BY_HAND:
        lines.append(
            f"stopped:   by hand, at step {last.result.step} of {last.steps}; the best model so "
            "far and the checkpoint are kept, and the same command goes on"
        )
    lines += [f"limit:     {each}" for each in session.plan.limits]
    lines.append(f"result:    {diagnosis.sentence}")
    if advice := diagnosis.advice or card.diagnosis.get("advice"):
        lines.append(f"advice:    {advice}")
    lines.append(f"at end:    {card.diagnosis['name']}: {card.diagnosis['evidence']}")
    if card.diagnosis.get("auto_adjust"):
        lines.append(f"auto:      {card.diagnosis['auto_adjust']}")
    test = two_sample_sentence(card).removeprefix("Two-sample test (C2ST): ")
    lines.append(f"test:      {test}")
    lines.append(f"run:       {session.out}  (README.md says how to use it)")
    if (session.out / "grid.png").exists():
        lines.append(f"samples:   {session.out / 'grid.png'}")
    data = session.dataset.source
    alone = session.plan.data if not data.roles else ""
    return [*lines, f"next:      {next_command(artifact, session.out, alone)}"]


def _removed(report: Path, run: Path) -> str:
    """That a report of the model before is gone, and how to make a new one."""
    return (
        f"removed:   {report.with_suffix('')}.*, a report on the model before; "
        f"`gannet evaluate {shlex.quote(str(run))}` makes a new one"
    )


def next_command(artifact: Artifact, run: Path, data: str) -> str:
    """The command that a finished run is for.

    Args:
        artifact: The run.
        run: Its folder.
        data: The data that it was trained on, if they are of one kind.
    """
    folder, modality = shlex.quote(str(run)), artifact.modality
    single = modality.item_suffix  # else a file holds many samples
    transform = artifact.recipe.inference.transform
    if transform is None:
        suffix = single or next(iter(modality.writers))
        what = "--count 16 --out samples" if single else f"--count 1000 --out fake{suffix}"
        given = given_options(artifact.recipe, artifact.codecs)
        return " ".join(
            [f"gannet sample {folder} {what}", *(f"{flag(each)} ..." for each in given)]
        )
    codec, output_codec = (
        artifact.codecs.get(role, artifact.codecs["sample"])
        for role in (transform.given, transform.output)
    )
    source, output = find_modality(codec.kind), find_modality(output_codec.kind)
    given = placeholder(source.noun[0] if source.item_suffix else source.name)
    if not source.item_suffix and _can_be_given(source, codec, Path(data)):
        given = shlex.quote(data)
    suffix = output.item_suffix or next(iter(output.writers))
    return f"gannet apply {folder} {given} --out made{suffix}"


def _can_be_given(modality: Modality, codec: Codec[Any], data: Path) -> bool:
    """Whether ``gannet apply`` reads a file; a large one is not tried."""
    if not data.is_file() or data.stat().st_size > MAX_CACHED_BYTES:
        return False
    with suppress(GannetError):
        modality.inference.read_input(codec, data, read_frame)
        return True
    return False


def discriminator_auc(evaluation: MonitorEvaluation) -> str:
    """The discriminator's AUC as text, on training and on held-out data; 0.5 is chance level."""
    measurements = evaluation.measurements
    return f"{measurements.auc_train:.2f} training, {measurements.auc_held_out:.2f} held out"


def minutes_left(state: TrainingState) -> float:
    """Minutes until all steps are done, at the speed so far."""
    done = max(state.result.step, 1)
    return (state.steps - done) * state.elapsed / done / 60


class Lines:
    """A plain line at every evaluation."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def show(self, state: TrainingState) -> None:
        """Print, if there was an evaluation."""
        evaluation = state.evaluation
        if evaluation is None:
            return
        measurements = evaluation.measurements
        print(
            f"step {state.result.step}/{state.steps}  {minutes_left(state):.1f} min left  "
            f"{state.rate:.0f}/s  D(real) {measurements.d_real:.2f} D(fake) "
            f"{measurements.d_fake:.2f}  "
            f"AUC {discriminator_auc(evaluation)}  distance {measurements.energy_distance:.3g} "
            "(reference "
            f"{measurements.reference:.2g})  "
            f"{status(evaluation.diagnosis, measurements)}",
            flush=True,
        )
        if evaluation.action is not None:
            print(f"  action: {evaluation.action.reason}", flush=True)


class Window:
    """The live view in a terminal."""

    def __init__(self, session: Session, live: Live) -> None:
        self.session, self.live = session, live
        self.evaluation: MonitorEvaluation | None = None
        self.action = "none yet"
        self.last_drawn = 0.0

    def show(self, state: TrainingState) -> None:
        """Redraw, a few times a second."""
        if state.evaluation is not None:
            self.evaluation = state.evaluation
            if state.evaluation.action is not None:
                self.action = f"step {state.result.step}: {state.evaluation.action.reason}"
        if state.evaluation is None and time.monotonic() - self.last_drawn < SHOW_EVERY:
            return
        self.last_drawn = time.monotonic()
        self.live.update(self._panel(state))

    def _panel(self, state: TrainingState) -> Panel:
        rows = Table.grid(padding=(0, 2))
        rows.add_row("step", f"{state.result.step} of {state.steps}")
        rows.add_row("time left", f"{minutes_left(state):.1f} min")
        rows.add_row("speed", f"{state.rate:.0f} samples/s")
        if self.evaluation is not None:
            measurements = self.evaluation.measurements
            rows.add_row(
                "D(real), D(fake)", f"{measurements.d_real:.2f}, {measurements.d_fake:.2f}"
            )
            rows.add_row("AUC, training", _dial(measurements.auc_train))
            rows.add_row("AUC, held out", _dial(measurements.auc_held_out))
            rows.add_row(
                "distance",
                f"{measurements.energy_distance:.3g} (reference {measurements.reference:.2g})",
            )
            style = (
                "green"
                if self.evaluation.diagnosis.name in ("healthy", "converged")
                else "bold red"
            )
            message = status(self.evaluation.diagnosis, measurements)
            rows.add_row("diagnosis", Text(message, style=style))
            rows.add_row("", Text(printable(self.evaluation.diagnosis.evidence), style="dim"))
        rows.add_row("last action", Text(printable(self.action)))
        view = Table.grid(expand=True)
        # In a row of its own: a progress bar does not end its line, so text after it is cut off.
        view.add_row(ProgressBar(total=state.steps, completed=state.result.step))
        view.add_row(rows)
        return Panel(view, title=f"gannet {self.session.plan.recipe}")


def _dial(auc: float, width: int = 31) -> Text:
    """A discriminator AUC on a scale from 0 to 1; the middle mark is chance level, 0.5.

    >>> _dial(0.5, 5).plain
    '0 --|-- 1  0.50'
    """
    marks = ["-"] * width
    marks[width // 2] = "+"
    if auc == auc:  # NaN has no mark
        marks[min(int(auc * width), width - 1)] = "|"
    return Text(f"0 {''.join(marks)} 1  {auc:.2f}")


class Events:
    """TensorBoard event files."""

    def __init__(self, session: Session) -> None:
        need("tensorboard", "tensorboard")
        self.folder = session.out / "tensorboard"
        self.writer: Any = None

    def show(self, state: TrainingState) -> None:
        """Write all measurements of an evaluation."""
        if self.writer is None:
            self.writer = self._opened(state.result.step)
        if state.evaluation is None:
            return
        step = state.result.step
        for name, value in state.evaluation.measurements.record().items():
            if isinstance(value, float):
                self.writer.add_scalar(f"monitor/{name}", value, step)
        for name, term in state.result.losses.items():
            self.writer.add_scalar(f"losses/{name}", float(term), step)
        self.writer.flush()

    def _opened(self, step: int) -> Any:
        """A writer that starts at a step.

        A killed run repeats the steps since its last save, so their earlier events are purged.
        Opened at the first step and not before: only then has the run locked its folder.
        """
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.folder), purge_step=step)
