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

from gannet.core.errors import ConfigError, DataError, GannetError
from gannet.core.frame import Dialect, Frame
from gannet.core.io.files import write_whole, writing
from gannet.core.recipe import Given, Kind, Turning
from gannet.data.containers.folders import is_picture
from gannet.data.containers.frames import joined, read_chunks
from gannet.inference.artifact import Artefact
from gannet.modalities.image.io.bit_depth import Deep, check_writable, deep, write_deep
from gannet.modalities.image.io.files import NO_PICTURE
from gannet.modalities.table.io.csv_edit import patched
from gannet.modalities.table.io.write import FORMATS, write_frame

HALF = 0.5
"""Brightness above which a mask says that nothing is known."""

LOSSY = (".jpg", ".jpeg", ".webp")
"""Formats that change every pixel a little."""

MOST_DRAWS = 1_000
"""Draws of one call, to catch a slip of the finger."""


def _say_nothing(_done: int, _all: int) -> None:
    pass


def _warn(said: str) -> None:
    warnings.warn(said, stacklevel=2)


def turning_of(artefact: Artefact) -> Turning[Any]:
    """How the recipe of an artefact turns an input into an output.

    Raises:
        ConfigError: if it makes samples from nothing.
    """
    found = artefact.recipe.turning
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
        mask: Of pictures, a picture that is white where nothing is known; or a folder of such with
            the names of the inputs.
        asked: Of pictures, numbers by name, such as ``quality``.
        label: Of pictures, the class that they shall become.
        say: Told how many inputs of how many are done.
        warn: Told what was lost of an input, though it could be used.
    """

    draws: int = 1
    seed: int = 0
    mask: Path | None = None
    asked: Mapping[str, float] = field(default_factory=dict[str, float])
    label: str = ""
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
    turning = turning_of(artefact)
    check_draws(wanted.draws, wanted.seed)
    _check_wanted(artefact, turning, wanted)
    for path in numbered(out, wanted.draws):
        if path.resolve() == given.resolve():
            raise ConfigError(f"--out: {path} is the input", remedy="Name another file.")
    return WAYS[turning.takes](artefact, given, out, wanted)


def _check_wanted(artefact: Artefact, turning: Turning[Any], wanted: Wanted) -> None:
    faults: list[str] = []
    for name, value in wanted.asked.items():
        option = turning.options.get(name)
        if option is None:
            faults.append(f"--{name}: this run's recipe does not know it")
        elif name in turning.fixed and value != getattr(artefact.config, name):
            trained = getattr(artefact.config, name)
            faults.append(
                f"--{name}: this run was trained for {trained}, not for {value:g}; leave it out, "
                f"or give a run that was trained with --{name} {value:g}"
            )
        elif not option.low <= value <= option.high:
            span = f"{option.low:g} and {option.high:g}"
            faults.append(f"--{name}: must lie between {span}, got {value:g}")
    if wanted.mask is not None and not turning.masked:
        faults.append("--mask: this run's recipe takes none")
    if wanted.label and not turning.labelled:
        faults.append("--to: this run's recipe knows one way only")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")
    if turning.labelled and wanted.label not in artefact.classes:
        ways = " or ".join(f"--to {each}" for each in artefact.classes)
        said = f"--to: no side called {wanted.label}" if wanted.label else "--to is missing"
        raise ConfigError(said, remedy=f"Give {ways}.")


def numbered(out: Path, draws: int) -> list[Path]:
    """The file of each draw.

    >>> [path.name for path in numbered(Path("filled.csv"), 2)]
    ['filled-1.csv', 'filled-2.csv']
    """
    if draws == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{draw + 1}{out.suffix}") for draw in range(draws)]


def _table(artefact: Artefact, given: Path, out: Path, wanted: Wanted) -> list[Path]:
    draws, seed = wanted.draws, wanted.seed
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


def _pictures(artefact: Artefact, given: Path, out: Path, wanted: Wanted) -> list[Path]:
    if not given.is_dir():
        return _picture(artefact, given, out, wanted)
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
            written += _picture(artefact, file, out / f"{name}.png", wanted)
        except GannetError as error:
            failed.append(str(error))
        wanted.say(number + 1, len(files))
    if failed:
        raise DataError(
            f"{len(failed)} of {len(files)} pictures failed, the others are done:\n  "
            + "\n  ".join(failed),
            where=str(given),
            remedy="Mend what is named here, and apply the run to these alone.",
        )
    return written


def _picture(artefact: Artefact, given: Path, out: Path, wanted: Wanted) -> list[Path]:
    seen = _read(artefact, given)
    for path in numbered(out, wanted.draws):
        check_writable(path, 1, seen.bits)
    _warn_of_depth(seen, given, wanted)
    picture = seen.pixels
    known = np.zeros((0, 0), np.bool_)
    if wanted.mask is not None:
        known = _mask_of(artefact, wanted.mask, given, picture.shape[:2])
    task = Given(picture, known, wanted.asked, wanted.label)
    turning = turning_of(artefact)
    if turning.masked and out.suffix.lower() in LOSSY:
        wanted.warn(
            f"{out}: this format changes known pixels too; write PNG to keep them to the bit"
        )
    try:
        made = turning.turn(artefact.trained, task, wanted.draws, wanted.seed)
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


def _mask_of(
    artefact: Artefact, mask: Path, given: Path, size: tuple[int, ...]
) -> NDArray[np.bool_]:
    if mask.is_dir():
        found = [each for each in mask.iterdir() if each.stem == given.stem]
        if not found:
            raise DataError(
                f"no mask called {given.stem} in {mask}",
                where=str(given),
                remedy="Give a mask the name of its picture.",
            )
        mask = found[0]
    values = _read(artefact, mask).pixels
    if values.shape[:2] != size:
        sides = [f"{wide}x{high}" for high, wide in (values.shape[:2], size)]
        raise DataError(
            f"the mask has {sides[0]} pixels, the picture {given} has {sides[1]}",
            where=str(mask),
            remedy="Give a mask of the picture's own size.",
        )
    return values[:, :, : 1 if values.shape[2] < 3 else 3].mean(2) > HALF


Way = Callable[[Artefact, Path, Path, Wanted], list[Path]]
WAYS: Mapping[Kind, Way] = {"image": _pictures, "table": _table}
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
    turning = turning_of(artefact)
    check_draws(wanted.draws, wanted.seed)
    _check_wanted(artefact, turning, wanted)
    if isinstance(given, Path):
        seen = _read(artefact, given)
        _warn_of_depth(seen, given, wanted)
    else:
        seen = deep(_numbers(given), "the picture")
    task = Given(seen.pixels, asked=wanted.asked, label=wanted.label)
    made = turning.turn(artefact.trained, task, wanted.draws, wanted.seed)
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
