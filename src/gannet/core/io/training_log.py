"""The training log of a run in its folder: read, and cut back where a run resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gannet.core.config import NO_CONTROLS, Controls
from gannet.core.errors import no_permission
from gannet.core.io.files import write_whole

FITTED = "fitted, not trained"
"""Diagnosis of a model that was fitted in closed form."""

PLAN = "plan.json"
"""File of the plan of a run."""

TRAINING_LOG = "training_log.jsonl"
"""File of the training log: one line per evaluation."""


class TrainingLog(BaseModel):
    """The training log and cost of a run. Unknown values are empty.

    Attributes:
        recipe: Name of the task.
        controls: Settings of the task that advice may name.
        steps: Training steps.
        batch: Samples per step.
        seconds: Training time, evaluations and checkpoints included.
        budget: Requested training time; 0 if a number of steps was requested.
        device: Processor.
        weights: Bytes of the artifact's networks.
        reasons: Why each setting is what it is.
        data_faults: What makes results doubtful before a step is taken, each with its remedy.
        diagnosis: The monitor's last diagnosis.
        evidence: Of the diagnosis.
        stopped: Why training ended.
        evaluations: One record per evaluation, as in ``training_log.jsonl``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = ""
    controls: Controls = NO_CONTROLS
    steps: int = 0
    batch: int = 0
    seconds: float = 0.0
    budget: float = 0.0
    device: str = ""
    weights: int = 0
    reasons: tuple[str, ...] = ()
    data_faults: tuple[tuple[str, str], ...] = ()
    diagnosis: str = ""
    evidence: str = ""
    stopped: str = ""
    evaluations: tuple[dict[str, Any], ...] = ()

    @property
    def fitted(self) -> bool:
        """Whether it was fitted in closed form, without training steps."""
        return self.diagnosis == FITTED

    def series(self, name: str) -> list[tuple[int, float]]:
        """Step and value of one measure of the monitor, where it is a number."""
        points: list[tuple[int, float]] = []
        for evaluation in self.evaluations:
            value = (evaluation.get("monitor") or {}).get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                points.append((int(evaluation["step"]), float(value)))
        return points

    @property
    def actions(self) -> list[tuple[int, dict[str, Any]]]:
        """Step and record of each action of the controller (``auto_adjust``)."""
        return [
            (int(evaluation["step"]), evaluation["action"])
            for evaluation in self.evaluations
            if evaluation.get("action")
        ]


def read_training_log(
    folder: Path,
    *,
    recipe: str,
    diagnosis: dict[str, Any],
    controls: Controls = NO_CONTROLS,
    steps: int = 0,
    batch: int = 0,
) -> TrainingLog:
    """Read the log from a run's folder; what missing files would say stays empty.

    Args:
        folder: Of the run.
        recipe: From its card.
        diagnosis: From its card.
        controls: Settings of the recipe that advice may name.
        steps: Steps of the whole run, from its card; by default those until the last evaluation.
        batch: Samples per step, from its card; by default those that were planned.
    """
    plan = _object(_text(folder / PLAN))
    evaluations = tuple(_evaluations(_text(folder / TRAINING_LOG).splitlines()))
    weights = folder / "model.safetensors"
    last = evaluations[-1] if evaluations else {}
    fitted = diagnosis.get("name") == FITTED
    return TrainingLog(
        recipe=recipe,
        controls=controls,
        steps=0 if fitted else steps or int(last.get("step", 0)),
        batch=0 if fitted else batch or int(plan.get("config", {}).get("batch", 0)),
        seconds=float(last.get("elapsed") or 0.0),
        budget=float(plan.get("budget_seconds", 0.0)),
        device=str(plan.get("device", "")),
        weights=weights.stat().st_size if weights.is_file() else 0,
        reasons=tuple(map(str, plan.get("reasons", ()))),
        data_faults=tuple(_data_faults(plan.get("findings"))),
        diagnosis=str(diagnosis.get("name", "")),
        evidence=str(diagnosis.get("evidence", "")),
        stopped=str(diagnosis.get("stopped", "")),
        evaluations=() if fitted else evaluations,
    )


def truncate_log(out: Path, step: int) -> None:
    """Drop lines of the training log after ``step``, whose steps will be repeated.

    Args:
        out: The run's folder.
        step: The last whose line is kept.

    Raises:
        GannetError: if the file may not be read.
    """
    path = out / TRAINING_LOG
    if path.exists():
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except PermissionError:
            raise no_permission(path) from None
        retained = [line for line in lines if line.endswith("\n") and _step_of(line) <= step]
        write_whole(path, "".join(retained).encode())


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62  # a line that was cut off belongs to no step


def _data_faults(findings: Any) -> Iterator[tuple[str, str]]:
    """Sentence and remedy of the severe findings of a plan."""
    records: list[Any] = findings if isinstance(findings, list) else []
    for finding in records:
        if isinstance(finding, dict) and finding.get("severity") == "severe":
            known: dict[str, Any] = finding
            yield str(known.get("sentence", "")), str(known.get("remedy", ""))


def _evaluations(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The complete lines; the last line of a killed run may be cut off."""
    records = [_object(line) for line in lines]
    return [evaluation for evaluation in records if isinstance(evaluation.get("step"), int)]


def _object(text: str) -> dict[str, Any]:
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(path: Path) -> str:
    """A file's text; empty if it is missing or unreadable."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
