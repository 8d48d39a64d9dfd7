"""``gannet inspect`` for tables: columns, rules and warnings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.source import Source
from gannet.modalities.reading import Budget, Inspection
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.infer_type import missing
from gannet.modalities.table.packed_rows import row_prints
from gannet.modalities.table.rules import DiscoveredRule, RuleSearch
from gannet.modalities.table.source import ColumnOptions, fitted

_NAMED = 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnSummary(_Part):
    """A column of a table."""

    name: str
    type: str
    description: str
    missing: float
    fields: int


class RuleSummary(_Part):
    """A rule that holds in all rows of a table, as ``--constraint`` takes it."""

    rule: str
    rows: int
    equal: int


class TableDetails(_Part):
    """What inspection finds in a table.

    Attributes:
        table: Its columns.
        rules: ``A <= B`` and ``A == B + C`` that hold in all rows and hardly by chance.
    """

    table: tuple[ColumnSummary, ...]
    rules: tuple[RuleSummary, ...]


def inspect(source: Source, options: ColumnOptions, _budget: Budget, _max_items: int) -> Inspection:
    """Inspect all rows."""
    codec = fitted(source, options)
    parts: list[NDArray[np.uint64]] = []
    search = RuleSearch(codec.columns)
    for frame in source.frames:
        search.add(frame)
        parts.append(row_prints(codec.encode_frame(frame).numpy()))
    prints = np.concatenate(parts) if codec.fields else np.arange(source.count).astype(np.uint64)
    columns = tuple(
        ColumnSummary(
            name=column.name,
            type=column.type,
            description=column.describe(),
            missing=round(missing(column), 6),
            fields=len(column.sizes),
        )
        for column in codec.columns
    )
    found = search.rules()
    rules = tuple(RuleSummary(rule=each.rule, rows=each.rows, equal=each.equal) for each in found)
    return Inspection(
        indices=range(source.count),
        fingerprints=prints,
        details=TableDetails(table=columns, rules=rules),
        lines=tuple(f"column {each.name}: {each.description}" for each in columns),
        lines_after_duplicates=tuple(map(_rule_line, found)),
        warnings=_warnings(codec, columns),
        learnable=bool(codec.fields),
        copies=False,
        why=_why(columns),
        shape=codec.shape,
    )


def _rule_line(found: DiscoveredRule) -> str:
    """A line on a rule, and how samples come to keep it."""
    known = "all three are" if found.is_equation else "both are"
    how = f"it calculates {found.columns[0]}" if found.is_equation else "--ignore-rules lets it go"
    return (
        f"rule: {found.rule} in all {found.rows:,} rows where {known} known; `gannet sample` keeps "
        f"it ({how})"
    )


def _why(columns: tuple[ColumnSummary, ...]) -> str:
    why = "since these data are a table"
    if all(each.type in ("integer", "decimal") and not each.missing for each in columns):
        why += "; --recipe generate would take its columns as plain numbers"
    if any(each.missing and each.fields for each in columns):
        why += "; --recipe impute would learn to fill its missing cells"
    return why


def _warnings(codec: TableCodec, columns: tuple[ColumnSummary, ...]) -> tuple[str, ...]:
    warnings = [] if codec.fields else ["no column that can be learnt"]
    if constant := [each.name for each in columns if each.type == "constant"]:
        warnings.append(f"columns that never change: {', '.join(constant[:_NAMED])}")
    return (*warnings, *codec.notes)
