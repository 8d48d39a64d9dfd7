"""Pictures that belong together: what is given, and what it shall become."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from gannet.errors import DataError
from gannet.pictures import Item, Picture, look, upright
from gannet.sources.find import find
from gannet.sources.folders import is_picture
from gannet.sources.source import Source

SHOWN = 5
"""Names that an error lists."""

PENCIL = 3.0
"""How dark an edge is drawn: so many times the slope of the brightness."""

COLUMNS = ("given", "target")
TABLE = "pairs.csv"
REMEDY = (
    "Give two folders with equal names, one folder with pictures side by side (--pairs "
    f"side_by_side), a folder with {TABLE} ({','.join(COLUMNS)}), or any folder with --pairs edges "
    "or --pairs grey."
)


def find_pairs(path: Path, how: str = "auto", given: str = "") -> Source:
    """A source of targets, each with what is given for it ``beside``.

    Args:
        path: A folder.
        how: As the setting ``pairs`` of the recipe ``translate``.
        given: Which folder, or which side, is given; by default the first by name, or the left.

    Raises:
        DataError: if there are no pairs; what does not match is listed.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError("no folder", where=str(path), remedy=REMEDY)
    if how == "auto":
        how = _layout(path)
    if how == "table":
        return _from_table(path)
    if how == "folders":
        return _from_folders(path, given)
    if how == "side_by_side":
        return _side_by_side(path, given)
    source = find(path, label="", kind="image")
    return replace(
        source,
        layout=f"{source.layout}, each with its {'edges' if how == 'edges' else 'shades of grey'}",
        beside=replace(source, raw=_derived(source, pencil if how == "edges" else grey)),
    )


def two_folders(path: Path) -> list[Path]:
    """The folders of pictures in a folder, by name."""
    return sorted(
        each
        for each in path.iterdir()
        if each.is_dir() and any(is_picture(file.name) for file in each.iterdir())
    )


def chosen(folders: list[Path], given: str, path: Path) -> tuple[Path, Path]:
    """The folder that is given and that of targets.

    Raises:
        DataError: if there are not two, or none has that name.
    """
    names = [each.name for each in folders]
    if len(folders) != 2:
        raise DataError(
            f"{len(folders)} folders of pictures ({', '.join(names[:SHOWN]) or 'none'}), expected "
            "two",
            where=str(path),
            remedy=REMEDY,
        )
    if given and given not in names:
        raise DataError(
            f"--given {given}: no such folder",
            where=str(path),
            remedy=f"Name {' or '.join(names)}.",
        )
    first = names.index(given) if given else 0
    return folders[first], folders[1 - first]


def _layout(path: Path) -> str:
    if (path / TABLE).exists():
        return "table"
    files = [each for each in path.iterdir() if is_picture(each.name)]
    if not files:
        return "folders"
    sizes = [look(each, str(each)) for each in files[:SHOWN]]
    if all(size.width == 2 * size.height for size in sizes):
        return "side_by_side"
    raise DataError("single pictures, no pairs", where=str(path), remedy=REMEDY)


def _from_folders(path: Path, given: str) -> Source:
    one, other = chosen(two_folders(path), given, path)
    named = [
        {file.stem: file for file in sorted(each.iterdir()) if is_picture(file.name)}
        for each in (one, other)
    ]
    alone = sorted(named[0].keys() ^ named[1].keys())
    both = sorted(named[0].keys() & named[1].keys())
    shown = ", ".join(alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
    if len(alone) > len(both):
        raise DataError(
            f"{len(both)} pairs, and {len(alone)} pictures without a partner of the same name: "
            f"{shown}",
            where=str(path),
            remedy=f"Give pictures in {one.name} and {other.name} equal names.",
        )
    layout = f"pairs of {one.name} and {other.name}"
    problems = (f"{len(alone)} without a partner left aside: {shown}",) if alone else ()
    pairs = [(named[0][name], named[1][name]) for name in both]
    return _of_files(path, pairs, layout, problems)


def _from_table(path: Path) -> Source:
    table = path / TABLE
    with table.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    if not lines or any(name not in lines[0] for name in COLUMNS):
        raise DataError(
            f"no rows with the columns {' and '.join(COLUMNS)}", where=str(table), remedy=REMEDY
        )
    pairs = [(path / line["given"], path / line["target"]) for line in lines]
    gone = [str(each) for pair in pairs for each in pair if not each.exists()]
    if gone:
        raise DataError(
            f"{len(gone)} files that are not there: {', '.join(gone[:SHOWN])}",
            where=str(table),
            remedy="Mend the names, which are relative to the table.",
        )
    return _of_files(path, pairs, f"pairs of {TABLE}", ())


def _of_files(
    path: Path, pairs: list[tuple[Path, Path]], layout: str, problems: tuple[str, ...]
) -> Source:
    unlike: list[str] = []
    for one, other in pairs:
        sizes = [look(each, str(each)) for each in (one, other)]
        if abs(sizes[0].width * sizes[1].height - sizes[1].width * sizes[0].height) > max(
            sizes[0].width * sizes[1].width // 20, 1
        ):
            unlike.append(f"{one.name} ({' and '.join(f'{s.width}x{s.height}' for s in sizes)})")
    if unlike:
        raise DataError(
            f"{len(unlike)} pairs whose pictures have other proportions: "
            + ", ".join(unlike[:SHOWN]),
            where=str(path),
            remedy="Cut both pictures of a pair alike.",
        )
    given, target = ([pair[side] for pair in pairs] for side in (0, 1))

    def source(files: list[Path]) -> Source:
        return Source(
            path=path,
            layout=layout,
            kind="image",
            names=[str(file.relative_to(path)) for file in files],
            raw=lambda index: files[index],
            problems=problems,
            files=files,
        )

    return replace(source(target), beside=source(given))


def _side_by_side(path: Path, given: str) -> Source:
    if given not in ("", "left", "right"):
        raise DataError(f"--given {given}: expected left or right", where=str(path), remedy=REMEDY)
    source = find(path, label="", kind="image")

    def half(left: bool) -> Callable[[int], Item]:
        def take(pixels: Picture) -> Picture:
            middle = pixels.shape[1] // 2
            return pixels[:, :middle] if left else pixels[:, middle : 2 * middle]

        return _derived(source, take)

    left = given != "right"
    return replace(
        source,
        layout=f"{source.layout}, side by side, the {'left' if left else 'right'} one given",
        raw=half(not left),
        beside=replace(source, raw=half(left)),
    )


def _derived(source: Source, change: Callable[[Picture], Picture]) -> Callable[[int], Item]:
    def raw(index: int) -> Item:
        pixels = np.asarray(upright(source.picture(index), source.names[index]))
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        return np.ascontiguousarray(change(pixels))

    return raw


def grey(pixels: Picture) -> Picture:
    """A picture ``(H, W, C)`` in shades of grey ``(H, W, 1)``, alpha laid on white."""
    values = pixels.astype(np.float32)
    if pixels.shape[2] in (2, 4):
        share = values[..., -1:] / 255
        values = values[..., :-1] * share + 255 * (1 - share)
    if values.shape[2] == 3:
        values = values @ np.array([[0.299], [0.587], [0.114]], np.float32)
    return values.round().clip(0, 255).astype(np.uint8)


def pencil(pixels: Picture) -> Picture:
    """Its edges ``(H, W, 1)``, dark on white as a pencil draws them."""
    bright = grey(pixels)[..., 0].astype(np.float32)
    down, right = np.gradient(bright)
    slope = np.hypot(down, right)
    return (255 - PENCIL * slope).clip(0, 255).astype(np.uint8)[..., None]
