"""Any rule means to gannet what it means to a reader that knows Python and looks at one row."""

from __future__ import annotations

import operator

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gannet.core.errors import ConfigError, GannetError
from gannet.core.frame import Frame, cells_of
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.rules import bind, bounds_of

SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def table(rows=600):
    rng = np.random.default_rng(0)
    gaps = [None if rng.random() < 0.2 else float(each) for each in rng.integers(0, 9, rows)]
    made = {
        "a": rng.integers(0, 9, rows),
        "b": cells_of(gaps),
        "c": rng.normal(4, 2, rows).round(3),
        "w": cells_of(rng.choice(["x", "y", "z"], rows).tolist()),
    }
    return Frame(tuple(made), tuple(made.values()))


ROWS = table()
CODEC = TableCodec.fit_frame(ROWS)
FIRSTS = [span.start for span in CODEC.spans]

# A rule as text, and as a function of a row that says True, False or None.
NUMBERS = st.integers(-1, 10) | st.floats(0, 8).map(lambda each: round(each, 1))
COLUMNS = st.sampled_from("abc")


def _compared(name, sign, other):
    def test(row):
        left, right = row[name], row[other] if isinstance(other, str) else other
        return None if left is None or right is None else SIGNS[sign](left, right)

    return f"{name} {sign} {other}", test


def _not(part):
    text, inner = part

    def test(row):
        found = inner(row)
        return None if found is None else not found

    return f"not ({text})", test


def _joined(sign, one, other):
    def test(row):
        found = {one[1](row), other[1](row)}
        decides = sign == "or"
        return decides if decides in found else None if None in found else not decides

    return f"({one[0]}) {sign} ({other[0]})", test


def rules(columns=COLUMNS, words=True, pairs=True):
    leaves = st.builds(_compared, columns, st.sampled_from(list(SIGNS)), NUMBERS)
    if pairs:
        leaves |= st.builds(_compared, columns, st.sampled_from(list(SIGNS)), columns)
    if words:
        word = st.sampled_from("xyz")
        leaves |= word.map(lambda each: (f"w == {each}", lambda row: row["w"] == each))
        leaves |= word.map(
            lambda each: (f"w not in ({each}, x)", lambda row: row["w"] not in each + "x")
        )
    return st.recursive(
        leaves,
        lambda inner: (
            inner.map(_not) | st.builds(_joined, st.sampled_from(["and", "or"]), inner, inner)
        ),
        max_leaves=6,
    )


def unseen(_one, _other):
    return None


@given(rules())
@settings(deadline=None, max_examples=200)
def test_a_rule_says_of_each_row_what_it_says_read_aloud(rule):
    text, test = rule
    clauses = bind(text, CODEC.columns, unseen)
    kept = np.all([clause.holds(ROWS) for clause in clauses], 0)
    rows = [dict(zip(ROWS.names, row, strict=True)) for row in ROWS.rows()]
    assert kept.tolist() == [test(row) is not False for row in rows]


@given(rules(st.just("c"), words=False, pairs=False) | rules(st.just("b"), False, False))
@settings(deadline=None, max_examples=200)
def test_what_is_left_of_a_column_is_what_obeys(rule):
    text, _ = rule
    clauses = bind(text, CODEC.columns, unseen)
    name = clauses[0].columns[0]
    try:
        pieces = bounds_of(clauses, CODEC.columns, FIRSTS, {}, {}).ranges
    except ConfigError:
        column = CODEC.columns[CODEC.names.index(name)]
        units = np.arange(column.quantile_bins.low, column.quantile_bins.high + 1)
        units = units[~column.quantile_bins.locate(units)[2]]  # what no rung holds is never made
        cells = column.cells_of(units)
        frame = Frame((name,), (cells,))
        assert not np.all([clause.holds(frame) for clause in clauses], 0).any()
        return
    encoded = CODEC.encode_frame(ROWS)
    inside = np.array([_fulfils(row, pieces.get(name)) for row in encoded.tolist()])
    kept = np.all([clause.holds(ROWS) for clause in clauses], 0)
    assert inside.tolist() == kept.tolist()


def _fulfils(row, pieces):
    """Whether an encoded row is one of the ways in which a wish comes true."""
    if pieces is None:
        return True
    return any(
        all(row[at] == cell for at, cell in piece.cells.items())
        and all(low <= row[at] <= high for at, (low, high) in piece.within.items())
        for piece in pieces
    )


@given(st.text(max_size=40) | st.text(st.sampled_from("abcw <>=!()+-*/'\"`.,x19&|"), max_size=30))
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_rule_or_one_clear_error(text):
    try:
        clauses = bind(text, CODEC.columns, unseen)
        bounds_of(clauses, CODEC.columns, FIRSTS, {}, {})
    except GannetError as error:
        said = str(error)
    else:
        said = "--constraint"
        made = CODEC.decode_frame(torch.rand(5, len(CODEC.fields)))
        assert all(clause.holds(made).shape == (5,) for clause in clauses)
    assert "--constraint" in said
