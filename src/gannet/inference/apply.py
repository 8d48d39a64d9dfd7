"""``gannet apply``: an input to an output, by any recipe that turns one into the other."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.config import flag, parse
from gannet.core.errors import ConfigError, DataError, GannetError
from gannet.core.frame import Dialect, Frame
from gannet.core.io.files import write_whole, writing
from gannet.core.transform import Options, Transform, TransformInput
from gannet.data.containers.csv_edit import patched
from gannet.data.containers.frames import joined, read_chunks
from gannet.data.containers.write import FORMATS, write_frame
from gannet.inference.artifact import Artefact
from gannet.modalities.image.io.bit_depth import Deep, check_writable, deep, write_deep
from gannet.modalities.image.io.files import NO_PICTURE, is_picture
from gannet.modalities.table.codec import TableCodec

LOSSY = (".jpg", ".jpeg", ".webp")
"""Formats that change every pixel a little."""

MOST_DRAWS = 1_000
"""Draws of one call, to catch a slip of the finger."""


def _say_nothing(_done: int, _all: int) -> None:
    pass


def _warn(said: str) -> None:
    warnings.warn(said, stacklevel=2)


def transform_of(artefact: Artefact, name: str = "") -> Transform[Any]:
    """How the recipe of an artefact transforms an input into an output.

    Args:
        artefact: Of a run.
        name: Of one of several; by default the usual one.

    Raises:
        ConfigError: if it makes samples from nothing, or knows no transform of that name.
    """
    known = artefact.recipe.inference.transforms
    found = known.get(name) if name else artefact.recipe.inference.transform
    if found is None and known:
        raise ConfigError(
            f"--transform: a run of the recipe {artefact.card.recipe} knows no {name!r}",
            remedy=f"Give {' or '.join(known)}.",
        )
    if found is None:
        remedy = "Use `gannet sample`."
        if artefact.card.spec.table.cardinalities:
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an input is to be turned into.

    Attributes:
        draws: How many outputs of one input.
        seed: Of what is drawn.
        options: What else is asked for, by name, as the recipe's transform knows it; a file may be
            a folder of such with the names of the inputs.
        transform: Which, of a recipe that knows several; by default the usual one.
        say: Told how many inputs of how many are done.
        warn: Told what was lost of an input, though it could be used.
    """

    draws: int = 1
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    transform: str = ""
    say: Callable[[int, int], None] = _say_nothing
    warn: Callable[[str], None] = _warn


def apply_file(artefact: Artefact, given: Path, out: Path, wanted: Wanted) -> list[Path]:
    """Turn one file into another, or into one for each draw; of pictures, a whole folder as well.

    Args:
        artefact: Of a run.
        given: The input.
        out: The output; with several draws, ``filled.csv`` becomes ``filled-1.csv`` and so on.
        wanted: How many, and what else was asked for.

    Returns:
        What was written.

    Raises:
        GannetError: if the run or the input cannot be used, or the output cannot be written. Of a
            folder, once all other files are done.
    """
    task = _task(artefact, wanted)
    for path in numbered(out, wanted.draws):
        if path.resolve() == given.resolve():
            raise ConfigError(f"--out: {path} is the input", remedy="Name another file.")
    way = WAYS.get(task.kind)
    if way is None:
        raise ConfigError(
            f"nothing is known of how to read and write inputs of the kind {task.kind}"
        )
    return way(artefact, given, out, task)


@dataclass(frozen=True, slots=True)
class _Request:
    """What was asked for, checked.

    Attributes:
        transform: Of the recipe.
        kind: Of data that goes in and comes out.
        options: Of the transform.
        wanted: The rest.
    """

    transform: Transform[Any]
    kind: str
    options: Options
    wanted: Wanted


def _task(artefact: Artefact, wanted: Wanted) -> _Request:
    """What is asked of a run, if it can do it.

    Raises:
        ConfigError: naming all that it cannot.
    """
    transform = transform_of(artefact, wanted.transform)
    check_draws(wanted.draws, wanted.seed)
    known = transform.options.model_fields
    faults = [
        f"{flag(name)}: this run's recipe does not know it"
        for name in wanted.options
        if name not in known
    ]
    asked = {name: value for name, value in wanted.options.items() if name in known}
    options = transform.options()
    try:
        options = parse(transform.options, asked)
    except ConfigError as error:
        faults.append(error.problem)
    for name in transform.fixed:
        value, trained = getattr(options, name), getattr(artefact.config, name)
        if value not in (None, trained):
            faults.append(
                f"{flag(name)}: this run was trained for {trained}, not for {value}; leave it out, "
                f"or give a run that was trained with {flag(name)} {value}"
            )
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")
    transform.check(artefact.trained, options)
    codec = artefact.codecs.get(transform.takes, artefact.codecs["sample"])
    return _Request(transform, codec.kind, options, wanted)


