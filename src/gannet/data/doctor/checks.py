"""What samples show without their labels: empty ones, copies, bursts, ranges hardly used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.types import IntArray
from gannet.modalities.findings import Finding
from gannet.modalities.modality import Modality

SEVERE, WARNING = 0.1, 0.01
"""Share of empty samples, or of one sample's copies, from which it is severe, and a warning."""

COPIES = 0.5
"""Share of near-duplicates from which it is severe."""

SOME_COPIES = 0.05
"""Share of near-duplicates from which it is a warning."""

SERIES = 3
"""Fewest consecutive near-duplicates that are a burst."""

NARROW = 0.25
"""Share of the range of numbers that is narrow if all but one in a hundred numbers are there."""

STRETCHED = 100
"""Times the range of 99 % of a column that makes its whole range hardly used."""

NAMED = 10


@dataclass(frozen=True)
class Examined:
    """Samples that are examined.

    Attributes:
        samples: ``(n, *shape)`` encoded.
        labels: ``(n,)`` class numbers, -1 where unknown.
        groups: ``(n,)`` equal for near-duplicates.
        prints: ``(n,)`` equal for equal samples.
        names: Of the samples, in the order of the data.
        classes: Names of the classes.
        modality: Of the samples.
        codec: Of the samples.
    """

    samples: Tensor
    labels: IntArray
    groups: IntArray
    prints: NDArray[np.uint64]
    names: Sequence[str]
    classes: tuple[str, ...]
    modality: Modality
    codec: Codec[Any]

    def __len__(self) -> int:
        return len(self.samples)

    def named(self, indices: Sequence[int] | IntArray) -> tuple[str, ...]:
        """Names of some samples, ten at most."""
        return tuple(self.names[int(index)] for index in indices[:NAMED])


def severity_of(
    fraction: float, severe: float, warning: float
) -> Literal["severe", "warning", "note"]:
    """How severe a share is."""
    return "severe" if fraction >= severe else "warning" if fraction >= warning else "note"


def empty(examined: Examined) -> Iterator[Finding]:
    """Samples that hold nothing."""
    found = np.flatnonzero(examined.modality.examination.empty(examined.samples).numpy())
    if not len(found):
        return
    fraction = len(found) / len(examined)
    yield Finding(
        code="empty",
        severity=severity_of(fraction, SEVERE, WARNING),
        sentence=f"{len(found):,} of {len(examined):,} {examined.modality.noun[1]} "
        f"({fraction:.1%}) are blank or nearly so",
        evidence={"count": len(found), "of": len(examined)},
        examples=examined.named(found),
        remedy="remove them, or they will be generated as often",
    )


def copies(examined: Examined) -> Iterator[Finding]:
    """Samples that make up much of the data, near-duplicates, and bursts."""
    if examined.modality.examination.repeats:
        return
    many = examined.modality.noun[1]
    count = len(examined)
    _, group, sizes = np.unique(examined.groups, return_inverse=True, return_counts=True)
    largest = int(sizes.argmax())
    members = np.flatnonzero(group == largest)
    fraction = len(members) / count
    if fraction >= SEVERE and len(members) >= 5:
        yield Finding(
            code="one_sample_dominates",
            severity="severe",
            sentence=f"{len(members):,} of {count:,} {many} ({fraction:.0%}) are one and the same, "
            "or nearly so",
            evidence={"count": len(members), "of": count},
            examples=examined.named(members),
            remedy="keep one of them, else it will be generated as often",
        )
    equal = len(examined.prints) - len(np.unique(examined.prints))
    near = count - equal - len(sizes)
    if near <= 0:
        return
    doubles = np.flatnonzero(_not_alone(group, examined.prints))
    yield Finding(
        code="near_duplicates",
        severity=severity_of(near / count, COPIES, SOME_COPIES),
        sentence=f"{near:,} of {count:,} {many} ({near / count:.1%}) nearly equal another (noise, "
        f"another compression, a small crop or brightness); {len(sizes):,} differ",
        evidence={"count": near, "of": count, "different": len(sizes)},
        examples=examined.named(doubles),
        remedy="keep one of each; copies stay on one side of the split, unless they are very many",
    )
    yield from _bursts(examined, group)


