"""Cases of tables: age, an income that follows it, a town, a note that follows the income."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from benchmarks._known.record import KnownAnswer, case, findings
from gannet.core.frame import Frame
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.modalities.registry import find_modality
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.evaluate import evaluate_table

ROWS = 500
"""Rows on each side."""

LOSES = "loses, unbelievable, missing, difference, narrow, wide"


def people(count: int, seed: int, *, gaps: float = 0.0) -> Frame:
    """Rows with a rule: whoever is below thirty is not rich."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, count)
    income = np.round(900 * age + rng.lognormal(9, 0.6, count), 2)
    town = rng.choice(np.array(["north", "south", "east"], object), count, p=[0.5, 0.3, 0.2])
    rich = np.where(income + rng.normal(0, 9_000, count) > 55_000, "yes", "no").astype(object)
    rich[age < 30] = "no"
    if gaps:
        income = np.where(rng.random(count) < gaps, np.nan, income)
    return Frame(("age", "income", "town", "rich"), (age, income, town, rich))


@cache
def reals(gaps: float = 0.0) -> tuple[Frame, Frame, TableCodec]:
    """Training and held-out rows, and their codec."""
    train, held_out = people(2 * ROWS, 1, gaps=gaps), people(ROWS, 2, gaps=gaps)
    return train, held_out, TableCodec.fit_frame(train)


def on(make: Callable[[Frame, Frame], Frame], gaps: float = 0.0) -> Callable[[], set[str]]:
    """A case from what makes rows of fresh rows and training rows."""

    def found() -> set[str]:
        train, held_out, codec = reals(gaps)
        fake = make(people(2 * ROWS, 3, gaps=gaps), train)
        test = GeneratorTest(find_modality("table"), codec, seed=0)
        frames = (train, held_out, fake)
        return findings(evaluate_table(*frames, codec, count=ROWS, seed=0, two_sample=test))

    return found


def changed(frame: Frame, **columns: Any) -> Frame:
    """With some columns replaced."""
    cells = [columns.get(name, frame.column(name)) for name in frame.names]
    return replace(frame, columns=tuple(cells))


def shuffled(frame: Frame, *names: str) -> Frame:
    """Some columns in an order of their own."""
    rng = np.random.default_rng(5)
    return changed(frame, **{name: rng.permutation(frame.column(name)) for name in names})


def above(frame: Frame, town: str) -> Frame:
    """Without one town, as many rows as before."""
    kept = frame[frame.column("town") != town]
    return kept[np.arange(len(frame)) % len(kept)]


def impossible(frame: Frame, share: float) -> Frame:
    """Some of the young are rich, which no real row is."""
    rng = np.random.default_rng(6)
    rich = frame.column("rich").copy()
    young = np.asarray(frame.column("age"), int) < 30
    rich[young & (rng.random(len(frame)) < share)] = "yes"
    return changed(frame, rich=rich)


def near(frame: Frame) -> Frame:
    """Training rows, their incomes changed by a little."""
    rng = np.random.default_rng(7)
    income = np.asarray(frame.column("income"), np.float64)
    return changed(frame, income=np.round(income * (1 + 0.0005 * rng.normal(size=len(frame))), 2))


def nonsense(frame: Frame) -> Frame:
    """Every cell by itself."""
    rng, count = np.random.default_rng(8), len(frame)
    return changed(
        frame,
        age=rng.integers(18, 80, count),
        income=np.round(rng.uniform(0, 250_000, count), 2),
        town=rng.choice(np.array(["north", "south", "east"], object), count),
        rich=rng.choice(np.array(["yes", "no"], object), count),
    )


def mixed(good: Frame, bad: Frame, every: int) -> Frame:
    """Good rows, each n-th a bad one."""
    at = np.arange(len(good)) % every == 0
    cells = [np.where(at, b, g) for g, b in zip(good.columns, bad.columns, strict=True)]
    return replace(good, columns=tuple(cells))


def income(frame: Frame) -> Any:
    """The incomes as numbers."""
    return np.asarray(frame.column("income"), np.float64)


def other(notes: Any) -> Any:
    """Yes for no, and no for yes."""
    return np.where(notes == "yes", "no", "yes").astype(object)


HEIR = "loses, missing, difference, disclosed"

TABLES: tuple[KnownAnswer, ...] = (
    case("table", "further rows", "good", on(lambda f, _: f), small=True),
    case("table", "further rows of another draw", "good", on(lambda f, _: people(len(f), 11))),
    case("table", "further rows in another order", "good", on(lambda f, _: f[::-1])),
    case("table", "further rows with gaps", "good", on(lambda f, _: f, 0.2)),
    case("table", "nonsense", "proof without power", on(lambda f, _: nonsense(f)), "difference",
         LOSES),
    case(
        "table", "each third row nonsense", "proof without power",
        on(lambda f, _: mixed(f, nonsense(f), 3)), "difference", LOSES,
    ),
    case(
        "table", "columns shuffled", "proof without power",
        on(lambda f, _: shuffled(f, *f.names)), "difference", LOSES, small=True,
    ),
    case(
        "table", "one column shuffled", "proof without power",
        on(lambda f, _: shuffled(f, "income")), "difference", LOSES,
    ),
    case(
        "table", "an impossible combination", "proof without power",
        on(lambda f, _: impossible(f, 0.9)), "difference", LOSES,
    ),
    case(
        "table", "incomes rounded to thousands", "proof without power",
        on(lambda f, _: changed(f, income=income(f).round(-3))), "difference", LOSES,
    ),
    case(
        "table", "incomes in thousands", "proof without power",
        on(lambda f, _: changed(f, income=np.round(income(f) / 1_000, 2))), "difference", LOSES,
    ),
    case(
        "table", "a constant column", "proof without power",
        on(lambda f, _: changed(f, age=np.full(len(f), 44))), "difference", LOSES,
    ),
    case(
        "table", "a value turned into the other", "proof without power",
        on(lambda f, _: changed(f, rich=other(f.column("rich")))),
        "difference", LOSES,
    ),
    case(
        "table", "no gaps where reals have them", "proof without power",
        on(lambda f, _: people(len(f), 12), 0.2), "difference", LOSES,
    ),
    case(
        "table", "a value missing", "missing classes",
        on(lambda f, _: above(f, "east")), "missing, difference", LOSES, small=True,
    ),
    case(
        "table", "a frequent value missing", "missing classes",
        on(lambda f, _: above(f, "north")), "missing, difference", LOSES,
    ),
    case(
        "table", "one row repeated", "mode collapse",
        on(lambda f, _: f[np.zeros(len(f), int)]), "difference, repeated", f"{LOSES}, memorised",
    ),
    case(
        "table", "training rows", "memorisation",
        on(lambda f, train: train[: len(f)]), "memorised", HEIR, small=True,
    ),
    case(
        "table", "half of them training rows", "memorisation",
        on(lambda f, train: mixed(f, train[: len(f)], 2)), "memorised", HEIR,
    ),
    case("table", "near copies of training rows", "memorisation", on(lambda _, t: near(t)),
         "memorised", HEIR),
)  # fmt: skip
