"""How a run went and what it cost, read back from the files of its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

FITTED = "fitted, not trained"
"""Verdict on what had no duel."""

PLAN, PROGRESS = "plan.json", "progress.jsonl"


class Course(BaseModel):
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
        verdict: Of health, at the end.
        evidence: For it.
        stopped: Why it ended.
        looks: One record per look of health, as ``progress.jsonl`` has them.
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
    verdict: str = ""
    evidence: str = ""
    stopped: str = ""
    looks: tuple[dict[str, Any], ...] = ()

    @property
    def fitted(self) -> bool:
        """Whether there was no duel."""
        return self.verdict == FITTED

    def series(self, name: str) -> list[tuple[int, float]]:
        """Step and value of one measure of health, where it was a finite number."""
        found: list[tuple[int, float]] = []
        for look in self.looks:
            value = (look.get("health") or {}).get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((int(look["step"]), float(value)))
        return found

    @property
    def actions(self) -> list[tuple[int, dict[str, Any]]]:
        """Step and record of what ``balance`` did."""
        return [(int(look["step"]), look["action"]) for look in self.looks if look.get("action")]


def read_course(folder: Path, *, recipe: str, verdict: dict[str, Any]) -> Course:
    """What the files of a run's folder tell; an artefact passed on without them tells less.

    Args:
        folder: Of the run.
        recipe: As its card has it.
        verdict: As its card has it.
    """
    plan = _object(_text(folder / PLAN))
    looks = tuple(_looks(_text(folder / PROGRESS).splitlines()))
    weights = folder / "model.safetensors"
    last = looks[-1] if looks else {}
    fitted = verdict.get("name") == FITTED
    return Course(
        recipe=recipe,
        steps=0 if fitted else int(last.get("step", 0)),
        batch=0 if fitted else int(plan.get("config", {}).get("batch", 0)),
        seconds=float(last.get("elapsed") or 0.0),
        budget=float(plan.get("seconds", 0.0)),
        device=str(plan.get("device", "")),
        weights=weights.stat().st_size if weights.is_file() else 0,
        reasons=tuple(map(str, plan.get("reasons", ()))),
        verdict=str(verdict.get("name", "")),
        evidence=str(verdict.get("evidence", "")),
        stopped=str(verdict.get("stopped", "")),
        looks=() if fitted else looks,
    )


def _looks(lines: Sequence[str]) -> list[dict[str, Any]]:
    """Lines that are whole; the last one of a run that was killed may not be."""
    found = [_object(line) for line in lines]
    return [look for look in found if isinstance(look.get("step"), int)]


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