def numbered(out: Path, draws: int) -> list[Path]:
    """The file of each draw.

    >>> [path.name for path in numbered(Path("filled.csv"), 2)]
    ['filled-1.csv', 'filled-2.csv']
    """
    if draws == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{draw + 1}{out.suffix}") for draw in range(draws)]


def _table(artefact: Artefact, given: Path, out: Path, task: _Request) -> list[Path]:
    draws, seed = task.wanted.draws, task.wanted.seed
    suffix = out.suffix.lower()
    if suffix not in (".csv", ".tsv", ".parquet", ".jsonl"):
        raise ConfigError(f"--out: a table cannot be written to {out}", remedy=f"Use {FORMATS}.")
    if given.is_dir():
        raise DataError("a folder, expected one file", where=str(given), remedy="Give it a file.")
    chunks = read_chunks(given)
    frame = joined(list(chunks))
    made = task.transform.apply(artefact.trained, TransformInput(frame, task.options), draws, seed)
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


def _pictures(artefact: Artefact, given: Path, out: Path, task: _Request) -> list[Path]:
    if not given.is_dir():
        return _picture(artefact, given, out, task)
    if out.resolve() == given.resolve():
        raise ConfigError(f"--out: {out} is the input", remedy="Name another folder.")
    if out.is_file():
        raise ConfigError(f"--out: {out} is a file", remedy="Name a folder for a folder.")
    files = sorted(each for each in given.iterdir() if is_picture(each.name))
    if not files:
        raise DataError(
            "no pictures in it", where=str(given), remedy="Give the folder that holds them itself."
        )
    stems = Counter(each.stem for each in files)
    written: list[Path] = []
    failed: list[str] = []
    for number, file in enumerate(files):
        try:
            # Of a.jpg beside a.png neither may take the other's place.
            name = file.stem if stems[file.stem] == 1 else file.name
            written += _picture(artefact, file, out / f"{name}.png", task)
        except GannetError as error:
            failed.append(str(error))
        task.wanted.say(number + 1, len(files))
    if failed:
        raise DataError(
            f"{len(failed)} of {len(files)} pictures failed, the others are done:\n  "
            + "\n  ".join(failed),
            where=str(given),
            remedy="Mend what is named here, and apply the run to these alone.",
        )
    return written


def _picture(artefact: Artefact, given: Path, out: Path, task: _Request) -> list[Path]:
    wanted, seen = task.wanted, _read(artefact, given)
    for path in numbered(out, wanted.draws):
        check_writable(path, 1, seen.bits)
    _warn_of_depth(seen, given, wanted)
    files = _files(artefact, task.options, given, seen.pixels.shape[:2])
    if task.transform.keeps_input and out.suffix.lower() in LOSSY:
        wanted.warn(
            f"{out}: this format changes known pixels too; write PNG to keep them to the bit"
        )
    try:
        item = TransformInput(seen.pixels, task.options, files)
        made = task.transform.apply(artefact.trained, item, wanted.draws, wanted.seed)
    except DataError as error:
        if error.where:
            raise
        raise DataError(error.problem, where=str(given), remedy=error.remedy) from None
    paths = numbered(out, wanted.draws)
    for path, each in zip(paths, made, strict=True):
        with writing(path):
            write_deep(each, path, seen.bits)
    return paths


def _warn_of_depth(seen: Deep, given: Path, wanted: Wanted) -> None:
    if seen.bits < seen.stored:
        wanted.warn(
            f"{given}: {seen.stored} bits per channel, of which {seen.bits} are used; save it as "
            "PNG of 16 bit to keep these"
        )


def _read(artefact: Artefact, path: Path) -> Deep:
    """A picture in full.

    Raises:
        DataError: as ``deep`` does, and of what is no picture with what the run takes.
    """
    try:
        return deep(path, str(path))
    except DataError as error:
        if error.problem != NO_PICTURE:
            raise
        raise DataError(
            f"{NO_PICTURE}, which is what a run of the recipe {artefact.card.recipe} takes",
            where=str(path),
            remedy="Give a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file, or a folder of such.",
        ) from None


