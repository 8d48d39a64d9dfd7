"""Images to files: a folder of PNGs, a grid, arrays, Parquet in the format of the Hub."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from gannet.core.errors import need
from gannet.core.io.files import write_whole
from gannet.core.io.writers import write_arrays, write_files, write_npy
from gannet.core.sampling import WriteRequest
from gannet.modalities.image.grid import grid_png
from gannet.modalities.image.io.files import SUFFIXES
from gannet.modalities.modality import Writer

GRID = "grid.png"


class ImageSampleOptions(BaseModel):
    """Options of sampling images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: bool = Field(False, description=f"also draw all samples into OUT/{GRID}")


def write_grid(images: Iterable[Any], to: WriteRequest) -> None:
    """Write all images as one grid."""
    grid_png(to.codec.encode(list(images)), to.path)


def write_folder(images: Iterable[Any], to: WriteRequest) -> None:
    """Write one PNG per image, and a grid of all if asked for."""
    assert isinstance(to.options, ImageSampleOptions)
    written: list[Any] = []

    def collect() -> Iterator[Any]:
        for image in images:
            written.append(image)
            yield image

    if not to.options.grid:
        write_files(images, to, ".png", suffixes=SUFFIXES)
        return
    write_files(collect(), to, ".png", suffixes=SUFFIXES, further=[GRID])
    write_grid(written, replace(to, path=to.path / GRID))


def png(raw: np.ndarray[Any, Any]) -> bytes:
    """An image ``(H, W, C)`` of 0..255 as a PNG."""
    packed = io.BytesIO()
    Image.fromarray(raw.squeeze(2) if raw.shape[2] == 1 else raw).save(packed, "PNG")
    return packed.getvalue()


def write_npz(images: Iterable[Any], to: WriteRequest) -> None:
    """Write all images as the array ``images``."""
    write_arrays(images, to, "images")


def write_parquet(images: Iterable[Any], to: WriteRequest) -> None:
    """Write a column of PNGs with names, in the format of the Hub, and one for the class."""
    pyarrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    columns: dict[str, Any] = {
        "image": [{"bytes": png(raw), "path": f"{row:05}.png"} for row, raw in enumerate(images)]
    }
    if to.classes:
        columns["label"] = [name or None for name in to.labels]
    packed = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), packed)
    write_whole(to.path, packed.getvalue())


WRITERS: Mapping[str, Writer] = {
    "": write_folder,
    ".png": write_grid,
    ".npz": write_npz,
    ".npy": write_npy,
    ".parquet": write_parquet,
}
