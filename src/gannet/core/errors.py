"""Errors that a user can cause and fix. Each says what is wrong, where, and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class GannetError(Exception):
    """A fault in the input, not in gannet: shown without a traceback."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        prefix = f"{where}: " if where else ""
        advice = f"\n  {remedy}" if remedy else ""
        super().__init__(f"{prefix}{problem}{advice}")
        self.problem, self.where, self.remedy = problem, where, remedy


class DataError(GannetError):
    """A file, column or cell that cannot be used."""


class CodecError(DataError):
    """A codec that raised what it should not; it may be of another package."""


class ConfigError(GannetError):
    """A setting that does not exist or is out of range."""


class ArtifactError(GannetError):
    """A run's folder that is damaged, not gannet's, or written by a later version."""


class DivergedError(GannetError):
    """Training produced a loss that is not a number."""


class MissingExtraError(GannetError):
    """A library that belongs to an extra and is not installed."""


def no_permission(where: object, kind: type[GannetError] = GannetError) -> GannetError:
    """An error for a file without read permission, which need not be damaged."""
    return kind("no permission to read it", where=str(where), remedy="Check its access rights.")


def need(module: str, extra: str) -> ModuleType:
    """Import ``module``, which the extra ``extra`` brings.

    Raises:
        MissingExtraError: naming the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed",
            remedy=f"Install it with: pip install 'gannet-gan[{extra}]'",
        ) from None
