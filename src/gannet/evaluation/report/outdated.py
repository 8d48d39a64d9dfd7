"""Reports in a run's folder that speak of a model which is no longer there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

EVALUATIONS = "evaluations"
"""Subfolder of a run for reports of other data than its own."""

FILES = ("report", "neighbors", "sheet")
"""Files of a report, without their suffixes."""


def reports_in(folder: Path) -> list[Path]:
    """The reports of a run: ``report.json`` in its folder, and those of other data."""
    return sorted(
        each
        for pattern in ("report.json", f"{EVALUATIONS}/*/report.json")
        for each in folder.glob(pattern)
    )


def remove_outdated(folder: Path, weights: str) -> None:
    """Remove the reports, with their pages and image grids, of other weights than a run has now.

    Reports that do not say which weights they are of stay.

    Args:
        folder: Of the run.
        weights: Digest of its networks, from its card.
    """
    for report in reports_in(folder):
        if _weights_of(report) in ("", weights):
            continue
        for name in FILES:
            for file in report.parent.glob(f"{name}.*"):
                file.unlink(missing_ok=True)
        if report.parent != folder:
            with suppress(OSError):  # there may be files of the user's in it
                report.parent.rmdir()


def _weights_of(report: Path) -> str:
    """The digest that a report gives of the networks it is of; empty if it gives none."""
    try:
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return str(content.get("weights", ""))
    except (OSError, ValueError, AttributeError):
        return ""
