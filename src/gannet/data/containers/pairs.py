"""Pictures that belong together: what is given, and what it shall become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.data.containers.folders import csv_lines, entries, is_picture
from gannet.data.find import find
from gannet.modalities.image.io.files import ImageHeader, Item, Picture, look, upright

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
        said = "a file, expected a folder" if path.exists() else "no such folder"
        raise DataError(said, where=str(path), remedy=REMEDY)
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


def chosen(path: Path, given: str) -> tuple[Path, Path]:
    """The folder that is given and that of targets, both in ``path``.

    Raises:
        DataError: if there are not two with pictures, or none has that name.
    """
    inside = [Path(each.path) for each in entries(path) if each.is_dir()]
    folders = [each for each in inside if _pictures(each)]
    names = [each.name for each in folders]
    if len(folders) == 1 and len(inside) == 2:
        [empty] = [each.name for each in inside if each.name not in names]
        raise DataError(
            "no pictures in it, so nothing pairs with those in " + names[0],
            where=str(path / empty),
            remedy=f"Put a picture there for each one in {names[0]}, with the same name.",
        )
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


def _pictures(folder: Path) -> list[Path]:
    return [Path(each.path) for each in entries(folder) if is_picture(each.name)]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _layout(path: Path) -> str:
    if (path / TABLE).exists():
        return "table"
    files = _pictures(path)
    if not files:
        return "folders"
    looks = _looks(files, path)
    other = [_sized(file, size) for file, size in looks.items() if size.width != 2 * size.height]
    if not other:
        return "side_by_side"
    if len(other) > len(files) // 2:
        raise DataError("single pictures, no pairs", where=str(path), remedy=REMEDY)
    raise DataError(
        f"{len(other)} of {len(files)} pictures are not twice as wide as high, so they are no two "
        f"squares side by side: {_shown(other)}",
        where=str(path),
        remedy="Mend or remove them, or say --pairs side_by_side to cut all in the middle.",
    )


def _looks(files: Sequence[Path], path: Path) -> dict[Path, ImageHeader]:
    """The header of each file.

    Raises:
        DataError: listing those that have none.
    """
    found: dict[Path, ImageHeader] = {}
    broken: list[str] = []
    for file in files:
        try:
            found[file] = look(file, str(file))
        except DataError as error:
            broken.append(f"{file.relative_to(path)} ({error.problem})")
    if broken:
        raise DataError(
            f"{len(broken)} pictures that cannot be read: {_shown(broken)}",
            where=str(path),
            remedy="Replace them, or remove them with their partners.",
        )
    return found


def _sized(file: Path, size: ImageHeader) -> str:
    return f"{file.name} ({size.width}x{size.height})"


def _from_folders(path: Path, given: str) -> Source:
    one, other = chosen(path, given)
    named = [_by_name(each) for each in (one, other)]
    alone = sorted(
        f"{folder.name}/{mine[name].name}"
        for folder, mine, theirs in ((one, *named), (other, *reversed(named)))
        for name in mine.keys() - theirs.keys()
    )
    both = sorted(named[0].keys() & named[1].keys())
    if len(alone) > len(both):
        raise DataError(
            f"{len(both)} pairs, and {len(alone)} pictures without a partner of the same name: "
            f"{_shown(alone)}",
            where=str(path),
            remedy=f"Give pictures in {one.name} and {other.name} equal names.",
        )
    layout = f"pairs of {one.name} and {other.name}"
    problems = (f"{len(alone)} without a partner left aside: {_shown(alone)}",) if alone else ()
    pairs = [(named[0][name], named[1][name]) for name in both]
    return _of_files(path, pairs, layout, problems)


def _by_name(folder: Path) -> dict[str, Path]:
    """Pictures by their name without suffix.

    Raises:
        DataError: if two have the same, so that nobody knows which is meant.
    """
    found: dict[str, Path] = {}
    twice: list[str] = []
    for file in _pictures(folder):
        if file.stem in found:
            twice.append(f"{found[file.stem].name} and {file.name}")
        found[file.stem] = file
    if twice:
        raise DataError(
            f"{len(twice)} names that two pictures have: {_shown(twice)}",
            where=str(folder),
            remedy="Keep one of each.",
        )
    return found


def _from_table(path: Path) -> Source:
    table = path / TABLE
    lines = csv_lines(table)
    if not lines or any(name not in lines[0] for name in COLUMNS):
        raise DataError(
            f"no rows with the columns {' and '.join(COLUMNS)}", where=str(table), remedy=REMEDY
        )
    for number, line in enumerate(lines, start=1):
        for name in COLUMNS:
            file = PurePath(line[name])
            if not line[name].strip() or file.is_absolute() or ".." in file.parts:
                raise DataError(
                    f"{name} {line[name]!r} is no path inside the folder",
                    where=f"{table}, row {number}",
                    remedy="Name files relative to the folder of the table.",
                )
    pairs = [(path / line["given"], path / line["target"]) for line in lines]
    gone = [str(each.relative_to(path)) for pair in pairs for each in pair if not each.is_file()]
    if gone:
        raise DataError(
            f"{len(gone)} files that are not there: {_shown(gone)}",
            where=str(table),
            remedy="Mend the names, which are relative to the table.",
        )
    return _of_files(path, pairs, f"pairs of {TABLE}", ())


def _of_files(
    path: Path, pairs: list[tuple[Path, Path]], layout: str, problems: tuple[str, ...]
) -> Source:
    looks = _looks(list(dict.fromkeys(file for pair in pairs for file in pair)), path)
    unlike: list[str] = []
    for one, other in pairs:
        sizes = looks[one], looks[other]
        if abs(sizes[0].width * sizes[1].height - sizes[1].width * sizes[0].height) > max(
            sizes[0].width * sizes[1].width // 20, 1
        ):
            unlike.append(f"{one.name} ({' and '.join(f'{s.width}x{s.height}' for s in sizes)})")
    if unlike:
        raise DataError(
            f"{len(unlike)} pairs whose pictures have other proportions: " + _shown(unlike),
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
    narrow: list[str] = []
    for index in range(source.count):
        with suppress(DataError):  # decoding lists what cannot be read
            if look(source.picture(index), source.names[index]).width < 2:
                narrow.append(source.names[index])
    if narrow:
        raise DataError(
            f"{len(narrow)} pictures too narrow to be halved: {_shown(narrow)}",
            where=str(path),
            remedy="Remove them, or give pictures that hold two side by side.",
        )

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
