"""Check of the two domains of unpaired image translation."""

from __future__ import annotations

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Source
from gannet.modalities.image.io.files import read_header
from gannet.modalities.modality import evenly

DOMAINS = 2

LOOKED_AT = 500
"""Maximum number of headers that are read per domain."""

REMEDY = "Give a folder with two folders of images, one per domain."


def check_two_domains(source: Source) -> None:
    """Refuse data without two domains of images, both grey or both in colour.

    Only the storage mode counts: grey images that are stored in colour may become colourful.

    Raises:
        DataError: naming the domain, and files of it.
    """
    if len(source.classes) != DOMAINS:
        raise _not_two(source)
    shades: list[list[bool]] = []
    examples: list[str] = []
    for domain in range(DOMAINS):
        mine = np.flatnonzero(source.labels == domain)
        gray_by_name = {
            source.names[index]: gray
            for index in mine[evenly(len(mine), LOOKED_AT)].tolist()
            if (gray := _is_gray(source, index)) is not None
        }
        shades.append(list(gray_by_name.values()))
        all_gray = all(gray_by_name.values())
        examples.append(
            next((str(name) for name, gray in gray_by_name.items() if gray == all_gray), "")
        )
    for gray, color in ((0, 1), (1, 0)):
        if shades[gray] and all(shades[gray]) and sum(shades[color]) < len(shades[color]) / 2:
            names = source.classes
            raise DataError(
                f"the images of {names[gray]} are grey ({examples[gray]}), those of "
                f"{names[color]} in colour ({examples[color]})",
                where=str(source.path),
                remedy="Save both domains in the same way: those in colour as grey; or, if grey "
                "is to learn colours, the grey ones in colour (RGB).",
            )


def _is_gray(source: Source, index: int) -> bool | None:
    """Whether an image is stored in grey; ``None`` if it cannot be read."""
    try:
        return read_header(source.raw(index), source.names[index]).channels < 3
    except DataError:
        return None  # decoding reports broken files


def _not_two(source: Source) -> DataError:
    path, names = source.path, source.classes
    inside = sorted(each.name for each in path.iterdir() if each.is_dir()) if path.is_dir() else []
    folders = {name.partition("/")[0] for name in source.names}
    empty = [name for name in inside if name not in folders]
    if empty and len(names) < DOMAINS:
        return DataError(
            "no images in it, so there is nothing to translate the others into",
            where=str(path / empty[0]),
            remedy="Put images of this domain into it.",
        )
    problem = f"{len(names)} domains ({first_few(names)})" if names else "images of one domain only"
    return DataError(f"{problem}, expected two", where=str(path), remedy=REMEDY)
