"""What the JSON files of a run's folder may hold, checked where they are read by others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gannet.core.errors import ArtifactError, no_permission
from gannet.core.io.checksum import checked_json
from gannet.core.io.regular import read_text

LOG_BYTES = 2**30
"""Largest training log, in bytes."""

Number = float | None
"""A measure; ``None`` where it was not a number."""


class PlanRecord(BaseModel):
    """Those fields of a plan that reports read.

    Attributes:
        config: Settings.
        budget_seconds: Requested training time; 0 without.
        device: Processor.
        reasons: Why each setting is what it is.
        findings: What is wrong with the data.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    config: dict[str, Any] = {}
    budget_seconds: float = Field(default=0.0, ge=0)
    device: str = ""
    reasons: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()

    @property
    def batch(self) -> int:
        """Samples per step; 0 if it is not told."""
        batch = self.config.get("batch", 0)
        return batch if isinstance(batch, int) else 0


class ActionRecord(BaseModel):
    """An action of the controller.

    Attributes:
        reason: Why.
        changes: Settings and their new values.
    """

    model_config = ConfigDict(extra="allow")

    reason: str = ""
    changes: dict[str, Any] = {}


class LogLine(BaseModel):
    """A line of the training log; further fields are kept.

    Attributes:
        step: Of the evaluation.
        elapsed: Seconds trained until then.
        monitor: Measures by name.
        diagnosis: Name of the diagnosis.
        action: What the controller did.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    step: int = Field(ge=0)
    elapsed: Number = Field(default=None, ge=0)
    monitor: dict[str, Number | bool | str | list[Number]] | None = None
    diagnosis: str = ""
    evidence: str = ""
    action: ActionRecord | None = None


def read_plan_record(path: Path) -> PlanRecord:
    """The plan of a run; empty if there is none.

    Raises:
        ArtifactError: if it is damaged, or may not be read.
    """
    if not path.exists():
        return PlanRecord()
    try:
        content: Any = json.loads(read_text(path))
        return PlanRecord.model_validate(checked_json(content))
    except PermissionError:
        raise no_permission(path, ArtifactError) from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged("plan", path, error) from None


def read_log_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a training log; none if there is none. The last may be cut off.

    Raises:
        ArtifactError: if another line is damaged, or the file may not be read.
    """
    if not path.exists():
        return []
    try:
        text = read_text(path, LOG_BYTES)
    except PermissionError:
        raise no_permission(path, ArtifactError) from None
    except (OSError, ValueError) as error:
        raise _damaged("training log", path, error) from None
    lines = text.split("\n")
    complete, cut_off = lines[:-1], lines[-1]
    records = [_record(line, number, path) for number, line in enumerate(complete, 1) if line]
    try:
        return [*records, _checked(cut_off)] if cut_off else records
    except (ValueError, TypeError, RecursionError):
        return records  # of a run that was killed while it wrote


def _record(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        return _checked(line)
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(f"training log, line {number},", path, error) from None


def _checked(line: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(line)
    LogLine.model_validate(record)
    return record


def _damaged(what: str, path: Path, error: BaseException) -> ArtifactError:
    return ArtifactError(
        f"the {what} is damaged: {reason_in_a_line(error)}",
        where=str(path),
        remedy="Copy the file again from its source, or remove it; reports then say less.",
    )


def reason_in_a_line(error: BaseException) -> str:
    """What is wrong, in one line; of a model's errors the first, with the field that it is in."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
