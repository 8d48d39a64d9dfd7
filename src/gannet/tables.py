"""Rows of tables from a trained model: what is asked for, what never was, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from gannet.artefact import TOGETHER, Artefact
from gannet.chance import some_of
from gannet.codecs import Codec
from gannet.codecs.table import TableCodec
from gannet.columns.cells import absent
from gannet.dataset import Dataset
from gannet.errors import ConfigError, MissingExtraError, need
from gannet.evaluate import Report, evaluate_table
from gannet.frames import Frame, joined
from gannet.sources.frames import to_pandas
from gannet.types import Wishes

Given = Mapping[str, Any]
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
    codec = artefact.codecs["real"]
    if not isinstance(codec, TableCodec):
        raise ConfigError("this run makes no tables", remedy="Use sample instead.")
    return codec


def frames_of(
    artefact: Artefact,
    count: int,
    *,
    label: str | int | None,
    given: Given,
    balance_by: str | None,
    seed: int,
) -> Iterator[Frame]:
    """New rows, some at a time; see ``gannet.Model.frames``.

    Raises:
        ConfigError: if a wish cannot come true, or the model makes no tables.
    """
    codec = codec_of_rows(artefact)
    wishes = wishes_of(artefact, codec, given, balance_by)
    for start in range(0, max(count, 1), TOGETHER):
        rows = min(TOGETHER, count - start)
        made = artefact.sample(rows, label=label, seed=seed, start=start, wishes=wishes)
        yield codec.decode_frame(made, start=start, seed=seed)


def wishes_of(
    artefact: Artefact, codec: TableCodec, given: Given, balance_by: str | None
) -> Sequence[Wishes]:
    """What is asked for, one list of wishes after the other by turns; empty for nothing.

    Raises:
        ConfigError: if a column or value is unknown, or nothing like it was ever seen.
    """
    if balance_by is not None and balance_by in given:
        raise ConfigError(
            f"column {balance_by!r} is both given and balanced",
            remedy="Leave one of --given and --balance-by out.",
        )
    turns: list[dict[str, Any]] = [dict(given)]
    if balance_by is not None:
        turns = [{**given, balance_by: value} for value in codec.values(balance_by)]
    if turns == [{}]:
        return []
    wishes = [codec.wished(turn) for turn in turns]
    for turn, wish in zip(turns, wishes, strict=True):
        _check_seen(artefact, codec, turn, wish)
    return wishes


def _check_seen(artefact: Artefact, codec: TableCodec, turn: Given, wish: Wishes) -> None:
    """Refuse what no two cells of a training row, or by all odds no row, ever were."""
    single = {name: made[0] for name in turn if (made := codec.wished({name: turn[name]}))}
    for one, other in combinations(single, 2):
        if not artefact.met(single[one], single[other]):
            raise _never(turn, (one, other), "no row was so")
    expected = artefact.share_of(wish) * artefact.card.data["train"]
    if expected < LEAST_EXPECTED:
        rows = artefact.card.data["train"]
        raise _never(turn, turn, f"of {rows} rows the model expects {expected:.2g} to be so")


def _never(turn: Given, names: Iterable[str], why: str) -> ConfigError:
    shown = ", ".join(f"{name}={_short(turn[name])}" for name in names)
    return ConfigError(
        f"nothing like {shown} was seen in training: {why}",
        remedy="Ask for less at once, or for values that occur together.",
    )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "..".join("" if end is None else str(end) for end in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # of anything
    return str(value)


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
    **options: Any,
) -> Report:
    """The scores of a table, whose classifiers learn from as many fakes as real rows.

    Args:
        found: Real rows.
        codec: Of the table.
        make: So many new rows, some at a time.
        count: Rows on each side of what compares rows.
        options: As for ``evaluate_table``.

    Raises:
        ConfigError: if features are asked for.
    """
    assert isinstance(codec, TableCodec)
    if options.pop("features", "auto") != "auto":
        raise ConfigError("--features: tables are scored column by column, without features")
    real, others = (
        codec.decode_frame(rows.take(some_of(len(rows), TABLE_ROWS, options.get("seed", 0))).real)
        for rows in (found.train, found.held_out)
    )
    fake = joined(list(make(max(len(real), len(others)))))
    return evaluate_table(real, others, fake, codec, count=count, **options)
