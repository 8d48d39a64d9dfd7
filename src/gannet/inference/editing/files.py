"""``gannet edit``: GAN inversion of images, latent edits, interpolation and traversal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from gannet.core.codec import class_number
from gannet.core.errors import ConfigError, need
from gannet.core.io.files import write_whole, writing
from gannet.core.io.regular import real_path
from gannet.core.seeding import seed_fault
from gannet.inference.artifact import Artifact
from gannet.inference.editing.direction_names import UNNAMED, Direction
from gannet.inference.editing.editor import NO_EXAMPLES, UNSUPERVISED, Editor, LabeledExamples
from gannet.inference.editing.interpolation import (
    interpolate_through,
    labeled,
    ping_pong,
    traverse,
    write_frames,
)
from gannet.inference.editing.inversion import USUAL, InvertedImage
from gannet.inference.editing.saved import SUFFIX, save_latents
from gannet.modalities.image.grid import grid_png
from gannet.modalities.image.io.files import WRITTEN

FILMS = (".gif", ".mp4")

FRAMES = 24
"""Default number of frames of a film."""

MAX_FRAMES = 2_000
"""Maximum number of frames."""

STEPS = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""Columns of the grid of directions, in standard deviations of noise."""

FARTHEST = 100.0
"""Largest edit, in standard deviations of noise; catches typing errors."""

STOPS = 4
"""Number of samples to interpolate between when no image is given."""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """An edit of images.

    Attributes:
        changes: Direction -> amount, in standard deviations of noise.
        fix: Attributes that stay fixed.
        directions: List the directions and draw a grid of them instead.
        target_class: Class that the images become.
        label: Class of the images.
        pivotal_tuning: Whether the network is fine-tuned to each image (PTI).
        frames: Frames of the interpolation; 0 for the format's default.
        save_latents: File that the latents of the edited image are saved to.
        examples: Labeled data of the user.
    """

    changes: Mapping[str, float] = field(default_factory=dict[str, float])
    fix: Sequence[str] = ()
    directions: bool = False
    target_class: str | None = None
    label: str | None = None
    pivotal_tuning: bool = True
    frames: int = 0
    save_latents: Path | None = None
    examples: LabeledExamples = NO_EXAMPLES


def edit_files(
    artifact: Artifact, images: Sequence[Path], out: Path, request: EditRequest
) -> list[str]:
    """Invert images, edit them, and write the result.

    Args:
        artifact: A trained run that makes images from noise.
        images: Image files, or saved latents; none for samples of the run.
        out: An image, or a film by its suffix; of directions a grid.
        request: The edit.

    Returns:
        Messages: what was found and written.

    Raises:
        GannetError: if the request cannot be fulfilled.
    """
    check(artifact, images, out, request)
    editor = Editor(artifact, request.examples)
    search = USUAL if request.pivotal_tuning else replace(USUAL, tuning=0)
    if request.directions:
        inverted = editor.find(images, search, request.label) or editor.draw_samples(2)
        return _direction_grid(editor, inverted, out)
    stops = editor.find(images, search, request.label)
    messages = [
        f"{path}: found with {each.psnr:.1f} dB"
        + f" ({each.psnr_untuned:.1f} before tuning)" * (each.psnr != each.psnr_untuned)
        for path, each in zip(images, stops, strict=True)
    ]
    changes = bool(request.changes or request.target_class)
    if not stops:
        stops = editor.draw_samples(1 if changes else STOPS)
        stops += [] if changes else stops[:1]
    ends = [_edited(editor, each, request) for each in stops]
    if request.save_latents is not None:
        save_latents(ends[0], request.save_latents, artifact.card.weights)
        messages.append(f"latents saved: {request.save_latents}")
    route = ends if len(ends) > 1 else [stops[0], ends[0]] if changes else ends * 2
    _write(editor, route, out, request.frames, blend=len(stops) > 1)
    return [*messages, f"written: {out}"]


def _edited(editor: Editor, image: InvertedImage, request: EditRequest) -> InvertedImage:
    image = editor.edited(image, request.changes, fix=request.fix)
    if request.target_class is None:
        return image
    vector = torch.zeros_like(image.vector)
    vector[class_number(editor.artifact.classes, request.target_class)] = 1
    return replace(image, vector=vector)


def _write(
    editor: Editor, route: Sequence[InvertedImage], out: Path, frames: int, *, blend: bool
) -> None:
    if out.suffix.lower() in FILMS:
        write_frames(ping_pong(interpolate_through(route, frames or FRAMES)), out)
    elif blend or frames > 1:
        count = frames or 8
        grid_png(interpolate_through(route, count), out, count if count <= 12 else 0)
    else:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            editor.codec.write(editor.codec.decode(route[-1].image()[None])[0], out)


