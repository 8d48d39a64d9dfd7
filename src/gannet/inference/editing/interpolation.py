"""Latent interpolation and traversal, shown as an image grid, a GIF or a film.

Interpolation is spherical (slerp), so that the norm of the noise stays as in training; a straight
line would pass near the origin, where the generator was never trained (White 2016,
arXiv:1609.04468, section 2.1).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gannet.core.errors import DataError, need
from gannet.core.io.files import write_whole
from gannet.inference.editing.attributes import colors
from gannet.inference.editing.inversion import InvertedImage

MIN_SIDE = 128
"""Pixels of the longer side to which small images are enlarged in films."""

RATE = 12
"""Frames per second."""

LETTERS = 12
"""Font size on an image grid, in pixels."""

FilmFrame = NDArray[np.uint8]
"""``(H, W, 3)``."""


def slerp(one: Tensor, other: Tensor, fraction: float) -> Tensor:
    """Spherical interpolation ``(Z,)`` at a fraction of the way; norms change linearly.

    Source: Shoemake 1985, Animating rotation with quaternion curves, section 3.3.

    >>> round(float(slerp(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), 0.5).norm()), 4)
    2.0
    """
    one_norm, other_norm = (math.sqrt(float(each.square().sum())) for each in (one, other))
    if min(one_norm, other_norm) < 1e-9:
        return one + fraction * (other - one)
    a, b = one / one_norm, other / other_norm
    angle = math.acos(max(-1.0, min(1.0, float(a @ b))))
    if math.sin(angle) < 1e-4:
        return one + fraction * (other - one)
    mixed = math.sin((1 - fraction) * angle) * a + math.sin(fraction * angle) * b
    return mixed / math.sin(angle) * (one_norm + fraction * (other_norm - one_norm))


def interpolate(one: InvertedImage, other: InvertedImage, fraction: float) -> InvertedImage:
    """The image at a fraction of the way; weights of tuned networks are interpolated too."""
    noise = slerp(one.noise, other.noise, fraction)
    vector = one.vector + fraction * (other.vector - one.vector)
    generator = one.generator
    if one.generator.network is not other.generator.network:
        generator = one.generator.copy()
        state, other_state = (
            one.generator.network.state_dict(),
            other.generator.network.state_dict(),
        )
        mixed = {
            name: value.lerp(other_state[name], fraction) if value.is_floating_point() else value
            for name, value in state.items()
        }
        generator.network.load_state_dict(mixed)
    return replace(one, generator=generator, noise=noise, vector=vector)


def interpolate_through(stops: Sequence[InvertedImage], frames: int) -> Tensor:
    """``(frames, C, H, W)`` interpolated through images, the first and the last included."""
    images: list[Tensor] = []
    legs = len(stops) - 1
    for frame in range(frames):
        position = legs * frame / max(frames - 1, 1)
        leg = min(int(position), legs - 1)
        images.append(interpolate(stops[leg], stops[leg + 1], position - leg).image())
    return torch.stack(images)


def traverse(image: InvertedImage, direction: Tensor, amounts: Sequence[float]) -> Tensor:
    """Latent traversal ``(n, C, H, W)``: an image moved along a direction ``(Z,)``."""
    return torch.stack([image.moved(direction, amount).image() for amount in amounts])


def ping_pong(frames: Tensor) -> Tensor:
    """Frames and then the inner ones in reverse, so that the film loops without a jump."""
    return torch.cat([frames, frames[1:-1].flip(0)])


def to_frames(images: Tensor, min_side: int = MIN_SIDE) -> list[FilmFrame]:
    """Images ``(n, C, H, W)`` in [-1, 1] as 8-bit RGB, small ones enlarged."""
    factor = max(1, round(min_side / max(images.shape[2:])))
    rgb = colors(images).expand(-1, 3, -1, -1)
    pixels = (rgb.clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = pixels.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return list(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def gif(frames: Tensor) -> bytes:
    """Frames ``(n, C, H, W)`` as an endless GIF."""
    first, *rest = [Image.fromarray(each) for each in to_frames(frames)]
    packed = io.BytesIO()
    options: dict[str, Any] = {"duration": round(1000 / RATE), "loop": 0}
    first.save(packed, "GIF", save_all=True, append_images=rest, **options)
    return packed.getvalue()


def mp4(frames: Tensor) -> bytes:
    """Frames ``(n, C, H, W)`` as an H.264 film that browsers show.

    Raises:
        MissingExtraError: if the extra ``video`` is not installed.
        DataError: if the encoder refuses the frames.
    """
    av = need("av", "video")
    padded = [np.pad(each, ((0, len(each) % 2), (0, each.shape[1] % 2), (0, 0)), "edge")
             for each in to_frames(frames)]  # H.264 needs even sizes  # fmt: skip
    packed = io.BytesIO()
    try:
        with av.open(packed, "w", format="mp4") as film:
            stream: Any = film.add_stream("h264", rate=Fraction(RATE))
            stream.height, stream.width = padded[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": "14"}
            for each in padded:
                film.mux(stream.encode(av.VideoFrame.from_ndarray(each, format="rgb24")))
            film.mux(stream.encode())
    except (OSError, ValueError) as error:
        raise DataError(f"no film could be made: {error}", remedy="Write a .gif.") from None
    return packed.getvalue()


def write_frames(frames: Tensor, path: Path) -> None:
    """Save frames as a GIF or a film, by the suffix.

    Raises:
        GannetError: if the file cannot be written, or the extra ``video`` is not installed.
    """
    write_whole(path, mp4(frames) if path.suffix.lower() == ".mp4" else gif(frames))


def labeled(rows: Sequence[tuple[str, Tensor]], heads: Sequence[str], gap_after: int) -> bytes:
    """A PNG of rows of images, each with a text.

    Args:
        rows: Text, which may have several lines, and images ``(n, C, H, W)``.
        heads: Titles of the columns.
        gap_after: Number of columns between gaps.
    """
    rendered = [(text, to_frames(images, 64)) for text, images in rows]
    font = ImageFont.load_default(LETTERS)
    high, wide = rendered[0][1][0].shape[:2]
    count = len(rendered[0][1])
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    room = 16 + max(int(measure.multiline_textbbox((0, 0), each, font)[2]) for each, _ in rendered)
    row_high, top = max(high, 3 * LETTERS) + 4, 2 * LETTERS
    right = room + count * (wide + 4) + (count - 1) // gap_after * 8
    page = Image.new("RGB", (right, top + len(rendered) * row_high), "white")
    pen = ImageDraw.Draw(page)

    def left_of(column: int) -> int:
        return room + column * (wide + 4) + column // gap_after * 8

    for column, head in enumerate(heads):
        pen.text((left_of(column) + wide // 2, top // 2), head, "black", font, anchor="mm")
    for number, (text, images) in enumerate(rendered):
        at = top + number * row_high
        pen.multiline_text((8, at + 4), text, "black", font)
        for column, image in enumerate(images):
            page.paste(Image.fromarray(image), (left_of(column), at))
    packed = io.BytesIO()
    page.save(packed, "PNG")
    return packed.getvalue()
