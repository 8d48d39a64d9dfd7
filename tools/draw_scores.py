"""Draws the figures of docs/scores: what each score says of fakes that are wrong in a known way.

Rows of two numbers around eight places, small pictures, answers to blurred pictures, a table of
people and its filled holes: each in versions whose fault is known. Every number is computed here,
with the functions that evaluations use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from gannet.core.frame import Cells, Frame
from gannet.core.scores import Score
from gannet.core.types import Batch, Condition
from gannet.evaluation.memorization import duplicate_score
from gannet.evaluation.paired import paired_scores
from gannet.evaluation.report.summary import kind_of
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.evaluation.two_sample.test import classifier_two_sample_test
from gannet.evaluation.unpaired import unpaired_scores
from gannet.metrics import METRICS
from gannet.metrics.memorization import closest, suspects
from gannet.metrics.modes.spread import find_modes, neighbor_distance, std_within_modes
from gannet.metrics.outliers import outlier_rate
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.image.evaluation.comparison import STRUCTURE
from gannet.modalities.image.evaluation.sharpness import EDGE, roughness
from gannet.modalities.registry import find_modality
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.evaluate import evaluate_table
from gannet.modalities.table.evaluation.imputation_report import evaluate_filled
from gannet.modalities.table.rules import rules_of, violations
from gannet.networks.classifier import train_classifier
from gannet.networks.features import RandomConvolutionFeatures

COUNT = 600
SIDE = 24
"""Of the pictures, in pixels."""

Found = dict[str, dict[str, float]]
"""What each score says, by its name and by what is wrong with the fakes."""


def places(count: int, seed: int) -> Tensor:
    """Which place each row of the ``ring`` of that seed lies around, ``(count,)``."""
    return torch.randint(0, 8, (count,), generator=torch.Generator().manual_seed(seed))


def ring(count: int, seed: int, *, among: int = 8, spread: float = 0.12) -> Tensor:
    """Rows ``(count, 2)`` around places on a circle."""
    chance = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, among, (count,), generator=chance) * (torch.pi / 4)
    middle = torch.stack([angle.cos(), angle.sin()], 1)
    return (middle + spread * _normal(chance, count, 2)).double()


def heaps() -> dict[str, Tensor]:
    """Fake rows by what is wrong with them."""
    return {
        "further reals": ring(COUNT, 3),
        "half the places": ring(COUNT, 4, among=4),
        "blurred": ring(COUNT, 5, spread=0.35),
        "copies": ring(COUNT, 1),
        "all alike": ring(1, 6).expand(COUNT, 2) + 0.01 * ring(COUNT, 7),
    }


def of_rows() -> Found:
    """Scores that compare heaps of any kind."""
    held_out, train = ring(COUNT, 2), ring(COUNT, 1)
    usual = closest(held_out, [train])[0]
    found: Found = {}
    for name, fake in heaps().items():
        told = {score: rated.function(held_out, fake) for score, rated in METRICS.items()}
        best = classifier_two_sample_test(held_out, fake, seed=0).strongest
        told["c2st accuracy"] = best.accuracy
        told["memorization"] = float(suspects(closest(fake, [train])[0], usual).double().mean())
        real, made = FeatureSet(held_out), FeatureSet(fake)
        told["duplicate rate"] = duplicate_score(real, made, real, real, "rows").value
        _add(found, name, told)
    return found


def of_spread() -> Found:
    """Scores of how wide each place is."""
    training, held_out = ring(COUNT, 1), ring(COUNT, 2)
    modes = find_modes(held_out, seed=0)
    versions = heaps() | {"shrunken": ring(COUNT, 8, spread=0.06)}
    found: Found = {}
    for name, fake in versions.items():
        told = {
            "spread within modes": std_within_modes(held_out, fake, modes),
            "neighbor distance": neighbor_distance(held_out, fake),
            "outlier rate": outlier_rate(training, fake),
        }
        _add(found, name, told)
    return found


def of_classes() -> Found:
    """Scores of fakes that were asked for by class, the place on the circle."""
    labels, held_out = places(COUNT, 2), ring(COUNT, 2).float()
    reals = train_classifier(ring(COUNT, 1).float(), places(COUNT, 1), 8, seed=0, steps=200)
    wanted, fakes = places(COUNT, 3), ring(COUNT, 3).float()
    swapped = torch.where(wanted == 1, 0, torch.where(wanted == 0, 1, wanted))
    one_each = torch.stack([fakes[wanted == number][0] for number in range(8)])[wanted]
    chance = torch.Generator().manual_seed(0)
    versions = {
        "further reals": (fakes, wanted),
        "two swapped": (fakes, swapped),
        "blurred": (ring(COUNT, 3, spread=0.35).float(), wanted),
        "one of each": (one_each + 0.001 * _normal(chance, COUNT, 2), wanted),
        "class ignored": (fakes, wanted.roll(1)),
    }
    found: Found = {}
    for name, (samples, asked) in versions.items():
        learnt = train_classifier(samples, asked, 8, seed=0, steps=200)
        told = {
            "class accuracy": float((reals.predict(samples) == asked).double().mean()),
            "tstr": float((learnt.predict(held_out) == labels).double().mean()),
        }
        _add(found, name, told)
    return found


def pictures(count: int, seed: int) -> Tensor:
    """Smooth patches with a few hard edges and a little grain, ``(count, 1, 24, 24)``."""
    chance = torch.Generator().manual_seed(seed)
    coarse = interpolate(_normal(chance, count, 1, 5, 5), SIDE, mode="bicubic", align_corners=False)
    edges = (interpolate(_normal(chance, count, 1, 4, 4), SIDE, mode="nearest") > 0.7) * 0.8
    return (0.5 * coarse + edges - 0.3 + 0.03 * _normal(chance, count, 1, SIDE, SIDE)).clamp(-1, 1)


def blurred(samples: Tensor) -> Tensor:
    """Each pixel the mean of five by five."""
    return avg_pool2d(samples, 5, 1, 2, count_include_pad=False)


def grainy(samples: Tensor, seed: int, much: float = 0.25) -> Tensor:
    """With noise on every pixel."""
    chance = torch.Generator().manual_seed(seed)
    return (samples + much * _normal(chance, *samples.shape)).clamp(-1, 1)


def of_textures() -> Found:
    """Scores of how smooth and how rough pictures are."""
    usual = roughness(pictures(COUNT, 2))
    low, high = usual.quantile(EDGE), usual.quantile(1 - EDGE)
    fakes = pictures(COUNT, 3)
    versions = {
        "further reals": fakes,
        "blurred": blurred(fakes),
        "noisy": grainy(fakes, 4),
        "some blurred": torch.cat([blurred(fakes[:200]), fakes[200:]]),
        "blurred, noisy": grainy(blurred(fakes), 4, 0.07),
    }
    found: Found = {}
    for name, made in versions.items():
        each = roughness(made)
        shares = {"oversmoothed": each < low, "noisy": each > high}
        _add(found, name, {kind: float(bad.double().mean()) for kind, bad in shares.items()})
    return found


def of_answers() -> Found:
    """Scores of answers to blurred pictures; each answerer is asked several times."""
    targets = pictures(200, 5)
    given, strangers = blurred(targets), pictures(200, 6)
    feature_extractor = RandomConvolutionFeatures(pictures(400, 7))
    answerers: dict[str, Callable[[int], Tensor]] = {
        "the target": lambda _: targets,
        "as given": lambda _: given,
        "made-up grain": lambda draw: grainy(given, draw, 0.1),
        "moved by 1 px": lambda _: targets.roll(1, 3),
        "another's target": lambda draw: strangers.roll(draw, 0),
    }
    return _scored(
        {
            name: paired_scores(
                answer(9),
                targets,
                {},
                feature_extractor,
                lambda n, answer=answer: answer(n)[:64],
                modality=find_modality("image"),
                seed=0,
            )
            for name, answer in answerers.items()
        }
    )


def of_unpaired() -> Found:
    """Scores of answers to dark pictures that shall become like bright ones."""
    shown, wanted, strangers = (pictures(200, seed) for seed in (8, 9, 10))
    given = (shown - 1) / 2  # within the range, so that nothing of it is cut
    feature_extractor = RandomConvolutionFeatures(pictures(400, 7))
    blank = Condition.none(wanted)
    told = replace(blank, vector=torch.ones(len(wanted), 1), grid=given)
    problem = Batch(wanted, told)
    answers = {
        "as given": given,
        "half of the way": (given + shown) / 2,
        "all of the way": shown,
        "moved by 1 px": shown.roll(1, 3),
        "a stranger": strangers,
    }
    seen = feature_extractor(wanted), feature_extractor(given)
    return _scored(
        {
            name: unpaired_scores(
                made,
                problem,
                (*seen, feature_extractor(made)),
                ("bright",),
                preserved=(STRUCTURE,),
                seed=0,
            )
            for name, made in answers.items()
        }
    )


def people(count: int, seed: int, *, towns: Sequence[str] = ("north", "south", "east")) -> Frame:
    """Age, income after age, a town, weight with holes, and whether rich, after income."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, count)
    income = np.round(900 * age + rng.lognormal(9, 0.6, count), 2)
    town = rng.choice(np.array(towns, object), count)
    weight = np.round(60 + 0.3 * age + rng.normal(0, 6, count), 1)
    weight[rng.random(count) < 0.15] = np.nan
    rich = np.where(income + rng.normal(0, 9_000, count) > 55_000, "yes", "no").astype(object)
    return Frame(("age", "income", "town", "weight", "rich"), (age, income, town, weight, rich))


