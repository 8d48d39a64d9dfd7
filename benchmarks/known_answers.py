"""Fakes of which the truth is known: does the report call each what it is, and order them right?

Small pictures (the 1,797 digits of 8 x 8 that scikit-learn carries, Alpaydin and Kaynak 1998) and a
small table made here. Each case names words that the verdict must hold and words it must not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from benchmarks._known.record import Given, Heap
from gannet.core.frame import Frame
from gannet.evaluation.evaluate import Report, evaluate
from gannet.evaluation.report.summary import summary
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.metrics.distribution import energy_distance, frechet_distance, kernel_distance
from gannet.modalities.registry import find_modality
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.evaluate import evaluate_table

COUNT = 250
"""Pictures on each side."""

ROWS = 500
"""Rows of the table on each side."""

ILL = ("Collapsed", "Repeated", "Memorised", "Copies", "Blurred", "Noisy", "missing", "believable")
"""Words that say that something is wrong; ``c2st accuracy`` sentences are apart."""


@dataclass(frozen=True)
class Digits:
    """Reals to train on, held out, and further ones that serve as the perfect generator."""

    train: Heap
    held_out: Heap
    spare: Tensor
    spare_labels: NDArray[np.int64]
    classes: tuple[str, ...] = tuple("0123456789")


@dataclass(frozen=True)
class Case:
    """What the fakes are.

    Attributes:
        name: In a word.
        says: Patterns that the verdict must hold.
        also: Words of ``ILL`` that it may hold too, since they are also true.
    """

    name: str
    says: tuple[str, ...]
    also: tuple[str, ...] = ()


PICTURES = (
    Case("further reals", ("No difference found, and one of", "No sign of memorised")),
    Case("noise", ("Noisy", "nearly always", "loses to its baseline"), ("missing", "believable")),
    Case("blurred", ("Blurred",), ("believable", "missing", "Repeated")),
    Case(
        "classes dropped",
        ("Variety is missing", r"Missing classes\*\*: [5-9](, [5-9]){2,4} \("),
        ("believable", "Repeated"),
    ),
    Case("memorization", ("Memorised", "Copies"), ("Repeated",)),
    Case("one repeated", ("Collapsed", "Variety is missing"), ILL),
    Case("memorising", ("Memorised",), ("Repeated",)),
)

TABLES = (
    Case("further reals", ("No difference found, and one of", "No sign of memorised")),
    Case("noise", ("loses to its baseline", "nearly always|often tells"), ()),
    Case("classes dropped", (r"Values are missing\*\* from town: no fake has \w+",)),
    Case("memorization", ("Copies", "Memorised"), ()),
    Case("one repeated", ("Collapsed",), ILL),
    Case("memorising", ("Memorised",), ()),
)


def digits(seed: int = 0) -> Digits:
    """The digits in [-1, 1], shared out at random."""
    data: Any = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.images))
    pictures = torch.from_numpy(data.images).float()[order, None] / 8 - 1
    labels = data.target[order].astype(np.int64)
    train, held_out, spare = slice(0, 1_000), slice(1_000, 1_300), slice(1_300, None)
    return Digits(
        Heap(pictures[train], labels[train], "image"),
        Heap(pictures[held_out], labels[held_out], "image"),
        pictures[spare],
        labels[spare],
    )


def blurred(pictures: Tensor) -> Tensor:
    """Each pixel the mean of nine, as pictures of too small a generator look."""
    return avg_pool2d(pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def picture_fakes(data: Digits, seed: int = 1) -> dict[str, Tensor]:
    """The fakes of each of ``PICTURES``."""
    chance = torch.Generator().manual_seed(seed)
    train = data.train.samples
    some = train[torch.randperm(len(train), generator=chance)[:COUNT]]
    few: Any = data.spare_labels < 5
    kept = data.spare[few]
    again = kept[torch.randint(len(kept), (COUNT,), generator=chance)]
    near = 0.03 * torch.randn(some.shape, generator=chance)
    return {
        "further reals": data.spare[:COUNT],
        "noise": torch.rand(some.shape, generator=chance) * 2 - 1,
        "blurred": blurred(data.spare[:COUNT]),
        "classes dropped": torch.cat([kept, again])[:COUNT],
        "memorization": some,
        "one repeated": data.spare[:1].repeat(COUNT, 1, 1, 1),
        "memorising": (some + near).clamp(-1, 1),
    }


def people(count: int, seed: int) -> Frame:
    """Age, income after age, a town, and a note that depends on income."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, count)
    income = np.round(900 * age + rng.lognormal(9, 0.6, count), 2)
    town = rng.choice(np.array(["north", "south", "east"], object), count, p=[0.5, 0.3, 0.2])
    rich = np.where(income + rng.normal(0, 9_000, count) > 55_000, "yes", "no").astype(object)
    return Frame(("age", "income", "town", "rich"), (age, income, town, rich))


def table_fakes(train: Frame, seed: int = 3) -> dict[str, Frame]:
    """The fakes of each of ``TABLES``."""
    rng, count = np.random.default_rng(seed), len(train)
    further = people(2 * count, seed)
    dropped = further[further.column("town") != "east"]
    age, income, town, rich = train.columns
    near = np.round(np.asarray(income, np.float64) * (1 + 0.0005 * rng.normal(size=count)), 2)
    noise = (
        rng.integers(18, 80, count),
        np.round(rng.uniform(0, 250_000, count), 2),
        rng.choice(np.array(["north", "south", "east"], object), count),
        rng.choice(np.array(["yes", "no"], object), count),
    )
    return {
        "further reals": further[:count],
        "noise": replace(train, columns=noise),
        "classes dropped": dropped[:count],
        "memorization": train[rng.permutation(count)],
        "one repeated": train[np.zeros(count, np.int64)],
        "memorising": replace(train, columns=(age, near, town, rich)),
    }


