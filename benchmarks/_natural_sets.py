"""Sets of pictures of the real world: what is trained on, and what neither side sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gannet.data import dataset
from gannet.modalities.image.codec import ImageCodec

COUNT = 2_000
"""Most test pictures."""

PATCHES = 12_000
"""Patches that are cut out of photos for training."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Parts:
    """One set: training pictures ``(N, S, S, C)``, their labels if it has some, test pictures."""

    train: Pictures
    test: Pictures
    labels: NDArray[np.int64] | None = None


def parquet(
    data: Path, name: str, part: str, side: int, channels: Literal[1, 3]
) -> tuple[Pictures, Any]:
    source = dataset.find(data / name / f"{part}.parquet")
    codec = ImageCodec(height=side, width=side, channels=channels)
    raws = [codec.load_image(source.raw(at), name=str(at)) for at in range(source.count)]
    return np.stack(raws).reshape(len(raws), side, side, channels), source.labels


def _packed(name: str, side: int, channels: Literal[1, 3], data: Path) -> Parts:
    train, labels = parquet(data, name, "train", side, channels)
    return Parts(train, parquet(data, name, "test", side, channels)[0], labels)


def _opened(paths: list[Path], mode: str, side: int) -> Pictures:
    """Pictures cut to a square in the middle, and made smaller."""
    found: list[Pictures] = []
    for path in paths:
        picture = Image.open(path).convert(mode)
        edge = min(picture.size)
        left, top = ((each - edge) // 2 for each in picture.size)
        picture = picture.crop((left, top, left + edge, top + edge)).resize(
            (side, side), Image.Resampling.BOX if edge > side else Image.Resampling.BICUBIC
        )
        found.append(np.asarray(picture).reshape(side, side, -1))
    return np.stack(found)


def _shared_out(folder: str, mode: str, side: int, data: Path) -> Parts:
    """A fifth of the pictures of a folder are test pictures."""
    paths = sorted(each for each in (data / folder).iterdir() if each.suffix in (".png", ".jpg"))
    order = np.random.default_rng(0).permutation(len(paths))
    pictures = _opened([paths[at] for at in order], mode, side)
    return Parts(pictures[len(paths) // 5 :], pictures[: len(paths) // 5])


def _patches(side: int, data: Path) -> Parts:
    """Patches of photos at half their size; every fifth photo is only tested on."""
    rng = np.random.default_rng(0)
    photos = [
        Image.open(path).convert("RGB") for path in sorted((data / "photos/BSD100").glob("*.png"))
    ]
    halves = [np.asarray(each.reduce(2)) for each in photos]

    def cut(some: list[Pictures], count: int) -> Pictures:
        found: list[Pictures] = []
        for _ in range(count):
            photo = some[rng.integers(len(some))]
            top, left = (rng.integers(edge - side + 1) for edge in photo.shape[:2])
            found.append(photo[top : top + side, left : left + side])
        return np.stack(found)

    test = halves[::5]
    train = [each for at, each in enumerate(halves) if at % 5]
    return Parts(cut(train, PATCHES), cut(test, COUNT))


def _stacked(data: Path) -> Parts:
    """Three digits as red, green and blue: 1,000 modes (Metz et al. 2017, arXiv:1611.02163)."""
    rng = np.random.default_rng(0)

    def stacked(part: str, count: int) -> Pictures:
        digits, _ = parquet(data, "mnist", part, 28, 1)
        rows = rng.integers(len(digits), size=(count, 3))
        framed = np.pad(digits[..., 0], ((0, 0), (2, 2), (2, 2)))
        return framed[rows].transpose(0, 2, 3, 1)

    return Parts(stacked("train", 25_000), stacked("test", COUNT))


SETS = {
    "cifar10": partial(_packed, "cifar10", 32, 3),
    "photos32": partial(_patches, 32),
    "photos64": partial(_patches, 64),
    "portraits": partial(_shared_out, "portraits", "L", 64),
    "emoji32": partial(_shared_out, "emoji/noto", "RGB", 32),
    "emoji64": partial(_shared_out, "emoji/noto", "RGB", 64),
    "fashion": partial(_packed, "fashion_mnist", 28, 1),
    "stacked": _stacked,
}
"""How each set is read."""
