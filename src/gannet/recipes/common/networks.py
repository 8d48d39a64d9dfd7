"""Which networks suit a kind of data, by the names of its axes and the range of its values."""

from __future__ import annotations

from gannet.core.types import Spec
from gannet.modalities.registry import modality_of

IMAGE_AXES = ("channel", "height", "width")
"""Axes of data that 2-D convolutions suit."""


def has_image_axes(spec: Spec) -> bool:
    """Whether samples have the axes of images; all others are flattened for the networks."""
    return modality_of(spec.kind).axes == IMAGE_AXES


def is_bounded(spec: Spec) -> bool:
    """Whether samples lie in [-1, 1]."""
    return modality_of(spec.kind).values == "signed"