def _files(
    artefact: Artefact, options: Options, given: Path | None, size: tuple[int, ...]
) -> dict[str, NDArray[np.float32]]:
    """The pictures that options name, such as a mask; each of the size of the input."""
    named = ((name, getattr(options, name)) for name in type(options).model_fields)
    return {
        name: _beside(artefact, name, value, given, size)
        for name, value in named
        if isinstance(value, Path)
    }


def _beside(
    artefact: Artefact, name: str, file: Path, given: Path | None, size: tuple[int, ...]
) -> NDArray[np.float32]:
    said = str(given or "the picture")
    if file.is_dir():
        stem = "" if given is None else given.stem
        found = [each for each in file.iterdir() if each.stem == stem]
        if not found:
            raise DataError(
                f"no {name} called {stem} in {file}",
                where=said,
                remedy=f"Give a {name} the name of its picture.",
            )
        file = found[0]
    pixels = _read(artefact, file).pixels
    if pixels.shape[:2] != size:
        sides = [f"{wide}x{high}" for high, wide in (pixels.shape[:2], size)]
        raise DataError(
            f"the {name} has {sides[0]} pixels, the picture {said} has {sides[1]}",
            where=str(file),
            remedy=f"Give a {name} of the picture's own size.",
        )
    return pixels


Way = Callable[[Artefact, Path, Path, _Request], list[Path]]
WAYS: Mapping[str, Way] = {"image": _pictures, "table": _table}
"""How inputs and outputs of a kind are read and written."""


def apply_picture(
    artefact: Artefact, given: Path | NDArray[Any], wanted: Wanted
) -> list[NDArray[np.uint8]] | list[NDArray[np.uint16]]:
    """Turn a picture in memory, or a file, into one for each draw.

    Args:
        artefact: Of a run.
        given: ``(H, W, C)`` of 8 or 16 bit; or a file, which may have as many.
        wanted: How many, and what else was asked for.

    Returns:
        ``(H, W, C)`` with the bits of the input.

    Raises:
        GannetError: if the run takes no pictures, or not this one.
    """
    task = _task(artefact, wanted)
    if isinstance(given, Path):
        seen = _read(artefact, given)
        _warn_of_depth(seen, given, wanted)
    else:
        seen = deep(_numbers(given), "the picture")
    place = given if isinstance(given, Path) else None
    files = _files(artefact, task.options, place, seen.pixels.shape[:2])
    item = TransformInput(seen.pixels, task.options, files)
    made = task.transform.apply(artefact.trained, item, wanted.draws, wanted.seed)
    kind = np.uint16 if seen.bits > 8 else np.uint8
    return [
        (each.clip(0, 1) * np.float32(np.iinfo(kind).max)).round().astype(kind) for each in made
    ]


def _numbers(given: object) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """A picture in memory, of 8 or of 16 bit.

    Raises:
        DataError: if it is none.
    """
    pixels: NDArray[Any] = np.asarray(given)
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and 1 <= pixels.shape[2] <= 4)
    if not fits or not pixels.size:
        raise DataError(
            f"a picture of the shape {pixels.shape}",
            remedy="Give numbers (H, W, C): 1 channel for grey, 3 for colour, 2 or 4 with alpha.",
        )
    if pixels.dtype == np.uint8 or pixels.dtype == np.uint16:
        return pixels
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 255:
        return pixels.astype(np.uint8)
    raise DataError(
        f"a picture of numbers of the type {pixels.dtype}, from {pixels.min()} to {pixels.max()}",
        remedy="Give 8 bit (uint8, 0 to 255) or 16 bit (uint16, 0 to 65535).",
    )


def apply_frame(artefact: Artefact, given: Frame, wanted: Wanted) -> Sequence[Frame]:
    """Turn a table in memory into one for each draw.

    Raises:
        GannetError: if the run takes no tables, or not this one.
    """
    task = _task(artefact, wanted)
    if not isinstance(artefact.codecs["sample"], TableCodec):
        raise ConfigError(f"this run takes inputs of the kind {task.kind}, got a table")
    if not len(given):
        raise DataError("no rows", remedy="Give a table with one row at least.")
    item = TransformInput(given, task.options)
    found: Sequence[Frame] = task.transform.apply(artefact.trained, item, wanted.draws, wanted.seed)
    return found
