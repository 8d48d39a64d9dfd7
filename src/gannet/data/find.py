"""Detect what is at a path: which container it is, and of which kind its samples are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.core.io.names import first_few
from gannet.core.source import Source
from gannet.data.containers import archives, arrays, folders, frames, metadata, parquet, tables
from gannet.data.containers.cells import (
    CellTable,
    FileFilter,
    UnclaimedError,
    suffix_of,
    suffixes_of,
)
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Claim, ColumnView
from gannet.modalities.registry import find_modality, modalities

_FILES: Mapping[str, Callable[[Path, FileFilter], CellTable]] = {
    ".npz": lambda path, filter_: arrays.from_npz(path, filter_.kinds),
    ".npy": lambda path, _: arrays.from_npy(path),
    ".zip": archives.from_zip,
    ".tar": archives.from_tar,
}
"""Files that hold many samples, other than tables."""

NOTES = (".txt", ".data")
"""Suffixes of tables that, beside other files, are more likely notes."""

_DATA_FILES = {*frames.SUFFIXES, *_FILES} - {*NOTES}


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
    others = {role: _candidates(named) for role, named in (roles or {}).items()}
    try:
        return _source_at(path, candidates, label, others)
    except UnclaimedError:
        if kinds and (other := _other_kind(path)):
            raise DataError(
                f"holds {other}, expected {' or '.join(each.data for each in candidates)}",
                where=str(path),
                remedy="Choose other data or another recipe.",
            ) from None
        raise


def of_frame(frame: Frame, *, kinds: Sequence[str] = (), label: str | None = None) -> Source:
    """A table in memory, such as a data frame, as a source.

    Raises:
        DataError: if no kind of data claims it.
    """
    candidates = _candidates(kinds)
    table = tables.from_frame(frame)
    return source_of(table, claimed_by(table, candidates), label)


def claimed_by(table: CellTable, candidates: Sequence[Modality]) -> Claimed:
    """The claim with the highest confidence: to a column of samples, else to any other column.

    Raises:
        UnclaimedError: if no kind claims a column.
    """
    first = [view for view in table.views if not view.further]
    further = [view for view in table.views if view.further]
    claimed = _best_of(table, first, candidates) or _best_of(table, further, candidates)
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
    modality, view = claimed.modality, claimed.view
    classes = None
    if modality.reading.own_labels:
        classes = table.classes(label)
        if classes.column:
            view = tables.without_column(view, classes.column)
    elif label:
        raise DataError(
            f"--label {label}: {modality.data} needs no label column",
            where=str(table.path),
            remedy="Leave it out: samples can be conditioned on any column with --given.",
        )
    source = modality.reading.adopt(_cells_as_source(table, view, modality), view)
    if classes is not None:
        source = replace(source, problems=(*classes.problems, *source.problems))
        if classes.labels is not None:
            source = source.labeled(classes.labels)
    return source


def _cells_as_source(table: CellTable, view: ColumnView, modality: Modality) -> Source:
    """The cells of a column as a source, unchanged."""
    if not table.count:
        raise DataError("it is empty", where=str(table.path), remedy=f"Use {_layouts()}.")
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
    table = _table_at(path, file_filter)
    claimed = claimed_by(table, candidates)
    strange = [each for each in claimed.view.suffixes if each not in claimed.modality.readers]
    if strange and claimed.view.name == "" and len(strange) < len(claimed.view.suffixes):
        count = sum(claimed.view.suffixes[suffix] for suffix in strange)
        note = f"{count:,} files ignored that end in {', '.join(strange)}"
        table = _table_at(path, file_filter_of([claimed.modality]))
        table = replace(table, problems=(*table.problems, note))
        claimed = replace(claimed, view=table.views[0])
    source = source_of(table, claimed, label)
    used = [claimed.view.name]
    if roles and source.classes:
        used.append(table.classes(label).column)
    return with_roles(source, table, used, roles)


def with_roles(
    source: Source,
    table: CellTable,
    used: Sequence[str],
    roles: Mapping[str, Sequence[Modality]],
) -> Source:
    """The same samples with further columns, but for those already used, in other roles."""
    sources: dict[str, Source] = {}
    used_names = {*used}
    for role, candidates in roles.items():
        remaining = [
            view for view in table.views if view.name not in used_names and view.form != "rows"
        ]
        if (claimed := _best_of(table, remaining, candidates)) is not None:
            used_names.add(claimed.view.name)
            cell_source = _cells_as_source(table, claimed.view, claimed.modality)
            sources[role] = claimed.modality.reading.adopt(cell_source, claimed.view)
    return replace(source, roles={**source.roles, **sources}) if sources else source


def _candidates(kinds: Sequence[str]) -> tuple[Modality, ...]:
    return tuple(map(find_modality, kinds)) if kinds else modalities()


def _best_of(
    table: CellTable, views: Sequence[ColumnView], candidates: Sequence[Modality]
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


def _table_at(path: Path, file_filter: FileFilter) -> CellTable:
    """The container at a path."""
    return _folder(path, file_filter) if _is_folder(path) else _file(path, file_filter)


def _is_folder(path: Path) -> bool:
    try:
        if path.exists():
            return path.is_dir()
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    except PermissionError:
        raise DataError(
            "no permission to read it", where=str(path), remedy="Check its access rights."
        ) from None
    near = difflib.get_close_matches(path.name, beside, 1)
    raise DataError(
        "does not exist",
        where=str(path),
        remedy=f"Did you mean {path.parent / near[0]}?" if near else "Check the path.",
    )


def _file(path: Path, file_filter: FileFilter) -> CellTable:
    suffix = suffix_of(path.name)
    if suffix in _FILES:
        return _FILES[suffix](path, file_filter)
    if file_filter.fits(path.name) and not _may_hold_many(suffix, file_filter):
        raise DataError(
            f"a single {file_filter.one} is not a dataset",
            where=str(path),
            remedy="Give its folder instead.",
        )
    if suffix in frames.SUFFIXES:
        if tables.is_table(path):
            return tables.from_files(path, [path])
        return parquet.from_parquet(path, [path])
    raise DataError(
        f"{suffix or 'a file without suffix'} is not a format that gannet can read",
        where=str(path),
        remedy=f"Use {_layouts()}.",
    )


def _folder(path: Path, file_filter: FileFilter) -> CellTable:
    names = [entry.name for entry in folders.entries(path) if entry.is_file()]
    table_names = [name for name in metadata.TABLES if name in names]
    if len(table_names) > 1:
        raise DataError(
            "both metadata.csv and metadata.jsonl",
            where=str(path),
            remedy="Remove one.",
        )
    if table_names:
        return metadata.from_metadata(path, path / table_names[0], file_filter)
    shards = [path / name for name in names if suffix_of(name) == ".parquet"]
    beside = any(file_filter.fits(name) for name in names if suffix_of(name) != ".parquet")
    if shards and (beside or not all(map(tables.is_table, shards))):
        return parquet.from_parquet(path, shards)
    if not _are_samples(names, file_filter):
        if (table := _tables_in(path, names, file_filter)) is not None:
            return table
        data = path / "data"
        if data.is_dir() and any(each.suffix == ".parquet" for each in data.iterdir()):
            return _folder(data, file_filter)
    return folders.from_folder(path, file_filter)


def _may_hold_many(suffix: str, file_filter: FileFilter) -> bool:
    """Whether a single file is read as a table or array, although a kind reads samples from it."""
    return suffix in {*frames.SUFFIXES, *_FILES} and suffix not in file_filter.only


def _are_samples(names: Sequence[str], file_filter: FileFilter) -> bool:
    """Whether files of a folder are samples of a kind that reads them.

    A single file beside a table is more likely about it. Of files that could also be tables or
    arrays, only two or more of a suffix are samples, and those that are more likely notes only if
    there is no table.
    """
    counts = suffixes_of(filter(file_filter.fits, names))
    tables_there = any(suffix_of(name) in _DATA_FILES - file_filter.only for name in names)
    sure = sum(n for suffix, n in counts.items() if not _may_hold_many(suffix, file_filter))
    return sure > int(tables_there) or any(
        count > 1 and not (suffix in NOTES and tables_there) for suffix, count in counts.items()
    )


def _tables_in(path: Path, names: Sequence[str], file_filter: FileFilter) -> CellTable | None:
    """The only data file of a folder, or the table that its files form together."""
    files = [path / name for name in names if suffix_of(name) in _DATA_FILES]
    if files and tables.folder_of_tables(files):
        return tables.from_files(path, files)
    if len(files) > 1:
        raise DataError(
            f"more than one data file: {first_few([each.name for each in files])}",
            where=str(path),
            remedy="Give the path of one.",
        )
    return _file(files[0], file_filter) if files else None


def _layouts() -> str:
    """The layouts that can be read, for error messages."""
    many = file_filter_of(modalities()).many
    return (
        f"a folder of {many}, class folders, a folder with metadata.csv or metadata.jsonl, a zip "
        f"or tar of {many}, Parquet, .npz, .npy, or a table (.csv, .tsv, .jsonl, .parquet)"
    )
