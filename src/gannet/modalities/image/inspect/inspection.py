"""Dataset report of images for ``gannet inspect``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from gannet.core.source import Source
from gannet.modalities.image.inspect.duplicates import equal_groups, near_pairs
from gannet.modalities.image.inspect.scan import Glance, glances
from gannet.modalities.image.inspect.sizes import ImageSizes, Size, measure, suggest_size
from gannet.modalities.modality import evenly
from gannet.modalities.reading import Budget, Inspection

_NAMED = 20


class ImageDetails(BaseModel):
    """Report on images.

    Attributes:
        sizes: Sizes of the images.
        modes: Storage mode -> number of images.
        near_duplicates: Number of images nearly equal, but not equal, to another.
        near_duplicate_pairs: Names of some of them.
        size: Suggested size for training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: ImageSizes | None
    modes: dict[str, int]
    near_duplicates: int
    near_duplicate_pairs: tuple[tuple[str, str], ...]
    size: Size | None


def inspect(source: Source, _options: object, budget: Budget, most: int) -> Inspection:
    """Dataset report from some images, decoded at a reduced scale."""
    seen, broken = glances(source, evenly(source.count, most))
    groups = equal_groups([each.look for each in seen])
    doubles = {place for group in groups for place in group[1:]}
    single = [each for place, each in enumerate(seen) if place not in doubles]
    pairs = _near(single)
    sizes = [(each.width, each.height) for each in seen]
    size = suggest_size(source, largest=budget.largest) if sizes else None
    details = ImageDetails(
        sizes=measure(sizes) if sizes else None,
        modes=dict(Counter(each.mode for each in seen).most_common()),
        near_duplicates=len({place for pair in pairs for place in pair}),
        near_duplicate_pairs=tuple(
            (source.names[single[one].index], source.names[single[other].index])
            for one, other in pairs[:_NAMED]
        ),
        size=size,
    )
    return Inspection(
        places=[each.index for each in seen],
        looks=[each.look for each in seen],
        broken=tuple(broken),
        details=details,
        words=tuple(_size_words(details)),
        after=tuple(_near_words(details)),
        warnings=tuple(_warnings(details)),
        shape=() if size is None else (size.channels, size.height, size.width),
        size="" if size is None else f"{_size_name(size)}: {size.reason}",
        options={} if size is None else {"resolution": min(size.height, size.width)},
    )


def _near(seen: Sequence[Glance]) -> list[tuple[int, int]]:
    if len(seen) < 2:
        return []
    return near_pairs(
        np.array([each.hash for each in seen], np.uint64), np.stack([each.thumb for each in seen])
    )


def _size_name(size: Size) -> str:
    return f"{size.width}x{size.height}, {size.channels} channel{'s' * (size.channels > 1)}"


def _size_words(details: ImageDetails) -> list[str]:
    if (sizes := details.sizes) is None:
        return []
    wide, high = sizes.median
    line = f"sizes: {wide}x{high}"
    if sizes.distinct > 1:
        (low, low_high), (top, top_high) = sizes.smallest, sizes.largest
        line = (
            f"sizes: {sizes.distinct:,} different, from {low}x{low_high} to {top}x{top_high}, "
            f"in the median {wide}x{high}; width over height {sizes.aspect[0]:.2f} to "
            f"{sizes.aspect[2]:.2f}"
        )
    modes = ", ".join(f"{mode} {count:,}" for mode, count in details.modes.items())
    return [line, f"stored as: {modes}"]


def _near_words(details: ImageDetails) -> list[str]:
    lines = [f"near-duplicates: {details.near_duplicates:,} nearly equal to another"]
    return lines + [f"  {one} ~ {other}" for one, other in details.near_duplicate_pairs[:3]]


def _warnings(details: ImageDetails) -> list[str]:
    if details.sizes is None or details.size is None:
        return []
    told: list[str] = []
    wide, high = details.sizes.smallest
    if wide < details.size.width or high < details.size.height:
        told.append(f"some images are enlarged, the smallest from {wide}x{high}")
    low, _, top = details.sizes.aspect
    if max(top, 1 / low) > 2 and details.sizes.distinct > 1:
        told.append("images more than twice as long as wide lose over half when cropped")
    return told
