"""Does the judge of a run know what it judges: fakes of many kinds, other classes, strangers.

Short runs on UCI Adult, MNIST digits and Noto emoji in groups, judged through ``model.judgments``
on raw reals that the run never saw: the test parts of Adult and MNIST, a fifth of the emoji.
Controls are made here, from those reals, and not by gannet's own corruptions. A stranger counts as
less real than any probability.

Nothing of gannet was chosen on these three sets: settings are from Fashion-MNIST, letter, spam and
German credit.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import gannet
from benchmarks.adult import NUMBERS, TARGET, Table, read_rows, write_table
from gannet.api.model import Model
from gannet.core.errors import ConfigError
from gannet.core.frame import Frame
from gannet.core.types import Spec
from gannet.evaluation.two_sample.test import classifier_two_sample_test, views_of
from gannet.metrics.auc import auc
from gannet.metrics.gaussian_baseline import GaussianBaseline
from gannet.modalities.registry import find_modality
from gannet.modalities.table.codec import TableCodec
from gannet.networks.nonparametric import EmpiricalMarginals

COUNT = 1_000
"""Test reals, and samples of each control."""

PER_SET = 200
"""Strangers from each other set."""

Rng = np.random.Generator
Samples = Any
"""Raw samples: a list of arrays, or a frame of rows."""


@dataclass(frozen=True)
class Case:
    """One set of data.

    Attributes:
        train: What the run is trained on.
        options: Of the run.
        real: Raw test reals.
        labels: The class of each; empty for none.
        controls: Raw samples that are not real, by name.
        strangers: Raw samples that are unlike anything in training.
    """

    train: Path
    options: Mapping[str, Any]
    real: Samples
    labels: Sequence[str]
    controls: Mapping[str, Samples]
    strangers: Samples


# -- pictures ----------------------------------------------------------------------------------


def picked(total: int, count: int, seed: int) -> list[int]:
    """``count`` different numbers below ``total``."""
    order: list[int] = np.random.default_rng(seed).permutation(total).tolist()
    return order[:count]


def parquet(path: Path, count: int, seed: int) -> tuple[list[NDArray[Any]], list[int]]:
    """Some pictures of a Parquet file, and their labels."""
    import pyarrow.parquet as pq

    read: Any = pq.read_table  # pyright: ignore[reportUnknownMemberType]  # pyarrow has no types
    table: Any = read(path)
    some: Any = table.take(picked(int(table.num_rows), count, seed)).to_pydict()
    contents: list[bytes] = [each["bytes"] for each in some["image"]]
    found = [np.asarray(Image.open(io.BytesIO(each))) for each in contents]
    return found, [int(each) for each in some["label"]]


def files(folder: Path, count: int, seed: int) -> list[NDArray[Any]]:
    """Some pictures of a folder."""
    found = sorted(each for each in folder.rglob("*") if each.suffix in (".png", ".jpg"))
    return [np.asarray(Image.open(found[row])) for row in picked(len(found), count, seed)]


def blurred(picture: NDArray[Any], _rng: Rng) -> NDArray[Any]:
    """Pillow's Gaussian blur, by a thirtieth of the side."""
    radius = max(min(picture.shape[:2]) / 30, 1.0)
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def noised(picture: NDArray[Any], rng: Rng) -> NDArray[Any]:
    """White noise of deviation 20 of 255."""
    return (picture + rng.normal(0, 20, picture.shape)).clip(0, 255).astype(np.uint8)


