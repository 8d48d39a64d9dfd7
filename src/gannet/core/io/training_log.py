"""The training log of a run in its folder: read, and cut back where a run resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gannet.core.config import NO_CONTROLS, Controls
from gannet.core.errors import GannetError, no_permission
from gannet.core.io.files import write_whole
from gannet.core.io.records import (
    LOG_BYTES,
    read_log_lines,
    read_plan_record,
    reason_in_a_line,
)
from gannet.core.io.regular import read_text

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

    Raises:
        ArtifactError: if a file is damaged.
    """
    plan = read_plan_record(folder / PLAN)
    evaluations = tuple(read_log_lines(folder / TRAINING_LOG))
    weights = folder / "model.safetensors"
    last = evaluations[-1] if evaluations else {}
    fitted = diagnosis.get("name") == FITTED
    return TrainingLog(
        recipe=recipe,
        controls=controls,
        steps=0 if fitted else steps or int(last.get("step", 0)),
        batch=0 if fitted else batch or plan.batch,
        seconds=float(last.get("elapsed") or 0.0),
        budget=plan.budget_seconds,
        device=plan.device,
        weights=weights.stat().st_size if weights.is_file() else 0,
        reasons=plan.reasons,
        data_faults=tuple(_data_faults(plan.findings)),
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
            lines = read_text(path, LOG_BYTES).splitlines(keepends=True)
        except PermissionError:
            raise no_permission(path) from None
        except (OSError, ValueError) as error:
            raise GannetError(
                f"the training log is damaged: {reason_in_a_line(error)}",
                where=str(path),
                remedy="Remove it; the run goes on without its earlier lines.",
            ) from None
        retained = [line for line in lines if line.endswith("\n") and _step_of(line) <= step]
        write_whole(path, "".join(retained).encode())


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62  # a line that was cut off belongs to no step


def _data_faults(findings: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for finding in findings:
        if finding.get("severity") == "severe":
            yield str(finding.get("sentence", "")), str(finding.get("remedy", ""))
