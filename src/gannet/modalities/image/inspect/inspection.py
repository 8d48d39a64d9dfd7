"""Dataset report of images for ``gannet inspect``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from gannet.core.source import Source
from gannet.modalities.image.inspect.duplicates import equal_groups, near_pairs
from gannet.modalities.image.inspect.scan import ScannedImage, scan_images
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


def inspect(source: Source, _options: object, budget: Budget, max_items: int) -> Inspection:
    """Dataset report from some images, decoded at a reduced scale."""
    scans, broken = scan_images(source, evenly(source.count, max_items))
    groups = equal_groups([each.fingerprint for each in scans])
    doubles = {index for group in groups for index in group[1:]}
    single = [each for index, each in enumerate(scans) if index not in doubles]
    pairs = _near(single)
    sizes = [(each.width, each.height) for each in scans]
    size = suggest_size(source, largest=budget.largest) if sizes else None
    details = ImageDetails(
        sizes=measure(sizes) if sizes else None,
        modes=dict(Counter(each.mode for each in scans).most_common()),
        near_duplicates=len({index for pair in pairs for index in pair}),
        near_duplicate_pairs=tuple(
            (source.names[single[one].index], source.names[single[other].index])
            for one, other in pairs[:_NAMED]
        ),
        size=size,
    )
    return Inspection(
        indices=[each.index for each in scans],
        fingerprints=[each.fingerprint for each in scans],
        broken=tuple(broken),
        details=details,
        lines=tuple(_describe_sizes(details)),
        lines_after_duplicates=tuple(_describe_near_duplicates(details)),
        warnings=tuple(_warnings(details)),
        shape=() if size is None else (size.channels, size.height, size.width),
        size="" if size is None else f"{_size_name(size)}: {size.reason}",
        options={} if size is None else {"resolution": min(size.height, size.width)},
    )


def _near(scans: Sequence[ScannedImage]) -> list[tuple[int, int]]:
    if len(scans) < 2:
        return []
    return near_pairs(
        np.array([each.hash for each in scans], np.uint64), np.stack([each.thumb for each in scans])
    )


def _size_name(size: Size) -> str:
    return f"{size.width}x{size.height}, {size.channels} channel{'s' * (size.channels > 1)}"


def _describe_sizes(details: ImageDetails) -> list[str]:
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


def _describe_near_duplicates(details: ImageDetails) -> list[str]:
    lines = [f"near-duplicates: {details.near_duplicates:,} nearly equal to another"]
    return lines + [f"  {one} ~ {other}" for one, other in details.near_duplicate_pairs[:3]]


def _warnings(details: ImageDetails) -> list[str]:
    if details.sizes is None or details.size is None:
        return []
    warnings: list[str] = []
    wide, high = details.sizes.smallest
    if wide < details.size.width or high < details.size.height:
        warnings.append(f"some images are enlarged, the smallest from {wide}x{high}")
    low, _, top = details.sizes.aspect
    if max(top, 1 / low) > 2 and details.sizes.distinct > 1:
        warnings.append("images more than twice as long as wide lose over half when cropped")
    return warnings
