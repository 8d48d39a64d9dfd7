"""Held-out digits and emoji found in the noise of short runs, named directions, edits undone.

    make bench NAME=editing DATA=FOLDER

FOLDER holds ``mnist`` and ``emoji/noto``. Names are checked on fresh samples by other measures than
those that gave them: Pillow's HSV and Lab against luma and chroma, bounding boxes against moments,
widths of rows against outlines.

A name is right if its own measure, made another way, rises along the direction: by ``MOVED`` of its
usual spreads on average, and in ``MOST`` of the samples. Chance would let an eighth pass or less.

Two figures tell how edits are undone. ``undo_db`` is the loss after an edit that was kept in a
file is taken back, pictures rounded to 8 bit. ``undo_from_picture_db`` is harder: the edited
picture alone is found anew, as a stranger would, and the edit is taken back; the same without
tuning, where what is lost is only what the search does not find again.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import gannet
from gannet.core.device import threads
from gannet.data import dataset
from gannet.inference.editing.direction_names import HALF_WIDTH, UNNAMED
from gannet.inference.editing.editor import Editor
from gannet.inference.editing.inversion import USUAL, InvertedImage, find
from gannet.inference.editing.saved import load_latents, save_latents
from gannet.metrics.image_quality import psnr

MINUTES, PICTURES, SAMPLES = 2.0, 20, 200
MOVED, MOST = 0.3, 0.7
GOAL_DB, GOAL_SECONDS = 22.0, 20.0
AMOUNT = 2.0
"""Spreads of noise of an edit that is undone."""

SETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "digits": ("mnist", {}),
    "emoji": ("emoji/noto", {"resolution": 32}),
}
Pixels = NDArray[np.uint8]


def run(
    data: Path,
    *,
    minutes: float = MINUTES,
    count: int = PICTURES,
    seed: int = 0,
    keep: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Train, or take up the runs in the folder ``keep``, and measure on one core."""
    found: dict[str, Any] = {"minutes": minutes, "count": count, "seed": seed, "note": note}
    with tempfile.TemporaryDirectory() as held, threads(1):
        for name, (part, options) in SETS.items():
            folder = Path(keep or held) / name
            gannet.train(data / part, folder, minutes=minutes, seed=seed, threads=1, **options)
            found[name] = measured(data / part, folder, count, seed)
            print(name, found[name])
    sets = [found[name] for name in SETS]
    named, right = (sum(each["names"][key] for each in sets) for key in ("named", "right"))
    return found | {
        "psnr": min(each["psnr_worst"] for each in sets),
        "seconds": max(each["seconds_worst"] for each in sets),
        "names_right": round(right / max(named, 1), 3),
        "names": f"{right} of {named}",
        "undo_db": max(each["undo_db"] for each in sets),
    }


def measured(data: Path, folder: Path, count: int, seed: int) -> dict[str, Any]:
    """All figures of one run."""
    model = gannet.load(folder)
    editor = model.editor(seed=seed)
    pictures = held_out(model, data, count)
    found: list[InvertedImage] = []
    seconds: list[float] = []
    busy: list[float] = []
    for picture in pictures:
        began, worked = time.perf_counter(), time.process_time()
        found += find(editor.generator, picture[None], search=USUAL, seed=seed)
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    reached = [
        rounded_psnr(each.image(), each_of) for each, each_of in zip(found, pictures, strict=True)
    ]
    plain = [each.psnr_untuned for each in found]
    return {
        "steps": model.card.steps,
        "psnr_median": round(float(np.median(reached)), 2),
        "psnr_worst": round(min(reached), 2),
        "psnr_untuned_median": round(float(np.median(plain)), 2),
        "psnr_untuned_worst": round(min(plain), 2),
        "seconds_median": round(float(np.median(seconds)), 2),
        "seconds_worst": round(max(seconds), 2),
        "cpu_seconds_worst": round(max(busy), 2),
        "names": names(editor, seed),
    } | undone(editor, found, pictures, model.card.weights)


def held_out(model: Any, data: Path, count: int) -> Tensor:
    """``(count, C, H, W)`` of the run's own held-out part, spread evenly over it."""
    source = dataset.find(data)
    rows = dataset.load(source, {"sample": model.codec}, seed=0).held_out
    return rows.take(np.linspace(0, len(rows) - 1, count).astype(np.int64)).real


def rounded_psnr(made: Tensor, wanted: Tensor) -> float:
    """Decibels between pictures ``(C, H, W)``, what was made as a file would hold it."""
    return float(psnr(as_file(made)[None], wanted[None]))


