"""Train a recipe from picture to picture on real pictures, and show what it answers.

``python examples/picture_to_picture.py ageing portraits --minutes 10`` with one of:

- ``van_gogh FOLDER``: FOLDER holds a folder ``paintings`` and a folder ``photos``, any sizes.
- ``ageing FOLDER``: FOLDER holds a folder ``young`` and a folder ``old`` of faces.
- ``emoji FOLDER``: two folders of emoji with equal names; the first one is given.
- ``facades FOLDER``: pictures side by side, photo left, map of labels right.
- ``pencil FOLDER``: any folder of pictures; pencil edges of them are given.

Without a FOLDER, ``pencil`` takes pieces of three free photos that come with scikit-image (extra
``pictures``). Writes the run, and ``sheet.png``: what was given, the best answer, and three drawn
ones.
"""

# pyright: basic, reportMissingTypeStubs=false

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image

import gannet
from gannet.modalities.image.grid import grid_png


@dataclass(frozen=True)
class Example:
    """What differs from one to the other.

    Attributes:
        recipe: Its name.
        settings: Of the recipe.
        to: The side that is wanted, where there are two without pairs.
    """

    recipe: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    to: str = ""


EXAMPLES = {
    # Paintings are large, and strokes small: pieces of them are what to learn from. Few paintings
    # are soon memorized: --minutes 4 with large steps do better than ten with small ones.
    "van_gogh": Example(
        "translate_unpaired", {"crop_size": 64, "learning_rate": 8e-4}, to="paintings"
    ),
    # A face is one thing: the discriminator should see most of it at once.
    "ageing": Example("translate_unpaired", {"discriminator_levels": 4}, to="old"),
    "emoji": Example("translate", {"pairs": "folders"}),
    "facades": Example("translate", {"pairs": "side_by_side", "input_side": "right"}),
    "pencil": Example("translate", {"pairs": "edges"}),
}
SHOWN, DRAWS = 8, 3


def pieces(folder: Path, side: int = 64) -> Path:
    """Three free photos, cut."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut", "chelsea", "coffee"):
        photo: NDArray[np.uint8] = getattr(skimage.data, name)()
        for top in range(0, photo.shape[0] - side + 1, side):
            for left in range(0, photo.shape[1] - side + 1, side):
                piece = Image.fromarray(photo[top : top + side, left : left + side])
                piece.save(folder / f"{name}-{top:03}-{left:03}.png")
    return folder


def main(example: Example, data: Path, out: Path, **budget: Any) -> None:
    """Train, and answer some pictures that training did not see."""
    settings = example.settings | budget
    session = gannet.prepare(data, out / "run", recipe=example.recipe, seed=0, **settings)
    for moment in session.run():
        if moment.evaluation:
            print(f"step {moment.result.step}: {moment.evaluation.diagnosis.name}")
    model = gannet.load(out / "run")

    held_out = session.dataset.held_out
    rows = np.arange(len(held_out))
    if example.to:
        rows = rows[held_out.labels != model.classes.index(example.to)]
    # From all over them: names that begin alike are often pictures that look alike.
    some = held_out.take(rows[:: max(len(rows) // SHOWN, 1)][:SHOWN])
    given = some.condition.grid if some.condition.grid.shape[1] else some.real
    pictures = ((given.movedim(1, -1) + 1) * 127.5).round().to(torch.uint8).numpy()
    shown = [given]
    asked: dict[str, Any] = {"domain": example.to} if example.to else {}
    best = [model.apply(each, **asked) for each in pictures]
    drawn = [model.apply(each, samples=DRAWS, seed=1, **asked) for each in pictures]
    for answers in (best, *([each[draw] for each in drawn] for draw in range(DRAWS))):
        made = torch.from_numpy(np.stack(answers)).float().movedim(-1, 1)
        shown.append(made / 127.5 - 1)
    channels = max(each.shape[1] for each in shown)
    grid = torch.cat([each.expand(-1, channels, -1, -1) for each in shown])
    grid_png(grid, out / "sheet.png", columns=len(given))
    print(f"{out / 'sheet.png'}: given, the best answer, three drawn by chance")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("example", choices=sorted(EXAMPLES), nargs="?", default="pencil")
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--steps", type=int, help="train so many steps instead")
    asked = parser.parse_args()
    place = asked.out or Path("runs") / asked.example
    spent = {"steps": asked.steps} if asked.steps else {"minutes": asked.minutes}
    if not asked.data and asked.example != "pencil":
        parser.error(f"{asked.example} needs a FOLDER")
    main(EXAMPLES[asked.example], asked.data or pieces(place / "pieces"), place, **spent)
