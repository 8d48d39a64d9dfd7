"""Errors that a user can cause and fix. Each says what is wrong, where, and what to do."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import ParamSpec, TypeVar

from gannet.core.io.names import in_a_line, printable


class GannetError(Exception):
    """A fault in the input, not in gannet: shown without a traceback."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        problem, where, remedy = printable(problem), in_a_line(where), printable(remedy)
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


COPY_AGAIN = (
    "Copy the folder again from its source; repair a run of your own with its train command."
)
"""What to do about a damaged artifact."""


def misfit(what: str) -> ArtifactError:
    """An error for numbers in an artifact that do not fit its card."""
    return ArtifactError(f"{what} do not fit the card, or are no numbers", remedy=COPY_AGAIN)


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


P = ParamSpec("P")
R = TypeVar("R")

_IN_FLAGS: ContextVar[bool] = ContextVar("in_flags", default=False)
_FLAG = re.compile(r"(?<![\w`-])(`?)--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_COMMAND = re.compile(r"`gannet [^`]*`")


@contextmanager
def spoken_in_flags() -> Generator[None]:
    """Errors in the body name flags, as the command line takes them."""
    token = _IN_FLAGS.set(True)
    try:
        yield
    finally:
        _IN_FLAGS.reset(token)


def in_python(message: str) -> str:
    """A message with names of arguments for flags; whole commands stay.

    >>> in_python("--learning-rate: too large; try `gannet train --minutes 5`")
    'learning_rate: too large; try `gannet train --minutes 5`'
    """
    commands = _COMMAND.findall(message)
    parts = [_FLAG.sub(_argument, part) for part in _COMMAND.split(message)]
    return "".join(part + command for part, command in zip(parts, [*commands, ""], strict=True))


def _argument(found: re.Match[str]) -> str:
    return found[1] + found[2].replace("-", "_")


def spoken_in_python(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose errors name arguments, not flags, where Python code calls it."""

    @wraps(function)
    def speaking(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except GannetError as error:
            if _IN_FLAGS.get():
                raise
            parts = (in_python(each) for each in (error.problem, error.where, error.remedy))
            problem, where, remedy = parts
            raise type(error)(problem, where=where, remedy=remedy) from error.__cause__

    return speaking