def of_tables() -> Found:
    """Scores of rows of tables."""
    train, held_out = people(1_600, 1), people(800, 2)
    codec = TableCodec.fit_frame(train)
    rng = np.random.default_rng(3)
    good = people(1_600, 3)
    age, income, town, weight, rich = good.columns
    full = np.where(np.isnan(weight.astype(float)), np.nanmean(weight.astype(float)), weight)
    rough = np.round(income.astype(float) + rng.normal(0, 20_000, len(good)), 2)
    versions = {
        "further reals": good,
        "shuffled columns": replace(train, columns=tuple(map(rng.permutation, train.columns))),
        "a town is missing": people(1_600, 4, towns=("north", "south")),
        "holes filled": replace(good, columns=(age, income, town, full, rich)),
        "income noisy": replace(good, columns=(age, rough, town, weight, rich)),
        "copies": train[rng.integers(0, len(train), 1_600)],
    }
    test = GeneratorTest(find_modality("table"), codec)
    return _scored(
        {
            name: evaluate_table(train, held_out, fake, codec, count=800, two_sample=test).scores
            for name, fake in versions.items()
        }
    )


def bills(count: int, seed: int) -> Frame:
    """First and last day of a stay, and a bill: a bed, drugs and their sum."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 300, count)
    bed, drugs = (np.round(rng.lognormal(5, 0.7, count), 2) for _ in range(2))
    columns = first, first + rng.integers(1, 9, count), bed, drugs, np.round(bed + drugs, 2)
    return Frame(("first", "last", "bed", "drugs", "total"), columns)


def of_rules() -> Found:
    """The score of rules between columns."""
    train, good = (bills(COUNT, seed) for seed in (1, 3))
    codec, rng = TableCodec.fit_frame(train), np.random.default_rng(4)
    first, last, bed, drugs, total = good.columns
    turned = np.arange(COUNT) % 5 == 0
    swapped = (np.where(turned, last, first), np.where(turned, first, last))
    versions = {
        "further reals": good,
        "a fifth turned round": replace(good, columns=(*swapped, bed, drugs, total)),
        "sums off by a cent": replace(good, columns=(first, last, bed, drugs, total + 0.01)),
        "shuffled columns": replace(train, columns=tuple(map(rng.permutation, train.columns))),
        "copies": train,
    }
    rules = rules_of(train, codec.columns)
    found: Found = {}
    for name, fake in versions.items():
        share = float(violations(fake, rules, codec.columns).any(1).mean())
        _add(found, name, {"rule violations": share})
    return found


def of_filled() -> Found:
    """Scores of filled holes of a table."""
    train, held_out = people(1_600, 1), people(400, 2)
    codec = TableCodec.fit_frame(train)

    def filled(frame: Frame, samples: int, cell: Callable[[Cells, int, int], Cells]) -> list[Frame]:
        return [
            replace(
                frame,
                columns=tuple(cell(each, at, draw) for at, each in enumerate(frame.columns)),
            )
            for draw in range(samples)
        ]

    def known(at: int, draw: int, rows: Sequence[int] | slice = slice(None)) -> Cells:
        pool = people(1_600, 10 + draw).columns[at][rows]
        return pool[[each == each for each in pool]]  # NaN alone differs from itself

    def gone(cells: Cells) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([each is None or each != each for each in cells])

    def put(cells: Cells, new: Callable[[int], Cells]) -> Cells:
        holes = gone(cells)
        made = cells.copy()
        made[holes] = new(int(holes.sum()))
        return made

    def commonest(cells: Cells, at: int, _draw: int) -> Cells:
        pool = known(at, 0)
        if isinstance(pool[0], str):
            names, counts = np.unique(pool.astype(str), return_counts=True)
            return put(cells, lambda n: np.full(n, names[counts.argmax()], object))
        return put(cells, lambda n: np.full(n, pool.astype(float).mean()))

    def drawn(cells: Cells, at: int, draw: int) -> Cells:
        return put(cells, lambda n: np.random.default_rng(draw).choice(known(at, draw), n))

    def sure(cells: Cells, at: int, _draw: int) -> Cells:
        return drawn(cells, at, 0)

    versions = {"mean or commonest": commonest, "other rows' cells": drawn, "always one": sure}
    return _scored(
        {
            name: evaluate_filled(
                train, held_out, codec, lambda frame, n, cell=cell: filled(frame, n, cell)
            ).scores
            for name, cell in versions.items()
        }
    )


def _normal(chance: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=chance)


def _add(found: Found, name: str, condition: Mapping[str, float]) -> None:
    for kind, value in condition.items():
        found.setdefault(kind, {})[name] = value


def _scored(reports: Mapping[str, Sequence[Score]]) -> Found:
    """By kind; of scores of one kind the first, such as that of the first column."""
    found: Found = {}
    for name, scores in reports.items():
        _add(found, name, {kind_of(score): score.value for score in reversed(scores)})
    return found


def draw(values: Mapping[str, float], path: Path) -> None:
    """One figure: bars of a score, by what is wrong with the fakes."""
    figure = Figure(figsize=(5.2, 0.5 + 0.32 * len(values)), layout="constrained")
    figure.set_facecolor("white")
    axes = figure.add_subplot()
    heights = list(range(len(values) - 1, -1, -1))
    axes.barh(heights, list(values.values()), height=0.6, color="#0060a8")
    axes.set_yticks(heights, list(values))
    for height, value in zip(heights, values.values(), strict=True):
        axes.annotate(
            f" {value:.3g}", (max(value, 0), height), va="center", fontsize=9, color="#1a1c1f"
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def main(folder: Path) -> None:
    """Draw all; where rows and tables share a kind of score, rows show it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = (
        of_filled()
        | of_rules()
        | of_tables()
        | of_answers()
        | of_unpaired()
        | of_textures()
        | of_classes()
        | of_rows()
        | of_spread()
    )
    for kind, values in found.items():
        draw(values, folder / f"{kind.lower().replace(' ', '-')}.png")
        print(kind, {name: round(value, 3) for name, value in values.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures/scores"))