def shuffled(picture: NDArray[Any], rng: Rng) -> NDArray[Any]:
    """Its sixteen parts in another order."""
    made, rows, columns = picture.copy(), *(side // 4 for side in picture.shape[:2])
    for to, source in enumerate(rng.permutation(16)):
        part = picture[
            source // 4 * rows : (source // 4 + 1) * rows,
            source % 4 * columns : (source % 4 + 1) * columns,
        ]
        made[to // 4 * rows : (to // 4 + 1) * rows, to % 4 * columns : (to % 4 + 1) * columns] = (
            part
        )
    return made


PICTURE_CONTROLS: Mapping[str, Callable[[NDArray[Any], Rng], NDArray[Any]]] = {
    "blurred": blurred,
    "noised": noised,
    "shuffled": shuffled,
}


def pictures(
    train: Path,
    options: Mapping[str, Any],
    real: tuple[list[NDArray[Any]], list[str]],
    other: list[NDArray[Any]],
    strangers: list[NDArray[Any]],
    seed: int,
) -> Case:
    """A case of pictures, with its controls."""
    rng = np.random.default_rng(seed)
    controls = {
        name: [make(each, rng) for each in real[0]] for name, make in PICTURE_CONTROLS.items()
    }
    return Case(train, options, *real, controls | {"other_kind": other}, strangers)


def digits(data: Path, work: Path, seed: int) -> Case:
    """MNIST with its classes; Fashion-MNIST is the other kind."""
    del work
    real, labels = parquet(data / "mnist" / "test.parquet", COUNT, seed)
    strangers = parquet(data / "cifar10" / "test.parquet", PER_SET, seed)[0]
    for name in ("portraits", "van_gogh", "emoji/twemoji"):
        strangers += files(data / name, PER_SET, seed)
    fashion = parquet(data / "fashion_mnist" / "test.parquet", COUNT, seed)[0]
    known = (real, [str(each) for each in labels])
    options = {"label": "label"}
    return pictures(data / "mnist" / "train.parquet", options, known, fashion, strangers, seed)


def emoji(data: Path, work: Path, seed: int) -> Case:
    """Four fifths of Noto's emoji with their groups; CIFAR-10 is the other kind."""
    source = data / "emoji" / "noto"
    with (source / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    order = picked(len(rows), len(rows), 17)
    folder, test = work / "emoji", [rows[at] for at in order[: len(rows) // 5]]
    if not folder.exists():
        for row in (rows[at] for at in order[len(rows) // 5 :]):
            place = folder / f"group {row['group']}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / row["file_name"], place)
    real = [np.asarray(Image.open(source / row["file_name"])) for row in test]
    strangers = parquet(data / "mnist" / "test.parquet", PER_SET, seed)[0]
    for name in ("portraits", "van_gogh", "facades/val"):
        strangers += files(data / name, PER_SET, seed)
    other = parquet(data / "cifar10" / "test.parquet", COUNT, seed)[0]
    known = (real, [f"group {row['group']}" for row in test])
    return pictures(folder, {}, known, other, strangers, seed)


# -- rows --------------------------------------------------------------------------------------


def frame(rows: Table) -> Frame:
    """Rows as gannet takes them."""
    return Frame(
        tuple(rows),
        tuple(each if each.dtype.kind in "iuf" else each.astype(object) for each in rows.values()),
    )


def adult(data: Path, work: Path, seed: int) -> Case:
    """Adult: its training part, and rows of its test part."""
    train = write_table(read_rows(data / "tables" / "adult-train.csv"), work / "adult.csv")
    rng = np.random.default_rng(seed)
    every = read_rows(data / "tables" / "adult-test.csv")
    chosen = rng.permutation(len(every[TARGET]))[:COUNT]
    real: Table = {name: cells[chosen] for name, cells in every.items()}
    mixed: Table = {name: rng.permutation(cells) for name, cells in real.items()}
    some: Table = {
        name: np.where(rng.random(len(cells)) < 0.25, mixed[name], cells)
        for name, cells in real.items()
    }
    values = np.unique(real[TARGET])
    turned: NDArray[Any] = np.where(real[TARGET] == values[0], values[1], values[0])
    flipped: Table = real | {TARGET: turned}
    alien: Table = {
        name: rng.integers(cells.min(), cells.max() + 1, len(cells))
        if name in NUMBERS
        else rng.choice(np.unique(cells), len(cells))
        for name, cells in real.items()
    }
    return Case(
        train,
        {},
        frame(real),
        (),
        {
            "shuffled": frame(mixed),
            "noised": frame(some),
            "other_class": frame(flipped),
            "other_kind": frame(alien),
        },
        frame(_strange(real, rng)),
    )


def _strange(real: Table, rng: Rng) -> Table:
    """Real rows with one cell that nobody has: a new value, or a number far outside."""
    made: Table = {
        name: cells.astype(np.int64) if name in NUMBERS else cells.astype(object)
        for name, cells in real.items()
    }
    names = list(made)
    for row in range(len(real[TARGET])):
        name = names[int(rng.integers(len(names)))]
        top = int(real[name].max()) if name in NUMBERS else 0
        made[name][row] = 3 * top + 1_000 if name in NUMBERS else f"new {rng.integers(9)}"
    return made


# -- measuring ---------------------------------------------------------------------------------


def scores(model: Model, samples: Samples, label: str | None = None) -> NDArray[np.float64]:
    """Probabilities; -1 for strangers, .5 where none can be given."""
    if not len(samples):
        return np.zeros(0)
    return np.array(
        [
            -1.0 if each.novel else 0.5 if each.probability is None else each.probability
            for each in model.judgments(samples, label=label)
        ]
    )


def by_class(model: Model, case: Case, seed: int) -> float | None:
    """AUC of reals as their own class against the same reals as another."""
    if not case.labels or len(model.classes) < 2:
        return None
    rng = np.random.default_rng(seed)
    own: list[NDArray[np.float64]] = []
    wrong: list[NDArray[np.float64]] = []
    for name in sorted(set(case.labels)):
        rows = [each for each, label in zip(case.real, case.labels, strict=True) if label == name]
        others = [each for each in model.classes if each != name]
        own.append(scores(model, rows, name))
        wrong.append(scores(model, rows, others[int(rng.integers(len(others)))]))
    return auc(np.concatenate(own), np.concatenate(wrong)).value


def baseline(model: Model, case: Case, seed: int) -> tuple[str, Samples]:
    """Samples of a baseline fitted to test reals: a copula for rows, a Gaussian for the rest."""
    codec = model.codec
    if isinstance(case.real, Frame):
        assert isinstance(codec, TableCodec)
        rows = codec.encode_frame(case.real)
        spec: Spec = model.card.spec
        copula = EmpiricalMarginals(spec, len(rows), related=True).fitted(rows)
        source = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(rows), len(copula.columns), generator=source)
        made = copula(noise, spec.blank(len(rows)))
        return "copula", codec.decode_frame(made)
    real = find_modality(codec.kind).inference.encode(codec, case.real)
    numbers = sorted(set(case.labels))
    labels = torch.tensor([numbers.index(each) for each in case.labels])
    fitted = GaussianBaseline.fit(real, labels, len(numbers), seed=seed)
    return "baseline", codec.decode(fitted.sample(labels, seed=seed))


def fresh_critic(model: Model, case: Case, fakes: torch.Tensor, seed: int) -> float:
    """AUC of the strongest of several new classifiers, on half of the test reals and fakes."""
    codec = model.codec
    modality = find_modality(codec.kind)
    real = modality.inference.encode(codec, case.real)
    views = views_of(modality, codec, [modality.features(real, 0)])
    result = classifier_two_sample_test(real, fakes, seed=seed, views=views, modality=modality)
    return max(each.auc for each in result.classifiers)


def measured(case: Case, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Train a run on a case, and ask its judge."""
    session = gannet.prepare(case.train, folder, minutes=minutes, seed=seed, **case.options)
    last = time.perf_counter()
    for _ in session.run():
        last = time.perf_counter()
    end = time.perf_counter() - last
    model = gannet.load(folder)
    artifact = model.artifact
    real = scores(model, case.real)
    found: dict[str, Any] = {"end_seconds": round(end, 1)}
    for name, samples in (*case.controls.items(), baseline(model, case, seed)):
        found[name] = round(auc(real, scores(model, samples)).value, 4)
    if (own := by_class(model, case, seed)) is not None:
        found["other_class"] = round(own, 4)
    fakes = artifact.sample(len(real), seed=seed + 100)
    made = scores(model, model.sample(len(real), seed=seed + 100))
    found["own_fakes"] = round(auc(real, made).value, 4)
    found["fresh_critic"] = round(fresh_critic(model, case, fakes, seed), 4)
    found["behind_fresh_critic"] = round(found["fresh_critic"] - found["own_fakes"], 4)
    found["strangers_named"] = round(float((scores(model, case.strangers) < 0).mean()), 4)
    found["reals_called_strangers"] = round(float((real < 0).mean()), 4)
    card = model.card.judge
    found["untold"] = [] if card is None else list(card.undetected)
    return found


CASES = {"adult": adult, "digits": digits, "emoji": emoji}

LEAST = 0.95
"""AUC that is asked of each control."""


def run(
    data: Path, *, minutes: float = 1.0, seeds: str = "0,1", sets: str = "adult,digits,emoji"
) -> dict[str, Any]:
    """Every set with every seed; the keys of a set hold the worst of its seeds."""
    results: dict[str, Any] = {}
    runs: dict[str, dict[str, Any]] = {}
    for name in sets.split(","):
        if name not in CASES:
            raise ConfigError(f"no set {name!r}", remedy=f"There are: {', '.join(CASES)}.")
        for seed in (int(each) for each in str(seeds).split(",")):
            with tempfile.TemporaryDirectory() as work:
                case = CASES[name](data, Path(work), seed)
                found = measured(case, Path(work) / "run", minutes, seed)
            print(name, seed, json.dumps(found), flush=True)
            runs[f"{name} {seed}"] = found
        mine = [each for key, each in runs.items() if key.split()[0] == name]
        for key in mine[0]:
            values = [each[key] for each in mine]
            high = key in ("behind_fresh_critic", "reals_called_strangers", "end_seconds")
            if key != "untold":
                results[f"{name}_{key}"] = max(values) if high else min(values)
    controls = ("shuffled", "copula", "baseline", "blurred", "noised", "other_class", "other_kind")
    told = [
        value
        for key, value in results.items()
        if any(key.endswith(f"_{each}") for each in controls)
    ]
    return {
        "told": sum(each >= LEAST for each in told),
        "controls": len(told),
        **results,
        "asked": {
            "each control": LEAST,
            "behind_fresh_critic": 0.03,
            "strangers_named": 0.99,
            "reals_called_strangers": 0.02,
        },
        "minutes": minutes,
        "runs": runs,
        "repeats": len(str(seeds).split(",")),
    }
