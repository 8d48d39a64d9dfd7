"""The data doctor: what is there, what is wrong with it, and what can be trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import ConfigError
from gannet.core.io.files import fingerprint
from gannet.core.source import Source, SourceKind
from gannet.data.decode import may_be_broken
from gannet.data.find import find, is_table
from gannet.data.split import FEWEST
from gannet.modalities.image.inspect.duplicates import equal_groups, first_groups, near_pairs
from gannet.modalities.image.inspect.scan import Glance, glances
from gannet.modalities.image.inspect.sizes import (
    LARGEST,
    ImageSizes,
    Size,
    evenly,
    measure,
    suggest_size,
)
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.infer_type import missing
from gannet.modalities.table.packed_rows import row_prints
from gannet.modalities.table.rules import RuleSearch
from gannet.recipes.registry import find_recipe

__all__ = ["LARGEST", "Findings", "ImageSizes", "Size", "VectorColumn", "examine", "suggest_size"]

LOOKED_AT = 50_000
"""Most pictures that are decoded; of more, an even sample is looked at."""

_NAMED = 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VectorColumn(_Part):
    """A column of numbers."""

    name: str
    low: float
    mean: float
    high: float
    deviation: float


class TableColumn(_Part):
    """A column of a table, as the recipe `table` takes it."""

    name: str
    type: str
    words: str
    missing: float
    fields: int


class RuleFound(_Part):
    """A rule that holds in all rows of a table, as ``--require`` takes it."""

    rule: str
    rows: int
    equal: int


class Findings(_Part):
    """What was found.

    Attributes:
        path: That was looked at.
        layout: How the data are laid out, in words.
        kind: ``image``, ``vector`` or ``table``.
        count: Items, broken ones included.
        looked_at: Items that were read; fewer than ``count`` if there are very many.
        usable: Whether training would accept the data.
        classes: Items of each class.
        unlabelled: Items whose class is not known, where there are classes.
        sizes: Of pictures.
        modes: How pictures are stored, and how many are.
        columns: Of rows of numbers.
        table: Columns of a table.
        rules: Of a table, ``A <= B`` where that holds in all rows and is hardly chance.
        duplicates: Items that equal an earlier one.
        duplicate_groups: Names of some that are equal to each other.
        near_duplicates: Pictures nearly equal to another, though not equal.
        near_duplicate_pairs: Names of some of them.
        broken: Names of items that cannot be read, and why.
        warnings: What to know before training.
        recipe: That fits.
        why: Why it does.
        size: To train at; for pictures.
        plan: What training would choose, if somebody asked.
    """

    path: str
    layout: str
    kind: SourceKind
    count: int
    looked_at: int
    usable: bool
    classes: dict[str, int] = {}
    unlabelled: int = 0
    sizes: ImageSizes | None = None
    modes: dict[str, int] = {}
    columns: tuple[VectorColumn, ...] = ()
    table: tuple[TableColumn, ...] = ()
    rules: tuple[RuleFound, ...] = ()
    duplicates: int = 0
    duplicate_groups: tuple[tuple[str, ...], ...] = ()
    near_duplicates: int = 0
    near_duplicate_pairs: tuple[tuple[str, str], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    recipe: str = "generate"
    why: str = ""
    size: Size | None = None
    plan: dict[str, Any] | None = None

    def words(self) -> list[str]:
        """The findings as lines for people."""
        unit = {"image": "pictures", "vector": "rows of numbers", "table": "rows"}[self.kind]
        lines = [f"{self.path}: {self.layout}, {self.count:,} {unit}"]
        if self.looked_at < self.count:
            lines.append(f"looked at {self.looked_at:,} of them, evenly chosen")
        lines += _size_words(self)
        lines += [] if self.kind == "table" else _class_words(self)
        lines += _double_words(self)
        lines += [
            f"rule: {each.rule} in all {each.rows:,} rows where both are known; `gannet sample` "
            f"keeps it with --require '{each.rule}'"
            for each in self.rules
        ]
        lines += [f"broken: {name}: {reason}" for name, reason in self.broken[:_NAMED]]
        if len(self.broken) > _NAMED:
            lines.append(f"broken: ... and {len(self.broken) - _NAMED} more")
        lines += [f"warning: {warning}" for warning in self.warnings]
        if not self.usable:
            return [*lines, "training would refuse these data"]
        lines.append(f"recipe: {self.recipe}" + (f", {self.why}" if self.why else ""))
        if self.size is not None:
            lines.append(f"size: {_size_name(self.size)}: {self.size.reason}")
        return lines + [f"{name}: {value}" for name, value in (self.plan or {}).items()]


def examine(
    path: Path,
    *,
    label: str | None = None,
    most: int = LOOKED_AT,
    largest: int = LARGEST,
    recipe: str | None = None,
    column: Mapping[str, str] | None = None,
) -> Findings:
    """Look at data without training on them.

    Args:
        path: A folder or a file.
        label: Column of the classes.
        most: Pictures to decode; of more, an even sample is looked at.
        largest: As for ``suggest_size``.
        recipe: Look at the data as this one reads them; by default as the one that suits them.
        column: Types of a table's columns by name, where looking is not good enough.

    Raises:
        ConfigError: if there is no such recipe.
        DataError: if nothing is there, or nothing that can be recognised.
    """
    path = Path(path)
    kinds = find_recipe(recipe).inputs.slots["sample"].modalities if recipe else ()
    if kinds == ("table",) or (("table" in kinds or not recipe) and not label and is_table(path)):
        return _table(find(path, label=label, kind="table"), column or {})
    if column:
        raise ConfigError("--column is for tables", remedy="Leave it out, or use --recipe table.")
    source = find(path, label=label)
    return _rows(source) if source.kind == "vector" else _pictures(source, most, largest)


def _size_name(size: Size) -> str:
    return f"{size.width}x{size.height}, {size.channels} channel{'s' * (size.channels > 1)}"


def _size_words(found: Findings) -> list[str]:
    lines: list[str] = []
    if (sizes := found.sizes) is not None:
        wide, high = sizes.median
        line = f"sizes: {wide}x{high}"
        if sizes.distinct > 1:
            (low, low_high), (top, top_high) = sizes.smallest, sizes.largest
            line = (
                f"sizes: {sizes.distinct:,} different, from {low}x{low_high} to {top}x{top_high}, "
                f"in the median {wide}x{high}; width over height {sizes.aspect[0]:.2f} to "
                f"{sizes.aspect[2]:.2f}"
            )
        modes = ", ".join(f"{mode} {count:,}" for mode, count in found.modes.items())
        lines = [line, f"stored as: {modes}"]
    for each in found.table:
        lines.append(f"column {each.name}: {each.words}")
    for column in found.columns[:_NAMED]:
        lines.append(
            f"column {column.name}: {column.low:.4g} to {column.high:.4g}, mean {column.mean:.4g}, "
            f"deviation {column.deviation:.4g}"
        )
    if len(found.columns) > _NAMED:
        lines.append(f"... and {len(found.columns) - _NAMED} more columns")
    return lines


def _class_words(found: Findings) -> list[str]:
    if not found.classes:
        return ["classes: none"]
    shown = [f"{name} {count:,}" for name, count in found.classes.items()]
    more = f", ... and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    lines = [f"classes: {len(shown)}: {', '.join(shown[:_NAMED])}{more}"]
    return [*lines, f"without a class: {found.unlabelled:,}"] if found.unlabelled else lines


def _double_words(found: Findings) -> list[str]:
    lines = [f"duplicates: {found.duplicates:,} equal to another"]
    lines += [f"  {' = '.join(group[:4])}" for group in found.duplicate_groups[:3]]
    if found.kind == "image":
        lines.append(f"near-duplicates: {found.near_duplicates:,} nearly equal to another")
        lines += [f"  {one} ~ {other}" for one, other in found.near_duplicate_pairs[:3]]
    return lines


def _pictures(source: Source, most: int, largest: int) -> Findings:
    seen, broken = glances(source, evenly(source.count, most))
    groups = equal_groups([each.look for each in seen])
    doubles = {place for group in groups for place in group[1:]}
    single = [each for place, each in enumerate(seen) if place not in doubles]
    pairs = _near(single)
    sizes = [(each.width, each.height) for each in seen]
    looked_at = len(seen) + len(broken)
    enough = len(broken) <= may_be_broken(looked_at)
    found = Findings(
        path=str(source.path),
        layout=source.layout,
        kind="image",
        count=source.count,
        looked_at=looked_at,
        usable=enough and len(single) >= FEWEST,
        classes=_balance(source),
        unlabelled=int((source.labels < 0).sum()) if source.classes else 0,
        sizes=measure(sizes) if sizes else None,
        modes=dict(Counter(each.mode for each in seen).most_common()),
        duplicates=len(doubles),
        duplicate_groups=_named(source, [[seen[i].index for i in group] for group in groups]),
        near_duplicates=len({place for pair in pairs for place in pair}),
        near_duplicate_pairs=tuple(
            (source.names[single[one].index], source.names[single[other].index])
            for one, other in pairs[:_NAMED]
        ),
        broken=tuple(broken),
        size=suggest_size(source, largest=largest) if sizes else None,
    )
    return found.model_copy(update={"warnings": _warnings(source, found, len(single))})


def _rows(source: Source) -> Findings:
    rows = source.rows()
    groups = equal_groups([fingerprint(row.tobytes()) for row in rows])
    doubles = sum(len(group) - 1 for group in groups)
    measures = (rows.min(0), rows.mean(0), rows.max(0), rows.std(0))
    columns = tuple(
        VectorColumn(name=name, low=low, mean=mean, high=high, deviation=deviation)
        for name, low, mean, high, deviation in zip(
            source.columns, *(each.tolist() for each in measures), strict=True
        )
    )
    found = Findings(
        path=str(source.path),
        layout=source.layout,
        kind="vector",
        count=source.count,
        looked_at=source.count,
        usable=source.count - doubles >= FEWEST,
        classes=_balance(source),
        unlabelled=int((source.labels < 0).sum()) if source.classes else 0,
        columns=columns,
        duplicates=doubles,
        duplicate_groups=_named(source, groups),
    )
    return found.model_copy(update={"warnings": _warnings(source, found, source.count - doubles)})


def _table(source: Source, types: Mapping[str, str]) -> Findings:
    codec = TableCodec.fit_frames(source.frames, overrides=types)
    parts: list[NDArray[np.uint64]] = []
    search = RuleSearch(codec.columns)
    for frame in source.frames:
        search.add(frame)
        parts.append(row_prints(codec.encode_frame(frame).numpy()))
    prints = np.concatenate(parts) if codec.fields else np.arange(source.count)
    doubles = len(prints) - len(np.unique(prints))
    groups = first_groups(prints, _NAMED)
    columns = tuple(
        TableColumn(
            name=column.name,
            type=column.type,
            words=column.words(),
            missing=round(missing(column), 6),
            fields=len(column.sizes),
        )
        for column in codec.columns
    )
    numbers = all(each.type in ("integer", "decimal") and not each.missing for each in columns)
    why = "since these data are a table"
    if numbers:
        why += "; --recipe generate would take its columns as plain numbers"
    if any(each.missing and each.fields for each in columns):
        why += "; --recipe impute would learn to fill its missing cells"
    found = Findings(
        path=str(source.path),
        layout=source.layout,
        kind="table",
        count=source.count,
        looked_at=source.count,
        usable=bool(codec.fields) and source.count >= FEWEST and source.count - doubles > 1,
        table=columns,
        rules=tuple(
            RuleFound(rule=each.rule, rows=each.rows, equal=each.equal) for each in search.found()
        ),
        duplicates=doubles,
        duplicate_groups=_named(source, groups),
        recipe="table",
        why=why,
    )
    told = list(_warnings(source, found, source.count))
    if not codec.fields:
        told.append("no column that can be learnt")
    if constant := [each.name for each in columns if each.type == "constant"]:
        told.append(f"columns that never change: {', '.join(constant[:_NAMED])}")
    return found.model_copy(update={"warnings": (*told, *codec.notes)})


def _near(seen: Sequence[Glance]) -> list[tuple[int, int]]:
    if len(seen) < 2:
        return []
    return near_pairs(
        np.array([each.hash for each in seen], np.uint64), np.stack([each.thumb for each in seen])
    )


def _named(source: Source, groups: Sequence[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(source.names[index] for index in group[:_NAMED]) for group in groups[:_NAMED]
    )


def _balance(source: Source) -> dict[str, int]:
    counts = np.bincount(source.labels[source.labels >= 0], minlength=len(source.classes))
    return dict(zip(source.classes, counts.tolist(), strict=True))


def _warnings(source: Source, found: Findings, different: int) -> tuple[str, ...]:
    unit = "pictures" if found.kind == "image" else "rows"
    told = list(source.problems)
    if len(found.broken) > may_be_broken(found.looked_at):
        told.append(f"{len(found.broken)} {unit} cannot be read, which is too many to skip")
    elif found.broken:
        told.append(f"{len(found.broken)} {unit} cannot be read and would be skipped")
    if different < FEWEST:
        told.append(f"fewer than {FEWEST} different {unit}, so there is too little to learn from")
    elif different < 100:
        told.append(f"only {different} different {unit}: expect near copies of them")
    if found.duplicates > 0.01 * found.count:
        told.append(f"{found.duplicates / found.looked_at:.0%} are duplicates")
    if constant := [column.name for column in found.columns if column.low == column.high]:
        told.append(f"columns that never change: {', '.join(constant[:_NAMED])}")
    return (*told, *_class_warnings(found), *_size_warnings(found))


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


def _size_warnings(found: Findings) -> list[str]:
    told: list[str] = []
    if found.sizes is not None and found.size is not None:
        wide, high = found.sizes.smallest
        if wide < found.size.width or high < found.size.height:
            told.append(f"some pictures are enlarged, the smallest from {wide}x{high}")
        low, _, top = found.sizes.aspect
        if max(top, 1 / low) > 2 and found.sizes.distinct > 1:
            told.append("pictures more than twice as long as wide lose over half when cropped")
    return told