def as_file(made: Tensor) -> Tensor:
    """Rounded to 8 bit."""
    return ((made.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def undone(
    editor: Editor, found: list[InvertedImage], pictures: Tensor, run_of: str
) -> dict[str, float | int]:
    """Decibels that are lost by an edit and its opposite, through a kept file and without."""
    axes = [each.axis for each in editor.directions if each.name != UNNAMED]
    kept: list[float] = []
    fresh: dict[str, list[float]] = {"tuned": [], "untuned": []}
    changed: list[float] = []
    with tempfile.TemporaryDirectory() as held:
        for number, (each, picture) in enumerate(zip(found, pictures, strict=True)):
            axis = axes[number % len(axes)]
            before = rounded_psnr(each.image(), picture)
            edit = each.moved(axis, AMOUNT)
            changed.append(rounded_psnr(edit.image(), picture))
            path = Path(held) / "edit.safetensors"
            save_latents(edit, path, run_of)
            back = load_latents(path, editor.generator, run_of).moved(axis, -AMOUNT)
            kept.append(before - rounded_psnr(back.image(), picture))
            plain = replace(each, generator=editor.generator)
            for way, start, search in (
                ("tuned", each, USUAL),
                ("untuned", plain, replace(USUAL, tuning=0)),
            ):
                before = rounded_psnr(start.image(), picture)
                edit = start.moved(axis, AMOUNT)
                again = find(editor.generator, as_file(edit.image())[None], search=search)[0]
                back = again.moved(axis, -AMOUNT)
                fresh[way].append(before - rounded_psnr(back.image(), picture))
    return {
        "undo_db": round(max(map(abs, kept)), 3),
        "undo_from_picture_db": round(float(np.median(fresh["tuned"])), 2),
        "undo_untuned_from_picture_db": round(float(np.median(fresh["untuned"])), 2),
        "undo_untuned_from_picture_db_worst": round(max(fresh["untuned"]), 2),
        "edited_psnr_median": round(float(np.median(changed)), 2),
    }


def names(editor: Editor, seed: int) -> dict[str, Any]:
    """How many names of directions another measure bears out, on samples that none has seen."""
    noise, vector = editor.generator.sample_latents(SAMPLES, seed + 1_000)
    decode = editor.codec.decode
    usual = decode(editor.generator.generate(noise, vector))
    verdicts: dict[str, str] = {}
    right = named = 0
    for each in editor.directions:
        evaluation = OTHERS.get(each.name)
        if each.name == UNNAMED or evaluation is None:
            continue
        spread = float(np.nanstd([evaluation(picture) for picture in usual]))
        sides = [
            np.array(
                [
                    evaluation(p)
                    for p in decode(editor.generator.generate(noise + side * each.axis, vector))
                ]
            )
            for side in (-HALF_WIDTH, HALF_WIDTH)
        ]
        moved = sides[1] - sides[0]
        if each.name == "hue":
            moved = (moved + 128) % 256 - 128
        elif each.name == "rotation":
            moved = (moved + 90) % 180 - 90
        moved = moved[np.isfinite(moved)]
        change, agree = float(moved.mean()) / max(spread, 1e-9), float((moved > 0).mean())
        good = change >= MOVED and agree >= MOST
        named, right = named + 1, right + good
        verdicts[str(each.number)] = (
            f"{each.name} {change:+.2f} ({agree:.0%}) {'right' if good else 'wrong'}"
        )
    total = len(editor.directions)
    return {"named": named, "right": right, "directions": total, "each": verdicts}


# ------------------------------------------------------------------------ measures made otherwise
def _color(picture: Pixels) -> Image.Image:
    flat = picture.squeeze(2) if picture.shape[2] == 1 else picture
    return Image.fromarray(flat).convert("RGB")


def value(picture: Pixels) -> float:
    """Mean of the value in Pillow's HSV."""
    return float(np.asarray(_color(picture).convert("HSV"))[..., 2].mean())


def hsv_saturation(picture: Pixels) -> float:
    """Mean of saturation times value in Pillow's HSV."""
    hsv = np.asarray(_color(picture).convert("HSV")).astype(float)
    return float((hsv[..., 1] * hsv[..., 2]).mean())


def hsv_hue(picture: Pixels) -> float:
    """Hue, 0..255, of the most colourful tenth of the pixels in Pillow's HSV, a circular mean."""
    hsv = np.asarray(_color(picture).convert("HSV")).astype(float).reshape(-1, 3)
    best = hsv[np.argsort(hsv[:, 1] * hsv[:, 2])[-len(hsv) // 10 :], 0] * (2 * math.pi / 256)
    return float(np.arctan2(np.sin(best).mean(), np.cos(best).mean()) * 128 / math.pi) % 256


def lab_warmth(picture: Pixels) -> float:
    """Mean of CIE Lab's b, from blue to yellow, plus a, from green to red."""
    linear = np.asarray(_color(picture)).astype(float) / 255
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.moveaxis(np.cbrt(xyz), 2, 0)
    return float((500 * (x - y) + 200 * (y - z)).mean())


def spread_of_light(picture: Pixels) -> float:
    """Between the 5th and the 95th hundredth of brightness, mean of upper and lower tails."""
    light = np.sort(np.asarray(_color(picture).convert("L")).astype(float).ravel())
    tail = max(len(light) // 5, 1)
    return float(light[-tail:].mean() - light[:tail].mean())


def mask(picture: Pixels) -> NDArray[np.bool_]:
    """Whether a pixel differs from the top left corner's colour by a quarter of the range."""
    seen = np.asarray(_color(picture)).astype(float)
    corners = np.stack([seen[0, 0], seen[0, -1], seen[-1, 0], seen[-1, -1]])
    far: NDArray[np.bool_] = np.abs(seen - np.median(corners, 0)).max(2) > 64
    return far


def ends(picture: Pixels, axis: int) -> tuple[float, float]:
    """First and last row or column with at least a twelfth as much ink as the fullest one."""
    sums = mask(picture).sum(axis)
    if not sums.any():
        return math.nan, math.nan
    full = np.flatnonzero(sums >= max(sums.max() / 12, 1))
    return float(full[0]), float(full[-1])


def area(picture: Pixels) -> float:
    """Pixels that differ from the corners."""
    return float(mask(picture).sum())


def middle_x(picture: Pixels) -> float:
    """Column on whose either side is half of the ink."""
    return _half(mask(picture).sum(0))


def middle_y(picture: Pixels) -> float:
    """Row on whose either side is half of the ink."""
    return _half(mask(picture).sum(1))


def _half(sums: NDArray[np.int64]) -> float:
    if not sums.any():
        return math.nan
    total: list[float] = [0.0, *np.cumsum(sums).tolist()]
    return float(np.interp(total[-1] / 2, total, list(range(len(total)))))


def box_width(picture: Pixels) -> float:
    """Of the bounding box."""
    first, last = ends(picture, 0)
    return last - first


def box_height(picture: Pixels) -> float:
    """Of the bounding box."""
    first, last = ends(picture, 1)
    return last - first


def run_length(picture: Pixels) -> float:
    """Mean length of unbroken rows and columns of ink, the shorter of both for each pixel."""
    there = mask(picture)
    if not there.any():
        return math.nan
    both = [_runs(there), _runs(there.T).T]
    return float(np.minimum(*both)[there].mean())


def _runs(there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each pixel of ink the length of the run in its row."""
    found = np.zeros(there.shape, np.int64)
    for row, line in enumerate(there):
        start = 0
        for column in range(len(line) + 1):
            if column == len(line) or not line[column]:
                found[row, start:column] = column - start
                start = column + 1
    return found


def lean(picture: Pixels) -> float:
    """How far the middle between the outermost ink of each row moves to the right going up."""
    there = mask(picture)
    rows = np.flatnonzero(there.any(1))
    if len(rows) < 4:
        return math.nan
    middles = [float(np.median(np.flatnonzero(there[row]))) for row in rows]
    return -float(np.polyfit(rows, middles, 1)[0])


def thinnest_turn(picture: Pixels) -> float:
    """Angle, against the clock, by which a picture must be turned back to be least high."""
    ink = Image.fromarray((mask(picture) * 255).astype(np.uint8))
    best = math.nan
    least = math.inf
    for angle in range(0, 180, 5):
        rows = np.asarray(ink.rotate(-angle)).astype(float).sum(1)
        if rows.sum() == 0:
            return math.nan
        place = np.arange(len(rows))
        center = (rows * place).sum() / rows.sum()
        high = float((rows * (place - center) ** 2).sum() / rows.sum())
        if high < least:
            best, least = float(angle), high
    return best


OTHERS: Mapping[str, Callable[[Pixels], float]] = {
    "brightness": value,
    "contrast": spread_of_light,
    "saturation": hsv_saturation,
    "hue": hsv_hue,
    "warmth": lab_warmth,
    "size": area,
    "thickness": run_length,
    "x": middle_x,
    "y": middle_y,
    "width": box_width,
    "height": box_height,
    "slant": lean,
    "rotation": thinnest_turn,
}
"""Another measure for each name; classes have none and are not counted."""
