"""``gannet apply``: an input to an output, by any recipe that turns one into the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gannet.artefact import Artefact
from gannet.errors import ConfigError, DataError
from gannet.files import write_whole
from gannet.frames import Frame
from gannet.recipe import Kind, Turning
from gannet.sources.delimited import Dialect
from gannet.sources.frames import joined, read_chunks
from gannet.sources.patch import patched
from gannet.sources.writing import FORMATS, write_frame

MOST_DRAWS = 1_000
"""Draws of one call, to catch a slip of the finger."""


def turning_of(artefact: Artefact) -> Turning[Any]:
    """How the recipe of an artefact turns an input into an output.

    Raises:
        ConfigError: if it makes samples from nothing.
    """
    found = artefact.recipe.turning
    if found is None:
        remedy = "Use `gannet sample`."
        if artefact.card.spec.fields:
            remedy = "Train with --recipe impute to fill the holes of a table; or `gannet sample`."
        raise ConfigError(
            f"a run of the recipe {artefact.card.recipe} makes samples from nothing and turns no "
            "input into an output",
            remedy=remedy,
        )
    return found


def check_draws(draws: int, seed: int) -> None:
    """Refuse numbers that are out of range.

    Raises:
        ConfigError: naming both.
    """
    faults: list[str] = []
    if not 1 <= draws <= MOST_DRAWS:
        faults.append(f"--draws: must lie between 1 and {MOST_DRAWS}, got {draws}")
    if seed < 0:
        faults.append(f"--seed: must be at least 0, got {seed}")
    if faults:
        raise ConfigError("\n".join(faults))


def apply_file(artefact: Artefact, given: Path, out: Path, *, draws: int, seed: int) -> list[Path]:
    """Turn one file into another, or into one for each draw.

    Args:
        artefact: Of a run.
        given: The input.
        out: The output; with several draws, ``filled.csv`` becomes ``filled-1.csv`` and so on.
        draws: How many outputs.
        seed: Of what is drawn.

    Returns:
        What was written.

    Raises:
        GannetError: if the run or the input cannot be used, or the output cannot be written.
    """
    turning = turning_of(artefact)
    check_draws(draws, seed)
    for path in numbered(out, draws):
        if path.resolve() == given.resolve():
            raise ConfigError(f"--out: {path} is the input", remedy="Name another file.")
    return WAYS[turning.takes](artefact, given, out, draws, seed)


def numbered(out: Path, draws: int) -> list[Path]:
    """The file of each draw.

    >>> [path.name for path in numbered(Path("filled.csv"), 2)]
    ['filled-1.csv', 'filled-2.csv']
    """
    if draws == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{draw + 1}{out.suffix}") for draw in range(draws)]


def _table(artefact: Artefact, given: Path, out: Path, draws: int, seed: int) -> list[Path]:
    suffix = out.suffix.lower()
    if suffix not in (".csv", ".tsv", ".parquet", ".jsonl"):
        raise ConfigError(f"--out: a table cannot be written to {out}", remedy=f"Use {FORMATS}.")
    if given.is_dir():
        raise DataError("a folder, expected one file", where=str(given), remedy="Give it a file.")
    chunks = read_chunks(given)
    frame = joined(list(chunks))
    made = turning_of(artefact).turn(artefact.trained, frame, draws, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    paths = numbered(out, draws)
    alike = chunks.dialect if suffix in (".csv", ".tsv") else None
    same = alike is not None and given.suffix.lower() == suffix
    for path, filled in zip(paths, made, strict=True):
        if same and alike is not None:
            _write_alike(given, alike, frame, filled, path)
        else:
            write_frame(filled, path)
    return paths


def _write_alike(given: Path, dialect: Dialect, before: Frame, after: Frame, path: Path) -> None:
    """Write a text table to which only some cells are new, with all others to the byte."""
    exchanged: dict[int, dict[int, str]] = {}
    for column, (old, new) in enumerate(zip(before.columns, after.columns, strict=True)):
        for row in np.flatnonzero(old != new).tolist():
            exchanged.setdefault(row, {})[column] = str(new[row])
    with given.open(newline="", encoding=dialect.encoding) as file:
        text = file.read()
    try:
        write_whole(path, patched(text, dialect, exchanged).encode(dialect.encoding))
    except UnicodeEncodeError as error:
        raise DataError(
            f"a cell cannot be written in the input's encoding ({error})",
            where=str(path),
            remedy="Save the input in UTF-8.",
        ) from None


Way = Callable[[Artefact, Path, Path, int, int], list[Path]]
WAYS: Mapping[Kind, Way] = {"table": _table}
"""How inputs and outputs of a kind are read and written."""


def apply_frame(artefact: Artefact, given: Frame, *, draws: int, seed: int) -> Sequence[Frame]:
    """Turn a table in memory into one for each draw.

    Raises:
        GannetError: if the run takes no tables, or not this one.
    """
    turning = turning_of(artefact)
    check_draws(draws, seed)
    if turning.takes != "table":
        raise ConfigError(f"this run takes inputs of the kind {turning.takes}, got a table")
    if not len(given):
        raise DataError("no rows", remedy="Give a table with one row at least.")
    found: Sequence[Frame] = turning.turn(artefact.trained, given, draws, seed)
    return found