def _direction_grid(editor: Editor, images: Sequence[InvertedImage], out: Path) -> list[str]:
    """Draw unsupervised and learned directions, each with its evidence."""
    listed = [*editor.directions, *editor.learned()]
    rows = [
        (
            f"{heading(each)}\n" + each.evidence.replace(", ", "\n", 1),
            torch.cat([traverse(one, each.axis, STEPS) for one in images]),
        )
        for each in listed
    ]
    heads = [f"{step:+g}" if step else "as it is" for step in STEPS] * len(images)
    write_whole(out, labeled(rows, heads, len(STEPS)))
    lines = [f"{heading(each):28} {each.evidence}" for each in listed]
    read = [f"{each.name}: {each.evidence}" for each in editor.attributes if each.evidence]
    return [*lines, *(["", READ, *read] if read else []), "", MEANING, f"written: {out}"]


READ = "How well a network reads these numbers off held-out images:"

MEANING = (
    "--edit NUMBER=AMOUNT or NAME=AMOUNT moves along one. Beside it: what changes from -2 to +2,\n"
    "in standard deviations over samples, with twice the standard error; in brackets the share\n"
    "of samples that change that way."
)


def heading(direction: Direction) -> str:
    """Title of a direction: its number and name, or the attribute that it was learned for."""
    if direction.origin == UNSUPERVISED:
        return f"{direction.number} {direction.name}"
    return direction.origin + " (hardly)" * (direction.name == UNNAMED)


def check(artifact: Artifact, images: Sequence[Path], out: Path, request: EditRequest) -> None:
    """Refuse impossible requests before the search begins.

    Raises:
        ConfigError: naming all faults.
        MissingExtraError: if a film is wanted and its extra is not installed.
    """
    faults = [*_faults_of_form(images, out, request), *_faults_of_request(artifact, request)]
    if request.save_latents is not None and len(images) != 1:
        faults.append(f"--save-latents: saves the edit of one image, got {len(images)}")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")
    if request.target_class is not None:
        class_number(artifact.classes, request.target_class)
    if out.suffix.lower() == ".mp4":
        need("av", "video")


def _faults_of_form(images: Sequence[Path], out: Path, request: EditRequest) -> Iterator[str]:
    suffix = out.suffix.lower()
    several = len(images) > 1 or request.frames > 1
    if request.directions and suffix != ".png":
        yield f"--out: a grid of directions is a .png, got {out}"
    elif suffix not in WRITTEN and suffix not in FILMS:
        suffixes = ", ".join(sorted(WRITTEN | set(FILMS)))
        yield f"--out: must end in one of {suffixes}, got {out}"
    elif several and suffix != ".png" and suffix not in FILMS:
        yield f"--out: several images go into one .png, .gif or .mp4, got {out}"
    if any(real_path(out) == real_path(each) for each in images):
        yield f"--out: {out} is one of the images"
    if request.frames and not 2 <= request.frames <= MAX_FRAMES:
        yield f"--frames: must lie between 2 and {MAX_FRAMES}, got {request.frames}"
    if request.save_latents is not None and request.save_latents.suffix.lower() != SUFFIX:
        yield f"--save-latents: must end in {SUFFIX}, got {request.save_latents}"


def _faults_of_request(artifact: Artifact, request: EditRequest) -> Iterator[str]:
    for name, amount in request.changes.items():
        if not -FARTHEST <= amount <= FARTHEST:
            span = f"{-FARTHEST:g} and {FARTHEST:g}"
            yield f"--edit {name}: must lie between {span}, got {amount:g}"
    if request.directions and (request.changes or request.target_class or request.save_latents):
        yield "--directions: lists what can be changed, and changes nothing"
    if request.fix and not request.changes:
        yield "--fix: there is no --edit"
    if (request.examples.positive is None) != (request.examples.negative is None):
        yield "--positive, --negative: give a folder for each"
    yield from filter(None, [seed_fault(request.examples.seed)])
    if request.target_class is not None and not artifact.classes:
        yield "--class: this run was trained without classes"


def amounts(changes: Mapping[str, str]) -> dict[str, float]:
    """Parse the amounts of ``NAME=AMOUNT``.

    Raises:
        ConfigError: if an amount is no number.
    """
    parsed: dict[str, float] = {}
    for name, value in changes.items():
        try:
            parsed[name] = float(value)
        except ValueError:
            raise ConfigError(
                f"--edit {name}: {value!r} is no number",
                remedy=f"Write, for example, --edit {name}=+1.5.",
            ) from None
    return parsed
