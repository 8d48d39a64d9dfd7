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
from gannet.core.io.names import first_few
from gannet.core.io.prefetch import in_order
from gannet.core.source import Source
from gannet.data.decode import may_be_broken
from gannet.data.doctor.diagnose import diagnose_source
from gannet.data.find import find
from gannet.data.options import options_for
from gannet.modalities.findings import Finding
from gannet.modalities.modality import Modality, evenly
from gannet.modalities.reading import MIN_SAMPLES, Budget, Inspection, content_of_raw
from gannet.modalities.registry import find_modality

MAX_INSPECTED = 50_000
"""Maximum number of samples that are decoded; of more, an evenly spaced subset is."""

_NAMED = 20


class Findings(BaseModel):
    """The report of ``gannet inspect``.

    Attributes:
        path: The path that was inspected.
        layout: Description of how the data are laid out.
        kind: The kind of data.
        count: Number of items, including broken ones.
        inspected: Number of items that were read; fewer than ``count`` if there are very many.
        usable: Whether training would accept the data.
        classes: Number of items of each class.
        unlabeled: Number of items whose class is unknown, if there are classes.
        duplicates: Number of items that equal an earlier one.
        duplicate_groups: Names of some items that are equal to each other.
        broken: Names of items that cannot be read, with reasons.
        warnings: What to know before training.
        problems: What is wrong with the samples and their labels, the worst first.
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
    inspected: int
    usable: bool
    classes: dict[str, int] = {}
    unlabeled: int = 0
    duplicates: int = 0
    duplicate_groups: tuple[tuple[str, ...], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Finding, ...] = ()
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
    roles: Mapping[str, Sequence[str]] | None = None,
    options: Mapping[str, object] | None = None,
    max_samples: int = MAX_INSPECTED,
    budget: Budget | None = None,
) -> Findings:
    """Inspect data without training on them.

    Args:
        path: A folder or a file.
        label: Column of the classes.
        kinds: Possible kinds of data; by default all.
        roles: Role -> possible kinds of what belongs to each sample; see ``find``.
        options: Options of the kind, such as the types of a table's columns.
        max_samples: Maximum number of samples to decode; of more, an evenly spaced subset is.
        budget: Limits on the size of samples.

    Raises:
        ConfigError: if the kind has no such options.
        DataError: if nothing is there, or nothing that can be recognised.
    """
    source = find(Path(path), label=label, kinds=kinds, roles=roles)
    return examine_source(source, options=options, max_samples=max_samples, budget=budget)


def examine_source(
    source: Source,
    *,
    options: Mapping[str, object] | None = None,
    max_samples: int = MAX_INSPECTED,
    budget: Budget | None = None,
    recipe: str = "",
) -> Findings:
    """Inspect data that were found, without training on them; see ``examine``.

    Args:
        source: The data.
        options: Options of the kind.
        max_samples: Maximum number of samples to decode.
        budget: Limits on the size of samples.
        recipe: The recipe that reads them; by default the usual one of the kind.

    Raises:
        ConfigError: if the kind has no such options.
    """
    modality = find_modality(source.kind)
    chosen = options_for(modality, options or {})
    inspector = modality.reading.inspect or partial(_inspect_samples, modality)
    inspection = inspector(source, chosen, budget or Budget(), max_samples)
    findings = _findings_of(source, modality, inspection)
    if recipe and recipe != findings.recipe:
        findings = findings.model_copy(update={"recipe": recipe, "why": ""})
    warnings = (
        *source.problems,
        *_warnings(modality, findings, _count_different(inspection, findings)),
    )
    problems: tuple[Finding, ...] = ()
    if findings.usable:
        codec, _ = modality.codec_for(source, chosen, budget or Budget())
        problems = diagnose_source(source, codec)
    update = {"warnings": (*warnings, *inspection.warnings), "problems": problems}
    findings = findings.model_copy(update=update)
    first, *lines = _lines(modality, findings, inspection)
    return findings.model_copy(update={"lines": (first, *_role_lines(source), *lines)})


def _findings_of(source: Source, modality: Modality, inspection: Inspection) -> Findings:
    """The findings of an inspection, without warnings and lines of text."""
    fingerprints = np.asarray(inspection.fingerprints, np.uint64)
    inspected = len(fingerprints) + len(inspection.broken)
    groups = [
        [inspection.indices[at] for at in group] for group in first_groups(fingerprints, _NAMED)
    ]
    findings = Findings(
        path=str(source.path),
        layout=source.layout,
        kind=source.kind,
        count=source.count,
        inspected=inspected,
        usable=inspection.learnable and len(inspection.broken) <= may_be_broken(inspected),
        classes=_class_counts(source),
        unlabeled=int((source.labels < 0).sum()) if source.classes else 0,
        duplicates=len(fingerprints) - len(np.unique(fingerprints)),
        duplicate_groups=tuple(
            tuple(source.names[index] for index in group[:_NAMED]) for group in groups
        ),
        broken=inspection.broken,
        details={} if inspection.details is None else inspection.details.model_dump(mode="json"),
        recipe=modality.default_recipe,
        why=inspection.why,
        shape=inspection.shape,
        options=dict(inspection.options),
    )
    several = len(fingerprints) - findings.duplicates > 1
    enough = findings.usable and several and _count_different(inspection, findings) >= MIN_SAMPLES
    return findings.model_copy(update={"usable": enough})


def _count_different(inspection: Inspection, findings: Findings) -> int:
    """How many distinct samples there are."""
    return (
        len(inspection.fingerprints) - findings.duplicates if inspection.copies else findings.count
    )


def _inspect_samples(
    modality: Modality, source: Source, options: BaseModel, budget: Budget, max_samples: int
) -> Inspection:
    """Inspect samples of any kind: which can be read and encoded, and which are equal."""
    indices = evenly(source.count, max_samples)
    chosen = partial(modality.codec_for, source, options, budget)
    codec, reason = chosen() if any(True for _ in modality.raws(source)) else (None, "")

    def one(index: int) -> int | str:
        name = source.names[index]
        try:
            raw = modality.load(source.raw(index), name)
            if codec is not None:
                modality.packed(codec, raw, name)
        except DataError as error:
            return error.problem
        return fingerprint(content_of_raw(raw))

    results = list(zip(indices, in_order(one, indices), strict=True))
    broken = tuple((source.names[index], why) for index, why in results if isinstance(why, str))
    fingerprints = {index: result for index, result in results if isinstance(result, int)}
    shape: tuple[int, ...] = () if codec is None else tuple(codec.shape)
    size = " x ".join(map(str, shape))
    return Inspection(
        indices=list(fingerprints),
        fingerprints=list(fingerprints.values()),
        broken=broken,
        shape=shape,
        size=f"{size}: {reason}" if reason else size,
    )


def _lines(modality: Modality, findings: Findings, inspection: Inspection) -> list[str]:
    lines = [f"{findings.path}: {findings.layout}, {findings.count:,} {modality.noun[1]}"]
    if findings.inspected < findings.count:
        lines.append(f"inspected {findings.inspected:,} of them, evenly spaced")
    lines += inspection.lines
    lines += _class_lines(findings) if modality.reading.own_labels else []
    lines.append(f"duplicates: {findings.duplicates:,} equal to another")
    lines += [f"  {' = '.join(group[:4])}" for group in findings.duplicate_groups[:3]]
    lines += inspection.lines_after_duplicates
    lines += [f"broken: {name}: {reason}" for name, reason in findings.broken[:_NAMED]]
    if len(findings.broken) > _NAMED:
        lines.append(f"broken: ... and {len(findings.broken) - _NAMED} more")
    lines += [f"warning: {warning}" for warning in findings.warnings]
    lines += [f"{each.severity}: {each}" for each in findings.problems]
    if not findings.usable:
        return [*lines, "training would refuse these data"]
    lines.append(f"recipe: {findings.recipe}" + (f", {findings.why}" if findings.why else ""))
    return [*lines, f"size: {inspection.size}"] if inspection.size else lines


def _role_lines(source: Source) -> list[str]:
    """What belongs to each sample, by role, with the columns of a table."""
    return [
        f"{role}: {find_modality(each.kind).noun[1]}"
        + (f" of {first_few(each.columns, _NAMED)}" if each.columns else "")
        for role, each in source.roles.items()
    ]


def _class_lines(findings: Findings) -> list[str]:
    if not findings.classes:
        return ["classes: none"]
    listing = [f"{name} {count:,}" for name, count in findings.classes.items()]
    more = f", ... and {len(listing) - _NAMED} more" if len(listing) > _NAMED else ""
    lines = [f"classes: {len(listing)}: {', '.join(listing[:_NAMED])}{more}"]
    return [*lines, f"without a class: {findings.unlabeled:,}"] if findings.unlabeled else lines


def _class_counts(source: Source) -> dict[str, int]:
    counts = np.bincount(source.labels[source.labels >= 0], minlength=len(source.classes))
    return dict(zip(source.classes, counts.tolist(), strict=True))


def _warnings(modality: Modality, findings: Findings, different: int) -> list[str]:
    many = modality.noun[1]
    warnings: list[str] = []
    if len(findings.broken) > may_be_broken(findings.inspected):
        warnings.append(f"{len(findings.broken)} {many} cannot be read, too many to be skipped")
    elif findings.broken:
        warnings.append(f"{len(findings.broken)} {many} cannot be read and would be skipped")
    if different < MIN_SAMPLES:
        warnings.append(
            f"fewer than {MIN_SAMPLES} different {many}, so there is too little to learn from"
        )
    elif different < 100:
        warnings.append(f"only {different} different {many}: expect near copies of them")
    if findings.duplicates > 0.01 * findings.count:
        warnings.append(f"{findings.duplicates / findings.inspected:.0%} are duplicates")
    return [*warnings, *_class_warnings(findings)]


def _class_warnings(findings: Findings) -> list[str]:
    warnings: list[str] = []
    sizes = {name: count for name, count in findings.classes.items() if count}
    for what, low, high in (("one item", 1, 1), ("fewer than ten items", 2, 9)):
        if few := [name for name, count in sizes.items() if low <= count <= high]:
            warnings.append(f"class{'es' * (len(few) > 1)} of {what}: {first_few(few)}")
    if empty := [name for name, count in findings.classes.items() if not count]:
        warnings.append(f"classes without an item: {', '.join(empty[:5])}")
    if sizes and max(sizes.values()) > 10 * min(sizes.values()):
        warnings.append(
            f"classes out of balance: from {min(sizes.values()):,} to {max(sizes.values()):,} items"
        )
    return warnings


def first_groups(fingerprints: NDArray[Any], max_groups: int) -> list[list[int]]:
    """Indices of equal numbers: the first ``max_groups`` groups of two or more.

    >>> first_groups(np.array([5, 7, 5, 7]), 1)
    [[0, 2]]
    """
    order = np.argsort(fingerprints, kind="stable")
    ordered = fingerprints[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(ordered))
    several = np.flatnonzero(ends - starts > 1)
    firsts = several[np.argsort(order[starts[several]], kind="stable")[:max_groups]]
    return [order[starts[at] : ends[at]].tolist() for at in firsts.tolist()]
