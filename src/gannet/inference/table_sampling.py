"""Rows of tables from a trained model: what is asked for, what never was, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, MissingExtraError, need
from gannet.core.frame import Frame, joined
from gannet.core.seeding import some_of
from gannet.core.types import Wishes
from gannet.data.containers.frames import to_pandas
from gannet.data.dataset import Dataset
from gannet.evaluation.evaluate import Report, evaluate_filled, evaluate_table
from gannet.inference.artifact import TOGETHER, Artefact
from gannet.inference.rejection import Obeyed, obeying
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.base import absent
from gannet.modalities.table.rules import Bounds, Clause, bind, bounds_of

GivenCells = Mapping[str, Any]
"""Columns and what their cells must be."""

TABLE_ROWS = 50_000
"""Most real rows of a table that are scored with, of each part."""

LEAST_EXPECTED = 0.01
"""Rows of training that the model must hold to be as asked for, or nothing like it was seen."""


def codec_of_rows(artefact: Artefact) -> TableCodec:
    """The codec of a model that makes tables.

    Raises:
        ConfigError: if it makes none.
    """
    codec = artefact.codecs["sample"]
    if not isinstance(codec, TableCodec):
        raise ConfigError("this run makes no tables", remedy="Use sample instead.")
    return codec


@dataclass
class SampledRows(Iterator[Frame]):
    """New rows, some at a time.

    Attributes:
        frames: That are still to come.
        obeyed: What rules did to the rows so far.
    """

    frames: Iterator[Frame]
    obeyed: Obeyed

    def __next__(self) -> Frame:
        """Some rows more."""
        return next(self.frames)


@dataclass(frozen=True)
class _Asked:
    """What is asked of the columns, by turns.

    Attributes:
        wishes: One list after the other; empty for nothing.
        free: The same without rules, for those turns.
        rules: That the wishes keep, as they stand in the rules.
    """

    wishes: Sequence[Wishes]
    free: Sequence[Wishes]
    rules: tuple[str, ...]


def frames_of(
    artefact: Artefact,
    count: int,
    *,
    given: GivenCells,
    balance_by: str | None,
    requires: Sequence[str] | str,
    label: str | int | None,
    seed: int,
    numeric: bool = False,
) -> SampledRows:
    """New rows, some at a time; see ``gannet.Model.frames``."""
    obeyed = Obeyed()
    rules = [requires] if isinstance(requires, str) else requires

    def frames() -> Iterator[Frame]:
        codec = codec_of_rows(artefact)
        clauses = clauses_of(artefact, codec, rules)
        asked = _asked_of(artefact, codec, given, balance_by, clauses)
        obeyed.asked = asked.rules
        if asked.rules:
            obeyed.natural = _natural(artefact, asked)
        for start in range(0, max(count, 1), TOGETHER):
            rows = range(start, min(start + TOGETHER, count))
            if clauses and rows:
                made = obeying(
                    artefact, codec, clauses, rows, wishes=asked.wishes, seed=seed, obeyed=obeyed
                )
            else:
                some = min(TOGETHER, count - start)  # below nought for a count that is
                made = artefact.sample(
                    some, label=label, seed=seed, start=start, wishes=asked.wishes
                )
            yield codec.decode_frame(made, start=start, seed=seed, numeric=numeric)

    return SampledRows(frames(), obeyed)


def clauses_of(artefact: Artefact, codec: TableCodec, rules: Iterable[str]) -> list[Clause]:
    """What every row must obey.

    Raises:
        ConfigError: pointing at what in a rule cannot be.
    """
    firsts = {name: span.start for name, span in zip(codec.names, codec.spans, strict=True)}

    def seen(one: str, other: str) -> NDArray[np.bool_] | None:
        return artefact.pairs_seen(firsts[one], firsts[other])

    return [clause for rule in rules for clause in bind(rule, codec.columns, seen)]


def _asked_of(
    artefact: Artefact,
    codec: TableCodec,
    given: GivenCells,
    balance_by: str | None,
    clauses: Sequence[Clause],
) -> _Asked:
    """What is asked for, one list of wishes after the other by turns.

    Raises:
        ConfigError: if a column or value is unknown, nothing like it was ever seen, or wishes and
            rules contradict each other.
    """
    if balance_by is not None and balance_by in given:
        raise ConfigError(
            f"column {balance_by!r} is both given and balanced",
            remedy="Leave one of --given and --balance-by out.",
        )
    turns: list[dict[str, Any]] = [dict(given)]
    if balance_by is not None:
        turns = [{**given, balance_by: value} for value in codec.values(balance_by)]
        turns = _allowed(codec, turns, balance_by, clauses)
    bounded = [_bounds(codec, turn, clauses) for turn in turns]
    kept = {name for bounds in bounded for name in bounds.pieces}
    rules = tuple(
        each.text for each in clauses if len(each.columns) == 1 and each.columns[0] in kept
    )
    if turns == [{}] and not kept:
        return _Asked([], [], ())
    for bounds in bounded:
        _check_seen(artefact, bounds)
    return _Asked(
        [list(bounds.pieces.values()) for bounds in bounded],
        [codec.wished(turn) for turn in turns],
        rules,
    )


def _bounds(codec: TableCodec, turn: GivenCells, clauses: Sequence[Clause]) -> Bounds:
    """What a turn and the rules leave of each column."""
    wished = {name: made[0] for name in turn if (made := codec.wished({name: turn[name]}))}
    words = {name: f"{name}={_short(turn[name])}" for name in wished}
    firsts = [span.start for span in codec.spans]
    return bounds_of(clauses, codec.columns, firsts, wished, words)


def _allowed(
    codec: TableCodec, turns: list[dict[str, Any]], name: str, clauses: Sequence[Clause]
) -> list[dict[str, Any]]:
    """The turns whose balanced value the rules allow.

    Raises:
        ConfigError: if they allow none.
    """
    alone = [each for each in clauses if each.columns == (name,)]
    kept: list[dict[str, Any]] = []
    for turn in turns:
        try:
            _bounds(codec, {name: turn[name]}, alone)
        except ConfigError:
            continue
        kept.append(turn)
    if not kept:
        _bounds(codec, {}, alone)  # names the rules that leave nothing
        raise ConfigError(f"the rules leave no value of {name!r} to balance")
    return kept


def _natural(artefact: Artefact, asked: _Asked) -> float:
    """The share of rows that would obey without being asked, among those that are given."""
    shares = [artefact.share_of(wish) for wish in asked.wishes]
    free = [artefact.share_of(wish) if wish else 1.0 for wish in asked.free]
    return min(sum(shares) / max(sum(free), 1e-300), 1.0)


def _check_seen(artefact: Artefact, bounds: Bounds) -> None:
    """Refuse what no two cells of a training row, or by all odds no row, ever were."""
    pieces = bounds.pieces
    words = {name: " and ".join(each.words for each in bounds.sources[name]) for name in pieces}
    for one, other in combinations(pieces, 2):
        if not artefact.met(pieces[one], pieces[other]):
            raise _never([words[one], words[other]], "no row was so")
    if not pieces:
        return
    rows = artefact.card.data["train"]
    expected = artefact.share_of(list(pieces.values())) * rows
    if expected < LEAST_EXPECTED:
        why = f"of {rows} rows the model expects {expected:.2g} to be so"
        raise _never(list(words.values()), why)


def _never(words: Sequence[str], why: str) -> ConfigError:
    return ConfigError(
        f"nothing like {', '.join(words)} was seen in training: {why}",
        remedy="Ask for less at once, or for values that occur together.",
    )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "..".join("" if end is None else str(end) for end in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # of anything
    return str(value)


def has_pandas() -> bool:
    """Whether tables can be given as data frames."""
    try:
        need("pandas", "table")
    except MissingExtraError:
        return False
    return True


def as_pandas(frame: Frame, codec: TableCodec) -> Any:
    """A data frame, where pandas is installed; text that can only be a number becomes one."""
    try:
        pandas: Any = need("pandas", "table")
    except MissingExtraError:
        return frame
    data = to_pandas(frame)
    for column in codec.columns:
        if column.storage == "text" and column.type in ("integer", "decimal"):
            numbers = pandas.to_numeric(data[column.name], errors="coerce")
            if numbers.notna().sum() == (~absent(frame.column(column.name), wide=True)).sum():
                data[column.name] = numbers
    return data


def report_of(
    found: Dataset,
    codec: Codec[Any],
    make: Callable[[int], Iterator[Frame]],
    count: int,
    *,
    fill: Callable[[Frame, int], Sequence[Frame]] | None = None,
    **options: Any,
) -> Report:
    """The scores of a table, whose classifiers learn from as many fakes as real rows.

    Args:
        found: Real rows.
        codec: Of the table.
        make: So many new rows, some at a time.
        fill: A table with holes and a number of draws to filled tables, of a model that fills
            holes, which are then what is scored.
        count: Rows on each side of what compares rows.
        options: As for ``evaluate_table``.

    Raises:
        ConfigError: if features are asked for.
    """
    assert isinstance(codec, TableCodec)
    if options.pop("features", "auto") != "auto":
        raise ConfigError("--features: tables are scored column by column, without features")
    chosen = [
        some_of(len(rows), TABLE_ROWS, options.get("seed", 0))
        for rows in (found.train, found.held_out)
    ]
    if fill is not None:  # the rest was looked at when the run ended, see ``finish.settled``
        chosen[1] = [at for at in chosen[1] if at % 2]
    real, others = (
        codec.decode_frame(rows.take(some).real)
        for rows, some in zip((found.train, found.held_out), chosen, strict=True)
    )
    if fill is not None:
        return evaluate_filled(real, others, codec, fill, count=count, **options)
    fake = joined(list(make(max(len(real), len(others)))))
    return evaluate_table(real, others, fake, codec, count=count, **options)
