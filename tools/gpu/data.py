"""Small data for every kind that recipes read, and settings for small networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gannet.core.recipe import Recipe
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe, recipe_modules

STEPS, SIDE, COUNT = 30, 32, 160
"""Steps of a run; side and number of the pictures."""

SMALL: dict[str, object] = {
    "width": 8,
    "batch": 16,
    "discriminator_width": 8,
    "downsamplings": 2,
    "depth": 2,
    "detail_blocks": 1,
    "crop_size": 24,
    "stored_samples": 64,
    "threads": 1,
    "augment_p": 0.3,
}


def pictures(count: int, side: int, seed: int = 0) -> NDArray[np.uint8]:
    """``(count, side, side, 3)``: a square of one colour on a slope of another."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.3, 1, side)[None, :, None, None] * np.ones((count, 1, side, 1))
    made = slope * rng.uniform(40, 255, (count, 1, 1, 3))
    for each in made:
        top, left = rng.integers(0, side // 2, 2)
        each[top : top + side // 2, left : left + side // 2] = rng.uniform(0, 255, 3)
    return made.astype(np.uint8)


def _picture_folders(folder: Path, *, paired: bool) -> Path:
    """Two folders: classes, of which one is darker; or what is given and what it becomes."""
    for number, pixels in enumerate(pictures(COUNT, SIDE)):
        dark, bright = Image.fromarray(pixels // 3), Image.fromarray(pixels)
        sides = {"a": dark, "b": bright}
        if not paired:
            sides = {"dark": dark} if number % 2 else {"bright": bright}
        for name, picture in sides.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            picture.save(folder / name / f"{number:03}.png")
    return folder


def _rows(path: Path, *, words: bool) -> Path:
    """Rows of numbers; or of a table, with words, dates and missing cells."""
    rng = np.random.default_rng(0)
    lines = ["east,north,high"]
    if words:
        lines = ["place,smokes,age,born,weight"]
    for _ in range(2 * COUNT):
        turn = rng.uniform(0, 2 * np.pi)
        line = f"{10 + np.cos(turn):.4f},{np.sin(turn):.4f},{rng.normal():.4f}"
        if words:
            place = rng.choice(["north", "south", "east"], p=[0.5, 0.3, 0.2])
            smokes = "yes" if place == "north" and rng.random() < 2 / 3 else "no"
            age = "" if rng.random() < 0.1 else str(rng.integers(18, 80))
            born = np.datetime64("1950-01-01") + rng.integers(0, 20_000)
            line = f"{place},{smokes},{age},{born},{rng.normal(70, 12):.2f}"
        lines.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def cases(only: Sequence[str] = (), those: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Names of all recipes, each with the kinds of data it takes; one kind if it is fitted.

    Args:
        only: Recipes; by default all.
        those: Kinds; by default all.
    """
    for name in sorted(recipe_modules()):
        recipe = find_recipe(name)
        kinds = recipe.inputs.slots["sample"].modalities
        for kind in kinds[:1] if recipe.training.fit is not None else kinds:
            if (not only or name in only) and (not those or kind in those):
                yield name, kind


def _examples(kind: str, given: str, folder: Path) -> Path | None:
    """Examples of a kind in a folder, or in two with inputs; ``None`` where it has none."""
    for side in filter(None, (kind, given)):
        modality = find_modality(side)
        if modality.examples is None or not modality.item_suffix:
            return None
        raws = list(modality.examples(COUNT, np.random.default_rng(0)))
        codec, place = modality.codec.fit(raws), folder / side if given else folder
        place.mkdir(parents=True, exist_ok=True)
        for number, raw in enumerate(raws):
            codec.write(raw, place / f"{number:03}{modality.item_suffix}")
    return folder


def small_data(recipe: Recipe[Any], kind: str, folder: Path) -> Path | None:
    """Data of a kind as a recipe reads them, made once; ``None`` for a kind without examples."""
    slot = recipe.inputs.slots.get(recipe.inputs.given or "sample")
    given = slot.modalities[0] if slot is not None and recipe.inputs.given else ""
    paired = bool(given)
    if kind == "image" and given in ("", kind):
        place = folder / ("pairs" if paired else "pictures")
        return place if place.exists() else _picture_folders(place, paired=paired)
    if kind in ("vector", "table") and not paired:
        place = folder / f"{kind}.csv"
        return place if place.exists() else _rows(place, words=kind == "table")
    place = folder / "-".join(filter(None, (kind, given)))
    return place if place.exists() else _examples(kind, given, place)


def small_settings(recipe: Recipe[Any]) -> dict[str, Any]:
    """Settings for small networks, those that the recipe knows."""
    known = recipe.config.model_fields.keys() - recipe.unused
    steps = {} if recipe.training.fit is not None else {"steps": STEPS}
    return {name: value for name, value in SMALL.items() if name in known} | steps
