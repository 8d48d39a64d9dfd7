"""Dataset report of images for ``gannet inspect``."""

from __future__ import annotations

from collections import Counter

from pydantic import BaseModel, ConfigDict

from gannet.core.source import Source
from gannet.modalities.image.inspect.scan import scan_images
from gannet.modalities.image.inspect.sizes import ImageSizes, Size, measure, suggest_size
from gannet.modalities.modality import evenly
from gannet.modalities.reading import Budget, Inspection


class ImageDetails(BaseModel):
    """Report on images.

    Attributes:
        sizes: Sizes of the images.
        modes: Storage mode -> number of images.
        size: Suggested size for training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: ImageSizes | None
    modes: dict[str, int]
    size: Size | None


def inspect(source: Source, _options: object, budget: Budget, max_items: int) -> Inspection:
    """Dataset report from some images, decoded at a reduced scale."""
    scans, broken = scan_images(source, evenly(source.count, max_items))
    sizes = [(each.width, each.height) for each in scans]
    size = suggest_size(source, largest=budget.largest) if sizes else None
    details = ImageDetails(
        sizes=measure(sizes) if sizes else None,
        modes=dict(Counter(each.mode for each in scans).most_common()),
        size=size,
    )
    return Inspection(
        indices=[each.index for each in scans],
        fingerprints=[each.fingerprint for each in scans],
        broken=tuple(broken),
        details=details,
        lines=tuple(_describe_sizes(details)),
        warnings=tuple(_warnings(details)),
        shape=() if size is None else (size.channels, size.height, size.width),
        size="" if size is None else f"{_size_name(size)}: {size.reason}",
        options={} if size is None else {"resolution": min(size.height, size.width)},
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
