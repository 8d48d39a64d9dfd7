"""Detect what is at a path: which container it is, and of which kind its samples are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Source
from gannet.data.containers import rows
from gannet.data.containers.arrays import memory
from gannet.data.containers.cells import (
    NO_CLASSES,
    CellTable,
    Classes,
    FileFilter,
    UnclaimedError,
)
from gannet.data.containers.detect import layouts, table_at
from gannet.data.containers.layouts.pair_names import INPUTS, TARGETS, in_order
from gannet.data.containers.pairs import COLUMNS as SIDES
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Claim, ColumnView
from gannet.modalities.registry import find_modality, modalities


@dataclass(frozen=True, slots=True)
class Claimed:
    """A column with the kind of data that claims it.

    Attributes:
        view: The column.
        modality: The kind of data.
        claim: Its confidence and reason.
    """

    view: ColumnView
    modality: Modality
    claim: Claim


def find(
    path: Path,
    *,
    label: str | None = None,
    kinds: Sequence[str] = (),
    roles: Mapping[str, Sequence[str]] | None = None,
) -> Source:
    """Detect what is at ``path``, without decoding it.

    Args:
        path: A folder or a file.
        label: Column, or array, of the classes. By default the only one called label, class,
            category or group. ``""`` ignores classes.
        kinds: Possible kinds of the samples; all by default. The kind with the highest confidence
            is chosen.
        roles: Role -> possible kinds of what belongs to each sample, from another column.

    Raises:
        DataError: if nothing is there, or nothing that can be used.
    """
    path, candidates = Path(path), _candidates(kinds)
    try:
        return _source_at(path, candidates, label, _by_role(roles))
    except UnclaimedError:
        if kinds and (other := _other_kind(path)):
            raise DataError(
                f"holds {other}, expected {' or '.join(each.data for each in candidates)}",
                where=str(path),
                remedy="Choose other data or another recipe.",
            ) from None
        raise


def of_memory(
    data: Any,
    *,
    kinds: Sequence[str] = (),
    label: str | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
) -> Source:
    """Data in memory, such as a data frame or an array, as a source; see `find`.

    Raises:
        DataError: if they are of no type that can be read, or no kind of data claims them.
    """
    candidates = _candidates(kinds)
    table = memory.from_memory(data)
    return _with_roles(table, claimed_by(table, candidates), label, _by_role(roles))


def claimed_by(
    table: CellTable, candidates: Sequence[Modality], *, paired: bool = False
) -> Claimed:
    """The claim with the highest confidence: to a column of samples, else to any other column.

    Columns beside files are samples only where nothing that is read from files was asked for.

    Args:
        table: The columns.
        candidates: Kinds of data that may claim one.
        paired: Whether, of two columns such as ``before`` and ``after``, the target is meant.

    Raises:
        UnclaimedError: if no kind claims a column.
    """
    reads = any(each.readers for each in candidates)
    first = [view for view in table.views if not view.further]
    further = [view for view in table.views if view.further and not (reads and view.form == "rows")]
    claimed = _best_of(table, first, candidates, paired=paired)
    claimed = claimed or _best_of(table, further, candidates)
    if claimed is None or (claimed.view.form == "arrays" and not table.count):
        raise _unclaimed(table, candidates)
    return claimed


def file_filter_of(candidates: Iterable[Modality]) -> FileFilter:
    """A filter of the files that some kinds can read."""
    requested = list(candidates)
    read = [each for each in requested if each.readers]
    suffixes = frozenset(suffix for each in read for suffix in each.readers)
    kinds = frozenset(each.name for each in requested)
    if not read:
        return FileFilter(suffixes, "file", "files", kinds=kinds)
    one, many = (" or ".join(each.noun[at] for each in read) for at in (0, 1))
    only = suffixes.intersection(*(each.readers for each in requested))
    return FileFilter(suffixes, one, many, only, kinds)


def source_of(table: CellTable, claimed: Claimed, label: str | None) -> Source:
    """The samples of a table whose column was claimed.

    Raises:
        DataError: if there are none, or the label does not exist.
    """
    return _adopted(table, claimed, _classes_of(table, claimed.modality, label))


def _classes_of(table: CellTable, modality: Modality, label: str | None) -> Classes:
    """The classes of samples; none for a kind that has no labels of its own."""
    if modality.reading.own_labels:
        return table.classes(label)
    if label:
        raise DataError(
            f"--label {label}: {modality.data} needs no label column",
            where=str(table.path),
            remedy="Leave it out: once trained, samples can be conditioned on any column.",
        )
    return NO_CLASSES


def _adopted(
    table: CellTable, claimed: Claimed, classes: Classes, used: Collection[str] = ()
) -> Source:
    """The samples of a claimed column, without columns that are used for something else."""
    modality = claimed.modality
    view = rows.without(claimed.view, {*used, *([classes.column] if classes.column else [])})
    if used and view.form == "rows" and not view.columns:
        raise DataError(
            f"no column is left for {modality.data}: other inputs take {first_few(sorted(used))}",
            where=str(table.path),
            remedy="Add columns, or choose another recipe.",
        )
    source = modality.reading.adopt(_cells_as_source(table, view, modality), view)
    source = replace(source, problems=(*classes.problems, *source.problems))
    return source if classes.labels is None else source.labeled(classes.labels)


def _cells_as_source(table: CellTable, view: ColumnView, modality: Modality) -> Source:
    """The cells of a column as a source, unchanged."""
    if not table.count:
        raise DataError(
            "it is empty",
            where=str(table.path),
            remedy=f"Use {layouts(file_filter_of(modalities()).many)}.",
        )
    return Source(
        path=table.path,
        layout=table.layout.format(modality.noun[1]),
        kind=modality.name,
        names=table.names if view.names is None else view.names,
        raw=view.cell,
        problems=table.problems,
        files=table.files,
        in_memory=table.in_memory,
        dialect=table.dialect,
    )


def _source_at(
    path: Path,
    candidates: Sequence[Modality],
    label: str | None,
    roles: Mapping[str, Sequence[Modality]],
) -> Source:
    file_filter = file_filter_of(candidates)
    every = candidates
    if not any(each.readers for each in candidates):  # files can only fill other roles
        every = (*candidates, *(each for others in roles.values() for each in others))
    table = table_at(path, file_filter, file_filter_of(every))
    paired = any(
        {each.name for each in candidates} & {each.name for each in others}
        for others in roles.values()
    )
    claimed = claimed_by(table, candidates, paired=paired)
    strange = [each for each in claimed.view.suffixes if each not in claimed.modality.readers]
    if strange and claimed.view.name == "" and len(strange) < len(claimed.view.suffixes):
        table = table_at(path, file_filter_of([claimed.modality]))
        claimed = replace(claimed, view=table.views[0])
    return _with_roles(table, claimed, label, roles)


def _with_roles(
    table: CellTable, claimed: Claimed, label: str | None, roles: Mapping[str, Sequence[Modality]]
) -> Source:
    """The samples of a claimed column, with other columns in other roles.

    Kinds that claim a single column come first: whoever takes rows of a table, the samples or
    another role, gets the columns that remain.
    """
    classes = _classes_of(table, claimed.modality, label)
    whole = claimed.view.form == "rows"
    used = set[str]() if whole else {claimed.view.name}
    labels = {classes.column} if classes.labels is not None and classes.column else set[str]()
    claims: dict[str, Claimed] = {}
    for role, candidates in roles.items():
        taken = used | labels
        free = [each for each in table.views if each.form != "rows" and each.name not in taken]
        # Beside rows, what would else be the samples comes before what lies beside these.
        first = [each for each in free if whole and not each.further]
        claim = _best_of(table, first, candidates) or _best_of(table, free, candidates)
        if claim is not None:
            claims[role] = claim
            used.add(claim.view.name)
    source = _adopted(table, claimed, classes, used)
    rest = [rows.without(each, used | labels) for each in table.views if each.form == "rows"]
    rest = [each for each in rest if each.columns and not whole]
    for role, candidates in roles.items():
        if role not in claims and (claim := _best_of(table, rest, candidates)) is not None:
            claims[role], rest = claim, []
    sources = {role: _adopted(table, claims[role], NO_CLASSES) for role in roles if role in claims}
    taken = used | labels | {name for each in sources.values() for name in each.columns}
    source = replace(
        source, problems=(*source.problems, *([] if whole else _columns_not_used(table, taken)))
    )
    return replace(source, roles={**source.roles, **sources}) if sources else source


def _columns_not_used(table: CellTable, taken: Collection[str]) -> tuple[str, ...]:
    """A note on the columns beside samples that nothing uses; none if all are used."""
    rest = [each.name for each in table.views if each.form != "rows" and each.name not in taken]
    columns = list(dict.fromkeys(rest))
    one = "1 column is" if len(columns) == 1 else f"{len(columns)} columns are"
    return (f"{one} not used: {first_few(columns)}",) if columns else ()


def _by_role(roles: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[Modality, ...]]:
    return {role: _candidates(named) for role, named in (roles or {}).items()}


def _candidates(kinds: Sequence[str]) -> tuple[Modality, ...]:
    return tuple(map(find_modality, kinds)) if kinds else modalities()


def _best_of(
    table: CellTable,
    views: Sequence[ColumnView],
    candidates: Sequence[Modality],
    *,
    paired: bool = False,
) -> Claimed | None:
    claims = [
        Claimed(view, modality, claim)
        for view in views
        for modality in candidates
        if (claim := modality.claims(view)) is not None
    ]
    if not claims:
        return _only_reader(views, candidates)
    surest = max(each.claim.confidence for each in claims)
    best = [each for each in claims if each.claim.confidence == surest]
    kind = best[0].modality
    same = [each for each in best if each.modality is kind]
    named = [each for each in same if each.view.name == kind.name]
    if paired and len(same) == len(SIDES) and not named:
        sides = {each.view.name: each for each in same}
        if any(name.lower() in TARGETS | INPUTS for name in sides):
            return sides[in_order(list(sides))[1]]
    if len(same) > 1 and len(named) != 1:
        columns = first_few([each.view.name for each in same])
        raise DataError(
            f"more than one column of {kind.noun[1]}: {columns}",
            where=str(table.path),
            remedy=f"Rename the one to use to {kind.name!r}.",
        )
    return named[0] if named else best[0]


def _only_reader(views: Sequence[ColumnView], candidates: Sequence[Modality]) -> Claimed | None:
    """A claim to contents of unknown format, if only one kind reads files at all."""
    read = [each for each in candidates if each.readers]
    unknown = [view for view in views if view.form == "files" and not view.suffixes]
    if len(read) == 1 and len(unknown) == 1:
        return Claimed(unknown[0], read[0], Claim(0.1, "no other kind reads files"))
    return None


def _unclaimed(table: CellTable, candidates: Sequence[Modality]) -> DataError:
    """The error for a table of which no kind claims a column."""
    many = " or ".join(each.noun[1] for each in candidates if each.readers) or "samples"
    view = table.views[0] if table.views else ColumnView("", "values")
    if view.form == "arrays":
        shapes = [each.reading.arrays for each in candidates if each.reading.arrays]
        return UnclaimedError(
            f"shape {(table.count, *view.shape)}, expected {_either(', '.join(shapes))}",
            where=str(table.path),
            remedy="Reshape it; the first axis counts the samples.",
        )
    names = [name for each in table.views for name in (each.columns or (each.name,)) if name]
    return UnclaimedError(
        f"no column of {many} among {first_few(list(dict.fromkeys(names)), 20)}",
        where=str(table.path),
        remedy="Choose another recipe, or data that this one reads.",
    )


def _either(text: str) -> str:
    """``(a), (b), (c)`` as ``(a), (b) or (c)``; commas within parentheses stay."""
    head, cut, tail = text.rpartition("), (")
    return f"{head}) or ({tail}" if cut else text or "another shape"


def _other_kind(path: Path) -> str:
    """The name of the data at a path, of any kind; empty if no kind claims them."""
    with suppress(DataError):
        return find_modality(_source_at(path, modalities(), "", {}).kind).data
    return ""
