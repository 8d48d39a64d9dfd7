"""Image attributes that need no labels: brightness, colour, size, position, shape.

Each measure is a function from images ``(B, C, H, W)`` in [-1, 1] to ``(B,)`` numbers, NaN where
an image has no such attribute, as a grey one has no hue and a disc no rotation. *Ink* is the
foreground: what differs from the image's border; with alpha, what is opaque.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gannet.networks.features import composite_on

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness; ITU-R BT.601."""

FAINT = 0.04
"""Chroma, in 0..1, below which an image has no hue."""

ROUND = 0.15
"""Minimum elongation of ink that has a rotation: difference over sum of its axes' variances."""

NO_INK = 1e-3
"""Fraction of the area below which the ink has no position."""

AttributeMeasure = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attribute:
    """A measurable attribute of images.

    Attributes:
        name: One word, such as ``brightness``.
        more: What an image with more of it is, such as ``brighter``.
        measure: Images ``(B, C, H, W)`` to ``(B,)``.
        period: Period of cyclic values, such as 180 degrees; 0 for none.
        evidence: Accuracy of a learned measure, as text.
    """

    name: str
    more: str
    measure: AttributeMeasure
    period: float = 0.0
    evidence: str = ""

    def change(self, before: Tensor, after: Tensor) -> Tensor:
        """Change from ``before`` to ``after``, ``(B,)``; the shorter way where it is cyclic."""
        left = after - before
        if not self.period:
            return left
        return (left + self.period / 2).remainder(self.period) - self.period / 2

    def std(self, values: Tensor) -> float:
        """Standard deviation of the finite values; of cyclic ones, around their circular mean."""
        finite = values[values.isfinite()]
        if len(finite) < 2:
            return 0.0
        if self.period:
            angles = finite * (2 * math.pi / self.period)
            middle = torch.atan2(angles.sin().mean(), angles.cos().mean())
            finite = self.change(middle.expand_as(angles) * self.period / (2 * math.pi), finite)
            return float(finite.square().mean().sqrt())
        return float(finite.std())


def colors(images: Tensor) -> Tensor:
    """Grey or colour in 0..1, ``(B, 1 or 3, H, W)``; alpha is composited on white."""
    if images.shape[1] in (2, 4):
        images = composite_on(images, 1.0)
    return (images.float() + 1) / 2


def luma(images: Tensor) -> Tensor:
    """Brightness of each pixel in 0..1, ``(B, H, W)``."""
    channels = colors(images)
    if channels.shape[1] != len(LUMA):
        return channels.mean(1)
    return (channels * channels.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1)


def ink(images: Tensor) -> Tensor:
    """Difference of each pixel from the median of the border, 0..1, ``(B, H, W)``.

    Scaled so that the largest difference in an image is 1; differences below 0.1 count as 0.1.
    """
    if images.shape[1] in (2, 4):
        alpha = (images[:, -1].float() + 1) / 2
        if float(alpha.min()) < 1:
            return alpha
    channels = colors(images)
    rim = [channels[:, :, 0], channels[:, :, -1], channels[:, :, :, 0], channels[:, :, :, -1]]
    background = torch.cat(rim, 2).median(2).values[:, :, None, None]
    distance = (channels - background).abs().amax(1)
    return distance / distance.amax((1, 2), keepdim=True).clamp_min(0.1)


def brightness(images: Tensor) -> Tensor:
    """Mean brightness, 0..1."""
    return luma(images).mean((1, 2))


def contrast(images: Tensor) -> Tensor:
    """Standard deviation of brightness over pixels."""
    return luma(images).flatten(1).std(1)


def saturation(images: Tensor) -> Tensor:
    """Mean chroma: the largest minus the smallest of red, green and blue, 0..1."""
    channels = colors(images)
    return (channels.amax(1) - channels.amin(1)).mean((1, 2))


def hue(images: Tensor) -> Tensor:
    """Angle of the mean colour on the colour circle in degrees: red 0, green 120, blue 240."""
    red, green, blue = colors(images).mean((2, 3)).unbind(1)
    east, north = red - (green + blue) / 2, (green - blue) * math.sqrt(3) / 2
    angle = torch.rad2deg(torch.atan2(north, east)).remainder(360)
    return angle.where(torch.hypot(east, north) > FAINT, math.nan)


def warmth(images: Tensor) -> Tensor:
    """Mean red minus mean blue."""
    means = colors(images).mean((2, 3))
    return means[:, 0] - means[:, 2]


def size(images: Tensor) -> Tensor:
    """Fraction of the area that is ink."""
    return ink(images).mean((1, 2))


def thickness(images: Tensor) -> Tensor:
    """Mean stroke thickness in pixels: twice the area of ink over the length of its outline."""
    ink_map = ink(images)
    across = torch.nn.functional.pad(ink_map, (1, 1, 1, 1))
    down, right = across.diff(dim=1)[:, :, :-1], across.diff(dim=2)[:, :-1]
    outline = torch.hypot(down, right).sum((1, 2))
    return 2 * ink_map.sum((1, 2)) / outline.clamp_min(1e-6)


