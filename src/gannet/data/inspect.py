"""The dataset report: what is there, what is wrong with it, and what can be trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.prefetch import in_order
from gannet.core.source import Source
from gannet.data.decode import may_be_broken
from gannet.data.find import find
from gannet.data.options import options_for
from gannet.modalities.modality import Modality, evenly
from gannet.modalities.reading import FEWEST, Budget, Inspection
from gannet.modalities.registry import find_modality

LOOKED_AT = 50_000
"""Maximum number of samples that are decoded; of more, an evenly spaced subset is."""

_NAMED = 20


class Findings(BaseModel):
    """The report of ``gannet inspect``.

    Attributes:
        path: The path that was inspected.
        layout: Description of how the data are laid out.
        kind: The kind of data.
        count: Number of items, including broken ones.
        looked_at: Number of items that were read; fewer than ``count`` if there are very many.
        usable: Whether training would accept the data.
        classes: Number of items of each class.
        unlabeled: Number of items whose class is unknown, if there are classes.
        duplicates: Number of items that equal an earlier one.
        duplicate_groups: Names of some items that are equal to each other.
        broken: Names of items that cannot be read, with reasons.
        warnings: What to know before training.
        details: Findings specific to the kind of data.
        recipe: The recipe that fits.
        why: The reason why it does.
        shape: Of an encoded sample in training; empty if not known.
        options: Options that training would choose.
        plan: What else training would choose; ``None`` if it was not planned.
        lines: The report as lines of text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    layout: str
    kind: str
    count: int
    looked_at: int
    usable: bool
    classes: dict[str, int] = {}
    unlabeled: int = 0
    duplicates: int = 0
    duplicate_groups: tuple[tuple[str, ...], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    recipe: str = ""
    why: str = ""
    shape: tuple[int, ...] = ()
    options: dict[str, Any] = {}
    plan: dict[str, Any] | None = None
    lines: tuple[str, ...] = ()

    def describe(self) -> list[str]:
        """The findings as lines of text."""
        return [*self.lines, *(f"{name}: {value}" for name, value in (self.plan or {}).items())]


def examine(
    path: Path,
    *,
    label: str | None = None,
    kinds: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
    most: int = LOOKED_AT,
    budget: Budget | None = None,
) -> Findings:
    """Inspect data without training on them.

    Args:
        path: A folder or a file.
        label: Column of the classes.
        kinds: Possible kinds of data; by default all.
        options: Options of the kind, such as the types of a table's columns.
        most: Maximum number of samples to decode; of more, an evenly spaced subset is.
        budget: Limits on the size of samples.

    Raises:
        ConfigError: if the kind has no such options.
        DataError: if nothing is there, or nothing that can be recognised.
    """
    source = find(Path(path), label=label, kinds=kinds)
    modality = find_modality(source.kind)
    chosen = options_for(modality, options or {})
    evaluation = modality.reading.inspect or partial(_looked_through, modality)
    seen = evaluation(source, chosen, budget or Budget(), most)
    found = _found(source, modality, seen)
    warnings = (*source.problems, *_warnings(modality, found, _different(seen, found)))
    found = found.model_copy(update={"warnings": (*warnings, *seen.warnings)})
    return found.model_copy(update={"lines": tuple(_lines(modality, found, seen))})


def _found(source: Source, modality: Modality, seen: Inspection) -> Findings:
    """The findings of an inspection, without warnings and lines of text."""
    evaluations = np.asarray(seen.looks, np.uint64)
    looked_at = len(evaluations) + len(seen.broken)
    groups = [[seen.places[at] for at in group] for group in first_groups(evaluations, _NAMED)]
    found = Findings(
        path=str(source.path),
        layout=source.layout,
        kind=source.kind,
        count=source.count,
        looked_at=looked_at,
        usable=seen.learnable and len(seen.broken) <= may_be_broken(looked_at),
        classes=_balance(source),
        unlabeled=int((source.labels < 0).sum()) if source.classes else 0,
        duplicates=len(evaluations) - len(np.unique(evaluations)),
        duplicate_groups=tuple(
            tuple(source.names[index] for index in group[:_NAMED]) for group in groups
        ),
        broken=seen.broken,
        details={} if seen.details is None else seen.details.model_dump(mode="json"),
        recipe=modality.default_recipe,
        why=seen.why,
        shape=seen.shape,
        options=dict(seen.options),
    )
    several = len(evaluations) - found.duplicates > 1
    enough = found.usable and several and _different(seen, found) >= FEWEST
    return found.model_copy(update={"usable": enough})


def _different(seen: Inspection, found: Findings) -> int:
    """How many distinct samples there are."""
    return len(seen.looks) - found.duplicates if seen.copies else found.count


def _looked_through(
    modality: Modality, source: Source, options: BaseModel, budget: Budget, most: int
) -> Inspection:
    """Inspect samples of any kind: which can be read, and which are equal."""
    indices = evenly(source.count, most)

    def one(index: int) -> int | str:
        try:
            raw = modality.load(source.raw(index), source.names[index])
        except DataError as error:
            return error.problem
        held = np.asarray(raw)
        return fingerprint(f"{held.dtype} {held.shape}".encode() + held.tobytes())

    found = list(zip(indices, in_order(one, indices), strict=True))
    broken = tuple((source.names[index], why) for index, why in found if isinstance(why, str))
    seen = {index: evaluation for index, evaluation in found if isinstance(evaluation, int)}
    shape: tuple[int, ...] = ()
    reason = ""
    if seen:
        codec, reason = modality.codec_for(source, options, budget)
        shape = tuple(codec.shape)
    size = " x ".join(map(str, shape))
    return Inspection(
        places=list(seen),
        looks=list(seen.values()),
        broken=broken,
        shape=shape,
        size=f"{size}: {reason}" if reason else size,
    )


def _lines(modality: Modality, found: Findings, seen: Inspection) -> list[str]:
    lines = [f"{found.path}: {found.layout}, {found.count:,} {modality.noun[1]}"]
    if found.looked_at < found.count:
        lines.append(f"inspected {found.looked_at:,} of them, evenly spaced")
    lines += seen.words
    lines += _class_words(found) if modality.reading.own_labels else []
    lines.append(f"duplicates: {found.duplicates:,} equal to another")
    lines += [f"  {' = '.join(group[:4])}" for group in found.duplicate_groups[:3]]
    lines += seen.after
    lines += [f"broken: {name}: {reason}" for name, reason in found.broken[:_NAMED]]
    if len(found.broken) > _NAMED:
        lines.append(f"broken: ... and {len(found.broken) - _NAMED} more")
    lines += [f"warning: {warning}" for warning in found.warnings]
    if not found.usable:
        return [*lines, "training would refuse these data"]
    lines.append(f"recipe: {found.recipe}" + (f", {found.why}" if found.why else ""))
    return [*lines, f"size: {seen.size}"] if seen.size else lines


def _class_words(found: Findings) -> list[str]:
    if not found.classes:
        return ["classes: none"]
    shown = [f"{name} {count:,}" for name, count in found.classes.items()]
    more = f", ... and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    lines = [f"classes: {len(shown)}: {', '.join(shown[:_NAMED])}{more}"]
    return [*lines, f"without a class: {found.unlabeled:,}"] if found.unlabeled else lines


def _balance(source: Source) -> dict[str, int]:
    counts = np.bincount(source.labels[source.labels >= 0], minlength=len(source.classes))
    return dict(zip(source.classes, counts.tolist(), strict=True))


def _warnings(modality: Modality, found: Findings, different: int) -> list[str]:
    many = modality.noun[1]
    told: list[str] = []
    if len(found.broken) > may_be_broken(found.looked_at):
        told.append(f"{len(found.broken)} {many} cannot be read, too many to be skipped")
    elif found.broken:
        told.append(f"{len(found.broken)} {many} cannot be read and would be skipped")
    if different < FEWEST:
        told.append(f"fewer than {FEWEST} different {many}, so there is too little to learn from")
    elif different < 100:
        told.append(f"only {different} different {many}: expect near copies of them")
    if found.duplicates > 0.01 * found.count:
        told.append(f"{found.duplicates / found.looked_at:.0%} are duplicates")
    return [*told, *_class_warnings(found)]


def _class_warnings(found: Findings) -> list[str]:
    told: list[str] = []
    sizes = {name: count for name, count in found.classes.items() if count}
    for what, low, high in (("one item", 1, 1), ("fewer than ten items", 2, 9)):
        if few := [name for name, count in sizes.items() if low <= count <= high]:
            shown = ", ".join(few[:5]) + (", ..." if len(few) > 5 else "")
            told.append(f"class{'es' * (len(few) > 1)} of {what}: {shown}")
    if empty := [name for name, count in found.classes.items() if not count]:
        told.append(f"classes without an item: {', '.join(empty[:5])}")
    if sizes and max(sizes.values()) > 10 * min(sizes.values()):
        told.append(
            f"classes out of balance: from {min(sizes.values()):,} to {max(sizes.values()):,} items"
        )
    return told


def first_groups(prints: NDArray[Any], most: int) -> list[list[int]]:
    """Indices of equal numbers: the first ``most`` groups of two or more.

    >>> first_groups(np.array([5, 7, 5, 7]), 1)
    [[0, 2]]
    """
    order = np.argsort(prints, kind="stable")
    found = prints[order]
    starts = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]]))
    ends = np.append(starts[1:], len(found))
    several = np.flatnonzero(ends - starts > 1)
    firsts = several[np.argsort(order[starts[several]], kind="stable")[:most]]
    return [order[starts[at] : ends[at]].tolist() for at in firsts.tolist()]
