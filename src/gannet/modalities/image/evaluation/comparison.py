"""Measures of output images against their targets, and against their inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from gannet.core.scores import documented
from gannet.metrics import image_quality
from gannet.modalities.hooks import PairMeasure


def as_shown(measure: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The same of pictures cut to the range that files and screens have."""
    return lambda one, other: measure(one.clamp(-1, 1), other.clamp(-1, 1))


def measures(feature_distance: PairMeasure) -> Sequence[PairMeasure]:
    """PSNR, SSIM, feature distance and high-frequency error of outputs against targets."""
    return (
        PairMeasure(
            "PSNR",
            as_shown(image_quality.psnr),
            image_quality.MAX_PSNR,
            "high",
            documented(
                "PSNR",
                "how near pixels are to what they should be, in decibels; blur scores well",
                "target",
            ),
        ),
        PairMeasure(
            "SSIM",
            as_shown(image_quality.ssim),
            1.0,
            "high",
            documented(
                "SSIM", "how near the structure is to what it should be; 1 when equal", "target"
            ),
        ),
        feature_distance,
        PairMeasure(
            "high-frequency error",
            as_shown(image_quality.high_frequency_error),
            0.0,
            "low",
            documented(
                "high-frequency error",
                "powers of ten by which the amount of fine detail is off",
                "target",
            ),
        ),
    )


STRUCTURE = PairMeasure(
    "edge correlation",
    as_shown(image_quality.edge_correlation),
    1.0,
    "high",
    documented("edge correlation", "correlation of the edges before and after"),
)
"""Structure that should survive a translation into another domain."""
