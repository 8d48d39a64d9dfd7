"""What the controller asks for, and what an evaluation of a run yields."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gannet.training.monitor import Diagnosis, Measurements


@dataclass(frozen=True, slots=True)
class Action:
    """One response to a diagnosis.

    Attributes:
        changes: Settings and their new values.
        rollback: Whether weights are first restored from the last healthy state.
        stop: Whether the run ends here.
        restart: Number of the attempt that starts with new initial weights; 0 for none.
        undo: Whether weights are restored from before the last action.
        trial: Whether the action is on trial, so that the weights before it are kept.
        reason: Why, in a sentence for users.
    """

    reason: str
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    rollback: bool = False
    stop: bool = False
    restart: int = 0
    undo: bool = False
    trial: bool = False

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