def moments(images: Tensor) -> dict[str, Tensor]:
    """Centre and second moments of ink in pixels, each ``(B,)``; NaN without ink."""
    weights = ink(images).square()  # squared, so that faint background noise has little weight
    high, wide = weights.shape[1:]
    down = torch.arange(high, dtype=weights.dtype, device=weights.device).view(1, -1, 1)
    right = torch.arange(wide, dtype=weights.dtype, device=weights.device).view(1, 1, -1)
    total = weights.sum((1, 2))
    total = total.where(total > NO_INK * high * wide, math.nan)

    def mean(values: Tensor) -> Tensor:
        return (weights * values).sum((1, 2)) / total

    x, y = mean(right), mean(down)
    x_, y_ = right - x.view(-1, 1, 1), down - y.view(-1, 1, 1)
    stats = {"x": x, "y": y, "xx": mean(x_.square()), "yy": mean(y_.square()), "xy": mean(x_ * y_)}
    return stats | {"high": torch.full_like(x, high), "wide": torch.full_like(x, wide)}


def center_x(images: Tensor) -> Tensor:
    """Centre of ink from the left, as a fraction of the width."""
    stats = moments(images)
    return (stats["x"] + 0.5) / stats["wide"]


def center_y(images: Tensor) -> Tensor:
    """Centre of ink from the top, as a fraction of the height."""
    stats = moments(images)
    return (stats["y"] + 0.5) / stats["high"]


def width(images: Tensor) -> Tensor:
    """Horizontal standard deviation of ink, as a fraction of the width."""
    stats = moments(images)
    return stats["xx"].sqrt() / stats["wide"]


def height(images: Tensor) -> Tensor:
    """Vertical standard deviation of ink, as a fraction of the height."""
    stats = moments(images)
    return stats["yy"].sqrt() / stats["high"]


def slant(images: Tensor) -> Tensor:
    """Shift of ink to the right per pixel upwards: 0 upright, 1 at 45 degrees."""
    stats = moments(images)
    return -stats["xy"] / stats["yy"].clamp_min(1e-6)


def rotation(images: Tensor) -> Tensor:
    """Angle of the long axis of ink in degrees, counterclockwise from horizontal, 0..180."""
    stats = moments(images)
    difference = stats["xx"] - stats["yy"]
    long = torch.hypot(difference, 2 * stats["xy"]) / (stats["xx"] + stats["yy"]).clamp_min(1e-6)
    angle = torch.rad2deg(torch.atan2(-2 * stats["xy"], difference) / 2).remainder(180)
    return angle.where(long > ROUND, math.nan)


BRIGHTNESS = Attribute("brightness", "brighter", brightness)

COLOR = (
    Attribute("saturation", "more colourful", saturation),
    Attribute("warmth", "redder, less blue", warmth),
    Attribute("hue", "further round from red to green to blue", hue, period=360),
)
"""Attributes of images with colour."""

SHAPE = (
    Attribute("x", "further right", center_x),
    Attribute("y", "further down", center_y),
    Attribute("size", "larger", size),
    Attribute("slant", "leaning to the right", slant),
    Attribute("width", "wider", width),
    Attribute("height", "taller", height),
    Attribute("thickness", "thicker", thickness),
    Attribute("contrast", "richer in contrast", contrast),
    Attribute("rotation", "turned against the clock", rotation, period=180),
)
"""Attributes of all images; the last ones overlap with earlier ones and name less plainly."""


def measured(channels: int) -> tuple[Attribute, ...]:
    """Attributes of images with so many channels, alpha included; the plainest names first."""
    return (BRIGHTNESS, *(COLOR if channels > 2 else ()), *SHAPE)


class CachedMeasure:
    """A function of images that caches its result for the last tensor."""

    def __init__(self, function: AttributeMeasure) -> None:
        self._function = function
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """The function's values for images ``(B, C, H, W)``."""
        if self._last is None or self._last[0] is not images:
            self._last = images, self._function(images)
        return self._last[1]


def of_classes(
    classes: Sequence[str], logits: Callable[[Tensor], Tensor], prefix: str = "class"
) -> tuple[Attribute, ...]:
    """For each class, the log-odds against all others.

    Args:
        classes: Class names.
        logits: Images to ``(B, K)``.
        prefix: What the classes belong to, such as a column's name.
    """

    def ahead(number: int) -> AttributeMeasure:
        def measure(images: Tensor) -> Tensor:
            each = logits(images)
            own = one_hot(torch.tensor(number), len(classes)).bool().to(each.device)
            others = each.masked_fill(own, -math.inf).logsumexp(1)
            return (each[:, number] - others).clamp(-8, 8)

        return measure

    if len(classes) < 2:
        return ()
    return tuple(
        Attribute(f"{prefix} {name}", f"more like {name}", ahead(number))
        for number, name in enumerate(classes)
    )


def values_of(attributes: Sequence[Attribute], images: Tensor) -> dict[str, Tensor]:
    """Each attribute of each image, by name, ``(B,)``."""
    return {each.name: each.measure(images) for each in attributes}
