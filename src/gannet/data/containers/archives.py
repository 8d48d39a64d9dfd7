"""A zip of pictures in StyleGAN's layout: ``dataset.json`` holds ``{"labels": [[name, int]]}``.

Nothing is unpacked to disk. What a stranger's zip claims about its sizes is not believed.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import cast

from gannet.core.errors import DataError, no_permission
from gannet.core.source import Labels, Source
from gannet.data.containers.folders import is_picture
from gannet.data.labels import from_numbers
from gannet.modalities.image.io.files import FILE_BYTES

ENTRIES = 5_000_000
"""Most files in a zip."""

_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def from_zip(path: Path, label: str | None) -> Source:
    """Pictures in a zip, with labels if it holds a ``dataset.json``.

    Raises:
        DataError: if the zip is damaged, encrypted, holds no picture, or names paths that climb
            out of it.
    """
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise no_permission(path, DataError) from None
    except _BROKEN as error:
        raise DataError(
            f"damaged, or no zip ({error})", where=str(path), remedy="Fetch it again."
        ) from None
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _check(path, infos)
    inside = {info.filename: info for info in infos}
    names = sorted(name for name in inside if is_picture(name) and not _hidden(name))
    if not names:
        raise DataError(
            f"no pictures among its {len(infos)} files",
            where=str(path),
            remedy="Zip a folder of .png or .jpg files.",
        )

    def read(index: int) -> bytes:
        return _read(path, archive, inside[names[index]], FILE_BYTES)

    source = Source(
        path=path, layout="zip of pictures", kind="image", names=names, raw=read, files=[path]
    )
    table = inside.get("dataset.json")
    labels = _labels(path, _read(path, archive, table, FILE_BYTES), names) if table else None
    if labels is None and label:
        raise DataError(
            f"no labels {label!r}", where=str(path), remedy="Labels stand in its dataset.json."
        )
    return source if labels is None or label == "" else source.labelled(labels)


def _check(path: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    if len(infos) > ENTRIES:
        raise DataError(f"more than {ENTRIES:,} files", where=str(path), remedy="Split the zip.")
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in info.filename[:2]:
            raise DataError(
                f"its entry {info.filename!r} climbs out of the zip",
                where=str(path),
                remedy="Do not trust it; make a zip of plain relative names.",
            )
        if info.flag_bits & 1:
            raise DataError("it is encrypted", where=str(path), remedy="Zip it without password.")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    place = f"{path}, {info.filename}"
    try:
        with archive.open(info) as file:
            content = file.read(most + 1)
    except _BROKEN as error:
        raise DataError(
            f"damaged ({error})", where=place, remedy="Remove it or fetch the zip again."
        ) from None
    if len(content) > most:
        raise DataError(
            f"unpacks to more than {most // 2**20} MiB", where=place, remedy="Do not trust it."
        )
    return content


def _labels(path: Path, content: bytes, names: Sequence[str]) -> Labels | None:
    place = f"{path}, dataset.json"
    try:
        table: object = json.loads(content)
    except ValueError as error:
        raise DataError(f"not JSON ({error})", where=place) from None
    pairs = cast(dict[str, object], table).get("labels") if isinstance(table, dict) else None
    if pairs is None:
        return None
    numbers: dict[str, int] = {}
    for pair in cast(list[object], pairs) if isinstance(pairs, list) else [pairs]:
        match pair:
            case [str(name), int(number)]:
                numbers[name] = number
            case _:
                raise DataError(
                    f"{pair!r}, expected [name, class number]",
                    where=place,
                    remedy='Write {"labels": [["img0.png", 3], ...]}.',
                )
    if missing := sorted(numbers.keys() - set(names)):
        raise DataError(
            f"{len(missing)} labelled files are not in the zip, the first is {missing[0]}",
            where=place,
            remedy="Fix the names.",
        )
    return from_numbers([numbers.get(name) for name in names], (), where=place)