def _not_alone(group: IntArray, prints: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Samples in groups of samples that are not all equal."""
    low = np.full(group.max() + 1, np.iinfo(np.uint64).max, np.uint64)
    high = np.zeros(group.max() + 1, np.uint64)
    np.minimum.at(low, group, prints)
    np.maximum.at(high, group, prints)
    return (low != high)[group]


def _bursts(examined: Examined, group: IntArray) -> Iterator[Finding]:
    """Series of near-duplicates that follow each other in the order of the data."""
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    lengths = np.diff([*starts.tolist(), len(group)])
    series = np.flatnonzero(lengths >= SERIES)
    held = int(lengths[series].sum())
    if held < SOME_COPIES * len(group):
        return
    yield Finding(
        code="bursts",
        severity="warning",
        sentence=f"{held:,} {examined.modality.noun[1]} stand in {len(series):,} series of nearly "
        "equal ones that follow each other, as bursts or frames of a film do",
        evidence={"count": held, "of": len(group), "series": len(series)},
        examples=examined.named(starts[series]),
        remedy="keep one of each series, so that each scene counts once",
    )


def ranges(examined: Examined) -> Iterator[Finding]:
    """Ranges of numbers that are hardly used."""
    examination = examined.modality.examination
    if examination.columns:
        yield from _stretched(examined)
    elif examined.modality.values == "signed":
        flat = examined.samples.flatten()[:: max(examined.samples.numel() // 1_000_000, 1)].float()
        low, high = (float(flat.quantile(fraction)) for fraction in (0.005, 0.995))
        if 0 < high - low < NARROW * 2:
            yield Finding(
                code="narrow_range",
                severity="warning",
                sentence=f"99 % of all numbers lie within {(high - low) / 2:.0%} of their range",
                evidence={"low": (low + 1) / 2, "high": (high + 1) / 2},
                remedy="stretch them to the whole range (contrast, volume), if that loses nothing",
            )


def _stretched(examined: Examined) -> Iterator[Finding]:
    examination = examined.modality.examination
    numbers = examination.numbers(examined.codec, examined.samples).double().numpy()
    found: list[tuple[str, float]] = []
    for name, column in zip(examination.names(examined.codec), numbers.T, strict=True):
        known = column[np.isfinite(column)]
        if not name or len(np.unique(known)) < 20:
            continue
        low, high = np.quantile(known, [0.005, 0.995])
        if high > low and (known.max() - known.min()) > STRETCHED * (high - low):
            found.append((name, float((high - low) / (known.max() - known.min()))))
    if found:
        names = ", ".join(name for name, _ in found[:NAMED])
        yield Finding(
            code="stretched_range",
            severity="warning",
            sentence=f"99 % of the numbers lie within one per cent of the range of {names}",
            evidence={"shares": dict(found)},
            remedy="look at the outermost values; they may stand for a missing one or be mistyped",
        )


def repeated_passes(
    rows: int, epochs: float, usual: float, modality: Modality
) -> Iterator[Finding]:
    """How often training would show each sample."""
    if epochs > usual:
        yield Finding(
            code="few_samples",
            severity="warning",
            sentence=f"each of the {rows:,} {modality.noun[1]} would be seen {epochs:,.0f} times: "
            "the discriminator may learn them by heart",
            evidence={"samples": rows, "seen": epochs, "usual": usual},
            remedy="add more, or train for less time",
        )


def all_checks(examined: Examined) -> Iterator[Finding]:
    """All of the above that need samples alone."""
    with torch.no_grad():
        yield from empty(examined)
        yield from copies(examined)
        yield from ranges(examined)
