"""How a run went and what it cost, read back from the files of its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

FITTED = "fitted, not trained"
"""Verdict on what had no duel."""

PLAN, TRAINING_LOG = "plan.json", "training_log.jsonl"


class TrainingLog(BaseModel):
    """The course of a duel. What was not written down is empty.

    Attributes:
        recipe: Name of the task.
        steps: Steps that the duel took.
        batch: Samples per step.
        seconds: Time trained, looks of health and saves included.
        budget: Time that was asked for; 0 where steps were.
        device: Processor.
        weights: Bytes of the artefact's networks.
        reasons: Why each setting is what it is.
        diagnosis: Of health, at the end.
        evidence: For it.
        stopped: Why it ended.
        evaluations: One record per look of health, as ``training_log.jsonl`` has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = ""
    steps: int = 0
    batch: int = 0
    seconds: float = 0.0
    budget: float = 0.0
    device: str = ""
    weights: int = 0
    reasons: tuple[str, ...] = ()
    diagnosis: str = ""
    evidence: str = ""
    stopped: str = ""
    evaluations: tuple[dict[str, Any], ...] = ()

    @property
    def fitted(self) -> bool:
        """Whether there was no duel."""
        return self.diagnosis == FITTED

    def series(self, name: str) -> list[tuple[int, float]]:
        """Step and value of one measure of health, where it was a finite number."""
        found: list[tuple[int, float]] = []
        for evaluation in self.evaluations:
            value = (evaluation.get("monitor") or {}).get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((int(evaluation["step"]), float(value)))
        return found

    @property
    def actions(self) -> list[tuple[int, dict[str, Any]]]:
        """Step and record of what ``balance`` did."""
        return [
            (int(evaluation["step"]), evaluation["action"])
            for evaluation in self.evaluations
            if evaluation.get("action")
        ]


def read_training_log(folder: Path, *, recipe: str, diagnosis: dict[str, Any]) -> TrainingLog:
    """What the files of a run's folder tell; an artefact passed on without them tells less.

    Args:
        folder: Of the run.
        recipe: As its card has it.
        diagnosis: As its card has it.
    """
    plan = _object(_text(folder / PLAN))
    evaluations = tuple(_evaluations(_text(folder / TRAINING_LOG).splitlines()))
    weights = folder / "model.safetensors"
    last = evaluations[-1] if evaluations else {}
    fitted = diagnosis.get("name") == FITTED
    return TrainingLog(
        recipe=recipe,
        steps=0 if fitted else int(last.get("step", 0)),
        batch=0 if fitted else int(plan.get("config", {}).get("batch", 0)),
        seconds=float(last.get("elapsed") or 0.0),
        budget=float(plan.get("budget_seconds", 0.0)),
        device=str(plan.get("device", "")),
        weights=weights.stat().st_size if weights.is_file() else 0,
        reasons=tuple(map(str, plan.get("reasons", ()))),
        diagnosis=str(diagnosis.get("name", "")),
        evidence=str(diagnosis.get("evidence", "")),
        stopped=str(diagnosis.get("stopped", "")),
        evaluations=() if fitted else evaluations,
    )


def _evaluations(lines: Sequence[str]) -> list[dict[str, Any]]:
    """Lines that are whole; the last one of a run that was killed may not be."""
    found = [_object(line) for line in lines]
    return [evaluation for evaluation in found if isinstance(evaluation.get("step"), int)]


def _object(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    """A file's text; nothing if it is not there or may not be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
