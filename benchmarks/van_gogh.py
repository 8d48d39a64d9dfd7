"""translate_unpaired from photos to Van Gogh's paintings, after four minutes of one thread.

    make bench NAME=van_gogh DATA=FOLDER

FOLDER holds ``van_gogh`` (57 paintings) and ``photos/BSD100``. Scored on pieces of pictures that
were held out whole. ``domain_gap_closed`` is the energy distance of EfficientNet features to the
held-out paintings: by how much it falls from that of the photos, as a share of the way down to that
of the paintings trained on (real against real). ``way_covered_rooted`` is the same of its square
root.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gannet
from gannet.core.seeding import latents_at
from gannet.core.types import Batch, Condition
from gannet.data.dataset import Rows
from gannet.metrics import image_quality
from gannet.metrics.distribution import energy_distance
from gannet.networks.features import EfficientNetFeatures
from gannet.training.session import prepare

MINUTES, RATE, PATCH, COUNT, AT_ONCE = 4.0, 8e-4, 64, 600, 64


def run(data: Path, *, minutes: float = MINUTES, seed: int = 0, keep: str = "") -> dict[str, Any]:
    """Train, or take up the run that is in the folder ``keep``, and score it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as held:
        place = Path(keep or held)
        sides = place / "sides"
        for name, folder in (("paintings", "van_gogh"), ("photos", "photos/BSD100")):
            link(sorted((data / folder).iterdir()), sides / name)
        session = prepare(
            sides, place / "run", recipe="translate_unpaired", minutes=minutes, seed=seed,
            crop_size=PATCH, learning_rate=RATE, threads=1, clock=time.process_time,
        )  # fmt: skip
        for _ in session.run():
            pass
        model = gannet.load(place / "run")
        held_out, train = session.dataset.held_out, session.dataset.train
        photos, paintings = (some(held_out, side, seed).real for side in (1, 0))
        known = some(train, 0, seed).real
        made = {
            "best": turned(model, photos, 0, None),
            "drawn": turned(model, photos, 0, seed),
        }
    feature_extractor = EfficientNetFeatures()
    target = feature_extractor(paintings)
    before, floor = (energy_distance(feature_extractor(each), target) for each in (photos, known))
    found: dict[str, Any] = {
        "minutes": minutes,
        "seed": seed,
        "steps": model.card.steps,
        "pieces": len(photos),
        "distance_before": round(before, 4),
        "reference": round(floor, 4),
    }
    for name, pictures in made.items():
        after = energy_distance(feature_extractor(pictures), target)
        last = "" if name == "best" else f"_{name}"
        found[f"distance_after{last}"] = round(after, 4)
        found[f"way_covered{last}"] = round((before - after) / (before - floor), 4)
        roots = [max(each, 0.0) ** 0.5 for each in (before, after, floor)]
        found[f"way_covered_rooted{last}"] = round((roots[0] - roots[1]) / (roots[0] - roots[2]), 4)
        found[f"structure{last}"] = round(
            float(image_quality.edge_correlation(pictures, photos).mean()), 4
        )
    return found


def link(files: list[Path], folder: Path) -> None:
    """A folder of links to pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file.resolve())


def some(rows: Rows, side: int, seed: int) -> Batch:
    """Some pieces of one side."""
    mine = torch.from_numpy(rows.labels == side).nonzero().squeeze(1)
    chance = torch.Generator().manual_seed(seed)
    chosen = mine[torch.randperm(len(mine), generator=chance)[:COUNT]]
    return rows.take(chosen.numpy())


@torch.no_grad()
def turned(model: Any, given: Tensor, side: int, seed: int | None) -> Tensor:
    """Pictures of the other side: the best answers, or drawn ones."""
    width, sides = model.artifact.config.latent_dim, len(model.classes)
    noise = torch.zeros(len(given), width)
    if seed is not None:
        noise = latents_at(seed, range(len(given)), width)
    made: list[Tensor] = []
    for at in range(0, len(given), AT_ONCE):
        part = given[at : at + AT_ONCE]
        told = torch.eye(sides)[[side] * len(part)]
        condition = Condition(told, part, part[:, 0, :0, :0])
        made.append(model.artifact.model(noise[at : at + AT_ONCE], condition).float())
    return torch.cat(made)
