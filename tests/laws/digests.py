"""What every recipe computes on small data: the proof that moving code changed no number.

``python tests/laws/digests.py before.json`` trains each recipe for a few steps with a fixed seed,
on one thread and in 32 bit, and writes digests of all weights in order without their names, of
samples (or of outputs, where a recipe turns an input into an output) and of every score, and beside
each digest a few sums. Digests are the same to the last bit on one machine and one set of
libraries; sums are what ``test_numbers.py`` compares, within a tolerance, on any machine.

``python tests/laws/digests.py --compare before.json after.json`` names what differs, and ``--pin``
writes the sums that are compared.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import gannet

STEPS, COUNT = 12, 24
SMALL = {"steps": STEPS, "batch": 8, "threads": 1, "precision": "float32"}


@dataclass(frozen=True)
class Case:
    """One recipe on one data set."""

    recipe: str
    data: str
    settings: dict[str, Any] = field(default_factory=dict)


CASES = {
    "generate-images": Case("generate", "squares.npz", SMALL | {"width": 4}),
    "generate-residual": Case(
        "generate", "photos", SMALL | {"width": 4, "architecture": "residual"}
    ),
    "generate-vectors": Case("generate", "points.csv", SMALL | {"width": 4}),
    "table": Case("table", "people.csv", SMALL),
    "impute": Case("impute", "people.csv", SMALL),
    "vae": Case("vae", "squares.npz", SMALL | {"width": 4}),
    "autoencoder": Case("autoencoder", "squares.npz", SMALL | {"width": 4}),
    "super_resolve": Case(
        "super_resolve",
        "photos",
        SMALL | {"width": 4, "scale": 2, "crop_size": 24, "depth": 2, "detail_blocks": 1},
    ),
    "inpaint": Case("inpaint", "photos", SMALL | {"width": 4, "downsamplings": 2, "crop_size": 32}),
    "translate": Case(
        "translate",
        "photos",
        SMALL | {"width": 4, "downsamplings": 2, "pairs": "edges", "perceptual_weight": 0},
    ),
    "translate_unpaired": Case(
        "translate_unpaired",
        "photos",
        SMALL | {"width": 4, "downsamplings": 2, "projected_weight": 0},
    ),
    "baseline_copula": Case("baseline_copula", "people.csv"),
    "baseline_shuffle": Case("baseline_shuffle", "people.csv"),
    "baseline_mean": Case("baseline_mean", "squares.npz"),
    "baseline_copies": Case("baseline_copies", "squares.npz"),
}

PINNED = ("generate-images", "generate-vectors", "table", "translate_unpaired", "baseline_mean")
"""Few cases, and together every kind of data, a pair of players of each family, and a fit."""

NUMBERS = Path(__file__).with_name("numbers.json")
"""What ``test_numbers.py`` compares."""


def make_data(folder: Path) -> None:
    """Small data of each kind, the same on every machine."""
    rng = np.random.default_rng(0)
    squares = np.zeros((160, 8, 8, 1), np.uint8)
    for picture in squares:
        row, column = rng.integers(0, 5, 2)
        picture[row : row + 3, column : column + 3] = rng.integers(150, 255)
    np.savez(folder / "squares.npz", images=squares, labels=np.arange(160) % 2)
    turn = rng.uniform(0, 2 * np.pi, 200)
    points = np.stack([10 + np.cos(turn), np.sin(turn)], 1)
    np.savetxt(
        folder / "points.csv", points, delimiter=",", header="east,north", comments="", fmt="%.6f"
    )
    with (folder / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "age", "born", "place", "smokes", "weight"])
        for row in range(300):
            place = rng.choice(["north", "south", "east"], p=[0.5, 0.3, 0.2])
            smokes = "yes" if place == "north" and rng.random() < 2 / 3 else "no"
            age = "" if rng.random() < 0.1 else str(rng.integers(18, 80))
            born = np.datetime64("1950-01-01") + rng.integers(0, 20_000)
            rows.writerow([f"P{row:04}", age, born, place, smokes, f"{rng.normal(70, 12):.2f}"])
    axis = np.arange(32)
    for number in range(120):
        kind = ("rings", "stripes")[number % 2]
        y, x = axis[:, None] - rng.uniform(8, 24), axis[None] - rng.uniform(8, 24)
        wave = np.hypot(x, y) if kind == "rings" else x + 0 * y
        shade = 0.5 + 0.5 * np.sin(wave / rng.uniform(1.5, 4))
        picture = (255 * shade[:, :, None] * rng.uniform(0.3, 1, 3)).astype(np.uint8)
        place = folder / "photos" / kind
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:03}.png")


def digest_of(arrays: list[np.ndarray]) -> dict[str, Any]:
    """A digest of numbers in order, and sums that survive another processor."""
    digest = hashlib.blake2b(digest_size=12)
    count, total, size = 0, 0.0, 0.0
    for each in arrays:
        digest.update(np.ascontiguousarray(each).tobytes())
        if each.dtype.kind not in "fiu":
            continue
        finite = each.astype(np.float64)
        count += each.size
        total += float(np.nansum(finite))
        size += float(np.nansum(np.abs(finite)))
    return {"digest": digest.hexdigest(), "count": count, "sum": total, "size": size}


def weights_of(network: torch.nn.Module) -> list[np.ndarray]:
    """All numbers of a network in the order in which it was built, without names."""
    return [value.detach().cpu().numpy() for value in network.state_dict().values()]


def numbers_in(value: Any) -> list[float]:
    """All numbers in a report's JSON, in order, but for times."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, dict):
        return [n for key, each in value.items() if key not in TIMED for n in numbers_in(each)]
    if isinstance(value, list | tuple):
        return [n for each in value for n in numbers_in(each)]
    return []