def picture_reports(seed: int = 0) -> dict[str, Report]:
    """A report on each of the pictures."""
    data = digits(seed)
    return {
        name: evaluate(Given(fakes), data, count=COUNT, steps=40, seed=seed)
        for name, fakes in picture_fakes(data).items()
    }


def table_reports(seed: int = 0) -> dict[str, Report]:
    """A report on each of the tables."""
    train, held_out = people(2 * ROWS, 1), people(ROWS, 2)
    codec = TableCodec.fit_frame(train)
    test = GeneratorTest(find_modality("table"), codec, seed=seed)
    return {
        name: evaluate_table(train, held_out, fake, codec, count=ROWS, seed=seed, two_sample=test)
        for name, fake in table_fakes(train).items()
    }


def wrong(case: Case, report: Report) -> list[str]:
    """What the verdict lacks, and what it says without cause; empty if it is right."""
    said = summary(report)
    lacks = [f"lacks {each!r}" for each in case.says if not re.search(each, said)]
    true = (*case.says, *case.also)
    extra = [
        f"says {word!r}"
        for word in ILL
        if re.search(rf"\*\*{word}|{word} from|is {word}|not {word}", said)
        and not any(word in each for each in true)
    ]
    return lacks + extra


def out_of_order(
    reports: dict[str, Report], orders: Sequence[tuple[str, str, str, str]]
) -> list[str]:
    """Orders of scores that are not those of the truth: each good one ahead of each bad one."""
    faults: list[str] = []
    for name, better, good, bad in orders:
        first, second = (reports[each].score(name) for each in (good, bad))
        ahead = first.value < second.value if better == "low" else first.value > second.value
        if not ahead:
            faults.append(f"{name}: {good} {first.value:.4g}, {bad} {second.value:.4g}")
    return faults


ORDERS = (
    ("frechet", "low", "further reals", "blurred"),
    ("frechet", "low", "blurred", "noise"),
    ("frechet", "low", "further reals", "classes dropped"),
    ("frechet", "low", "classes dropped", "one repeated"),
    ("energy", "low", "further reals", "blurred"),
    ("energy", "low", "further reals", "classes dropped"),
    ("energy", "low", "classes dropped", "one repeated"),
    ("kid", "low", "further reals", "noise"),
    ("recall", "high", "further reals", "noise"),
    ("coverage", "high", "further reals", "noise"),
    ("recall", "high", "classes dropped", "one repeated"),
    ("coverage", "high", "further reals", "classes dropped"),
    ("coverage", "high", "classes dropped", "one repeated"),
    ("memorization", "low", "further reals", "memorising"),
    ("memorization", "low", "further reals", "memorization"),
    ("duplicate rate", "low", "further reals", "one repeated"),
    ("oversmoothed", "low", "further reals", "blurred"),
    ("noisy", "low", "further reals", "noise"),
    ("c2st accuracy", "low", "further reals", "noise"),
)
"""Score, its good end, what is truly better, what is truly worse."""

TABLE_ORDERS = (
    ("marginals", "high", "further reals", "noise"),
    ("marginals", "high", "further reals", "classes dropped"),
    ("marginals", "high", "classes dropped", "one repeated"),
    ("exact duplicates", "low", "further reals", "memorization"),
    ("dcr share", "low", "further reals", "memorising"),
)


def bias(sizes: Sequence[int] = (50, 100, 200, 400, 800), times: int = 20) -> dict[str, Any]:
    """Mean of distances between two heaps of one distribution, by count: what size alone does."""
    metrics: dict[str, Callable[[Tensor, Tensor], float]] = {
        "frechet": frechet_distance,
        "kid": kernel_distance,
        "energy": energy_distance,
    }
    chance = torch.Generator().manual_seed(0)
    told: dict[str, Any] = {}
    for name, metric in metrics.items():
        for size in sizes:
            heaps = (torch.randn(2, size, 16, generator=chance) for _ in range(times))
            values = np.array([metric(one, other) for one, other in heaps])
            error = float(values.std(ddof=1)) / math.sqrt(times)
            told[f"{name}_{size}"] = [round(float(values.mean()), 5), round(error, 5)]
    return told


def run(data: Path, *, seed: int = 0) -> dict[str, Any]:
    """All cases of the known-answer table, the orders of scores, and what size alone does.

    ``accused_good`` counts good cases in which something was found.
    """
    del data
    from benchmarks._known.cases import CASES, answer

    answers = [answer(known) for known in CASES]
    table = {
        each.known.title: {
            "fault": each.known.fault,
            "right": not each.faults,
            "faults": each.faults,
            "found": sorted(each.found),
        }
        for each in answers
    }
    disorder = out_of_order(picture_reports(seed), ORDERS)
    disorder += out_of_order(table_reports(seed), TABLE_ORDERS)
    return {
        "cases": len(answers),
        "right": sum(not each.faults for each in answers),
        "good": sum(each.known.good for each in answers),
        "accused_good": sum(each.known.good and bool(each.faults) for each in answers),
        "wrong": [each.known.title for each in answers if each.faults],
        "orders": len(ORDERS) + len(TABLE_ORDERS),
        "out_of_order": disorder,
        "table": table,
        "bias": bias(),
    }
