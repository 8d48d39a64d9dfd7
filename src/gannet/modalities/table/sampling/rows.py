"""Sample rows of a table under conditions, stratification and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from gannet.core.config import pairs
from gannet.core.errors import ConfigError, MissingExtraError, need
from gannet.core.frame import Frame, joined, to_pandas
from gannet.core.sampling import SampleSource, SampleStream, SamplingRequest
from gannet.core.types import CellConditions
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.base import find_missing
from gannet.modalities.table.rules import Bounds, Clause, bind, bounds_of
from gannet.modalities.table.sampling.cells import TOGETHER, RowSampler
from gannet.modalities.table.sampling.rejection import RejectionStats, rejection_sample

GivenCells = Mapping[str, Any]
"""Column -> condition on its cells."""

MIN_EXPECTED_ROWS = 0.01
"""Expected number of training rows below which a condition is refused as never seen."""


class TableSampleOptions(BaseModel):
    """Options of sampling rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: dict[str, Any] = Field(
        {},
        description="what cells must be, as COLUMN=VALUE or, of numbers and dates, "
        "COLUMN=LOW..HIGH; a column that is named again may have either",
    )
    stratify_by: str | None = Field(
        None, description="a column whose values shall occur equally often"
    )
    constraint: tuple[str, ...] = Field(
        (),
        description="rules that every row obeys, such as 'start <= end' or 'occurs(city, country)'",
    )
    ignore_rules: bool = Field(
        False, description="do not keep the rules that all training rows keep"
    )
    escape_formulas: bool = Field(
        False, description="quote cells that a spreadsheet would run as a formula"
    )

    @field_validator("given", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Accept command-line text such as ``age=30..40``, or a mapping."""
        is_text = isinstance(value, Sequence)
        return pairs(value, "--given", several=True) if is_text else value  # pyright: ignore[reportUnknownArgumentType]  # of words

    @field_validator("constraint", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        """Accept a single rule."""
        return (value,) if isinstance(value, str) else value


@dataclass
class SampledRows(SampleStream):
    """Sampled rows, as an iterator of frames.

    Attributes:
        rejection: Statistics of rejection sampling so far.
        numeric: Whether text cells that are plain numbers become numbers.
        nulls: Whether missing text is ``None``, not its marker.
    """

    rejection: RejectionStats = field(default_factory=RejectionStats)
    numeric: bool = False
    nulls: bool = False

    def gather(self) -> Any:
        """All rows as a pandas data frame, or as a ``Frame`` if pandas is not installed."""
        self.numeric, self.nulls = has_pandas(), True
        frame = joined(list(self))
        return to_pandas(frame) if self.numeric else frame

    def notes(self) -> list[str]:
        """How much the rules change the distribution."""
        return self.rejection.describe()


@dataclass(frozen=True)
class _RowRequest:
    """Conditions on cells for each stratum.

    Attributes:
        conditions: One list of conditions per stratum, used in turn; empty for no condition.
        free: The same without those that come from rules.
        rules: Text of the rules that the conditions enforce.
    """

    conditions: Sequence[CellConditions]
    free: Sequence[CellConditions]
    rules: tuple[str, ...]


def sample_rows(source: SampleSource, request: SamplingRequest) -> SampledRows:
    """Sample rows lazily, in chunks and in the formats of the data.

    Conditions and rules are checked, and rows sampled, only when the first chunk is requested.
    """
    sampled = SampledRows(iter(()))
    sampled.parts = _parts(RowSampler.of(source), request, sampled)
    return sampled


def _parts(sampler: RowSampler, request: SamplingRequest, sampled: SampledRows) -> Iterator[Frame]:
    options, seed, stats = request.options, request.seed, sampled.rejection
    assert isinstance(options, TableSampleOptions)
    given = [*options.given, *([options.stratify_by] if options.stratify_by else [])]
    sampler = replace(sampler, fixed=frozenset(given))
    clauses = clauses_of(sampler, options.constraint)
    learnt = _learnt_clauses(sampler, options, clauses, stats)
    if request.condition_options:
        learnt = []
    row_request = _row_request(sampler, options.given, options.stratify_by, clauses)
    stats.conditioned = row_request.rules
    if row_request.rules:
        stats.marginal = _marginal_probability(sampler, row_request)
    for start in range(0, max(request.count, 1), TOGETHER):
        rows = range(start, min(start + TOGETHER, request.count))
        if (clauses or learnt) and rows:
            samples = rejection_sample(
                sampler,
                clauses,
                rows,
                optional=learnt,
                conditions=row_request.conditions,
                seed=seed,
                stats=stats,
            )
        elif row_request.conditions and rows:
            samples = sampler.sample(len(rows), row_request.conditions, seed=seed, start=start)
        else:
            samples = sampler.source.sample(
                len(rows), seed=seed, start=start, **request.condition_options
            )
        yield sampler.codec.decode_frame(
            samples,
            start=start,
            seed=seed,
            numeric=sampled.numeric,
            nulls=sampled.nulls,
            fixed=sampler.fixed,
        )


def _learnt_clauses(
    sampler: RowSampler,
    options: TableSampleOptions,
    clauses: Sequence[Clause],
    stats: RejectionStats,
) -> list[Clause]:
    """The clauses of training rules that rows do not keep by themselves, and were not asked for.

    Equations are left out: rows hardly ever obey one by being drawn anew.
    """
    derived = sampler.codec.derived
    if options.ignore_rules:
        return []
    alone = derived.implied_rules(sampler.fixed)
    known = {*alone, *(clause.text for clause in clauses)}
    rest = [rule for rule in derived.rules if rule not in known and " == " not in rule]
    stats.default_rules = (*alone, *rest)
    return clauses_of(sampler, rest)


def clauses_of(sampler: RowSampler, rules: Iterable[str]) -> list[Clause]:
    """Parse rules to the clauses that every row must obey.

    Raises:
        ConfigError: pointing at the part of a rule that is invalid.
    """
    codec = sampler.codec
    firsts = {name: span.start for name, span in zip(codec.names, codec.spans, strict=True)}

    def cooccurrence(one: str, other: str) -> NDArray[np.bool_] | None:
        return sampler.cooccurrence_of(firsts[one], firsts[other])

    return [clause for rule in rules for clause in bind(rule, codec.columns, cooccurrence)]


def _row_request(
    sampler: RowSampler, given: GivenCells, stratify_by: str | None, clauses: Sequence[Clause]
) -> _RowRequest:
    """Collect the conditions of each stratum from given values, strata and rules.

    Raises:
        ConfigError: if a column or value is unknown, no training row is like that, or conditions
            and rules contradict each other.
    """
    if stratify_by is not None and stratify_by in given:
        raise ConfigError(
            f"column {stratify_by!r} is both given and stratified by",
            remedy="Leave one of --given and --stratify-by out.",
        )
    codec = sampler.codec
    turns: list[dict[str, Any]] = [dict(given)]
    if stratify_by is not None:
        turns = [{**given, stratify_by: value} for value in codec.values(stratify_by)]
        turns = _allowed(codec, turns, stratify_by, clauses)
    bounded = [_bounds(codec, turn, clauses) for turn in turns]
    bounded_columns = {name for bounds in bounded for name in bounds.ranges}
    rules = tuple(
        each.text
        for each in clauses
        if len(each.columns) == 1 and each.columns[0] in bounded_columns
    )
    if turns == [{}] and not bounded_columns:
        return _RowRequest([], [], ())
    for bounds in bounded:
        _check_plausible(sampler, bounds)
    return _RowRequest(
        [list(bounds.ranges.values()) for bounds in bounded],
        [codec.cell_conditions(turn) for turn in turns],
        rules,
    )


def _bounds(codec: TableCodec, turn: GivenCells, clauses: Sequence[Clause]) -> Bounds:
    """The ranges of each column that fulfil the conditions of a stratum and the rules."""
    given_ranges = {
        name: ranges[0] for name in turn if (ranges := codec.cell_conditions({name: turn[name]}))
    }
    descriptions = {name: f"{name}={_short(turn[name])}" for name in given_ranges}
    firsts = [span.start for span in codec.spans]
    return bounds_of(clauses, codec.columns, firsts, given_ranges, descriptions)


def _allowed(
    codec: TableCodec, turns: list[dict[str, Any]], name: str, clauses: Sequence[Clause]
) -> list[dict[str, Any]]:
    """The strata whose value of the stratified column the rules allow.

    Raises:
        ConfigError: if they allow none.
    """
    alone = [each for each in clauses if each.columns == (name,)]
    allowed_turns: list[dict[str, Any]] = []
    for turn in turns:
        try:
            _bounds(codec, {name: turn[name]}, alone)
        except ConfigError:
            continue
        allowed_turns.append(turn)
    if not allowed_turns:
        _bounds(codec, {}, alone)  # names the rules that leave nothing
        raise ConfigError(f"the rules leave no value of {name!r} to stratify by")
    return allowed_turns


def _marginal_probability(sampler: RowSampler, row_request: _RowRequest) -> float:
    """Probability that a row under the given conditions obeys the rules by itself."""
    probabilities = [
        sampler.probability_of(cell_conditions) for cell_conditions in row_request.conditions
    ]
    free = [
        sampler.probability_of(cell_conditions) if cell_conditions else 1.0
        for cell_conditions in row_request.free
    ]
    return min(sum(probabilities) / max(sum(free), 1e-300), 1.0)


def _check_plausible(sampler: RowSampler, bounds: Bounds) -> None:
    """Refuse conditions that no training row fulfilled pairwise, or most probably none did."""
    ranges = bounds.ranges
    descriptions = {
        name: " and ".join(each.description for each in bounds.sources[name]) for name in ranges
    }
    for one, other in combinations(ranges, 2):
        if not sampler.cooccurred(ranges[one], ranges[other]):
            raise _implausible([descriptions[one], descriptions[other]], "no row fulfils both")
    if not ranges:
        return
    rows = sampler.source.facts["train"]
    expected = sampler.probability_of(list(ranges.values())) * rows
    if expected < MIN_EXPECTED_ROWS:
        why = f"of {rows} rows the model expects {expected:.2g} to fulfil them"
        raise _implausible(list(descriptions.values()), why)


def _implausible(descriptions: Sequence[str], why: str) -> ConfigError:
    return ConfigError(
        f"nothing like {', '.join(descriptions)} was seen in training: {why}",
        remedy="Ask for less at once, or for values that occur together.",
    )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "..".join("" if end is None else str(end) for end in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # of anything
    return str(value)


def has_pandas() -> bool:
    """Whether pandas is installed."""
    try:
        need("pandas", "table")
    except MissingExtraError:
        return False
    return True


def as_pandas(frame: Frame, codec: TableCodec) -> Any:
    """A pandas data frame, or the frame itself if pandas is not installed.

    Text columns of numbers become numeric.
    """
    try:
        pandas: Any = need("pandas", "table")
    except MissingExtraError:
        return frame
    data = to_pandas(frame)
    for column in codec.columns:
        if column.storage == "text" and column.type in ("integer", "decimal"):
            numbers = pandas.to_numeric(data[column.name], errors="coerce")
            if numbers.notna().sum() == (~find_missing(frame.column(column.name), wide=True)).sum():
                data[column.name] = numbers
    return data