TIMED = ("seconds", "rate", "elapsed", "training_log")


def cells_of(made: Any) -> list[np.ndarray]:
    """Raw samples as arrays: a data frame by its text, pictures as they are."""
    if hasattr(made, "to_csv"):
        return [np.frombuffer(made.to_csv(index=False).encode(), np.uint8)]
    return [np.asarray(made)]


def outputs_of(model: gannet.Model, case: Case, folder: Path) -> Any:
    """What a run makes: samples, or of one given input an output."""
    if model.artifact.recipe.inference.transform is None:
        return model.sample(COUNT, seed=1)
    if case.recipe == "impute":
        return model.apply(folder / "people.csv", seed=1)
    options = {"domain": "rings"} if case.recipe == "translate_unpaired" else {}
    given = np.asarray(Image.open(folder / "photos" / "stripes" / "001.png"))
    if case.recipe == "super_resolve":
        given = given[:16, :16]
    if case.recipe == "inpaint":  # what is see-through is filled
        alpha = np.full((*given.shape[:2], 1), 255, np.uint8)
        alpha[8:20, 10:24] = 0
        given = np.concatenate([given, alpha], 2)
    return model.apply(given, **options)


def record(name: str, folder: Path) -> dict[str, Any]:
    """Train one case and digest what comes of it."""
    case = CASES[name]
    torch.set_num_threads(1)
    session = gannet.prepare(
        folder / case.data, folder / name, recipe=case.recipe, seed=0, **case.settings
    )
    losses = [sorted(moment.result.numbers().items()) for moment in session.run()]
    model = gannet.load(folder / name)
    product = weights_of(model.artifact.model)
    discriminator = weights_of(model.artifact.discriminator)
    report = model.evaluate(
        folder / case.data,
        count=COUNT,
        seed=0,
        threads=1,
        **({} if case.data == "people.csv" else {"features": "random"}),
    )
    scores = [score.value for score in report.scores]
    everything = numbers_in(report.model_dump(mode="json")["scores"])
    found = {
        "losses": digest_of([np.array([value for _, value in each]) for each in losses]),
        "generator": digest_of(product),
        "discriminator": digest_of(discriminator),
        "outputs": digest_of(cells_of(outputs_of(model, case, folder))),
        "scores": digest_of([np.array(scores)]),
        "report": digest_of([np.array(everything)]),
    }
    if model.artifact.recipe.training.fit is None and case.data != "people.csv":
        real = np.load(folder / case.data)["images"][:8] if case.data == "squares.npz" else None
        if real is not None:
            found["judged"] = digest_of([np.array(model.judge(list(real)))])
    assert all(math.isfinite(each["size"]) for each in found.values())
    return found


def record_all(names: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """Every case, or some."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_data(folder)
        return {name: record(name, folder) for name in names or CASES}


def main(words: list[str]) -> int:
    """Record to a file, or compare two files."""
    if words[0] == "--compare":
        before, after = (json.loads(Path(word).read_text()) for word in words[1:3])
        differ = [
            f"{case}: {part}"
            for case in before
            for part in before[case]
            if before[case][part]["digest"] != after.get(case, {}).get(part, {}).get("digest")
        ]
        print("\n".join(differ) or f"{len(before)} cases are the same to the last bit")
        return int(bool(differ))
    if words[0] == "--pin":
        found = {
            name: {
                part: {key: each[key] for key in ("count", "size")} for part, each in case.items()
            }
            for name, case in record_all(list(PINNED)).items()
        }
        NUMBERS.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    found = record_all(words[1:] or None)
    Path(words[0]).write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
