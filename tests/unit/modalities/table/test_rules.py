"""The language of rules: what can be said, what it means, and how every slip is named."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from gannet.core.errors import ConfigError
from gannet.core.frame import Frame, cells_of
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.rules import RuleSearch, bind, bounds_of
from gannet.modalities.table.rules.parser import parse


def objects(values):
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells


def table(rows=1_200, seed=0):
    """Orders: two dates in different formats, numbers, words, some cells missing."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2020-01-01") + rng.integers(0, 600, rows)
    end = start + rng.integers(0, 40, rows)
    late = [None if rng.random() < 0.1 else day.item().strftime("%d.%m.%Y") for day in end]
    made = {
        "start": objects([str(day) for day in start]),
        "end": objects(late),
        "stamp": (start + rng.integers(0, 40, rows)).astype("datetime64[s]"),
        "opens": objects([f"{hour:02}:30" for hour in rng.integers(6, 20, rows)]),
        "price": rng.gamma(2, 20, rows).round(2),
        "count": rng.integers(1, 9, rows),
        "age": objects(
            ["?" if rng.random() < 0.1 else str(each) for each in rng.integers(18, 80, rows)]
        ),
        "total-paid": rng.gamma(2, 20, rows).round(2),
        "place": objects(rng.choice(["north", "south", "far east"], rows).tolist()),
        "land": objects(rng.choice(["N", "S"], rows).tolist()),
        "note": objects([f"free text of row {row}" for row in range(rows)]),
        "2019": rng.integers(0, 5, rows),
        "same": np.ones(rows, np.int64),
    }
    return Frame(tuple(made), tuple(made.values()))


ROWS = table()
CODEC = TableCodec.fit_frame(ROWS)
MET = np.zeros((3, 2), bool)
MET[0, 0] = MET[1, 1] = MET[2, 0] = True


def seen(one, other):
    return {("place", "land"): MET, ("land", "place"): MET.T}.get((one, other))


def bound(rule):
    return bind(rule, CODEC.columns, seen)


def one_row(**cells):
    """A row with some cells, the rest as in the first row."""
    columns = {name: ROWS.column(name)[:1].copy() for name in ROWS.names}
    for name, cell in cells.items():
        name = name.replace("_", "-")
        columns[name] = np.array([cell], "datetime64[s]") if name == "stamp" else cells_of([cell])
    return Frame(tuple(columns), tuple(columns.values()))


def obeys(rule, **cells):
    frame = one_row(**cells)
    return all(bool(each.holds(frame)[0]) for each in bound(rule))


# -- what it means ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "cells", "wanted"),
    [
        ("price < 20", {"price": 19.99}, True),
        ("price < 20", {"price": 20.0}, False),
        ("price <= 20", {"price": 20.0}, True),
        ("20 >= price", {"price": 20.0}, True),
        ("price > -1", {"price": 0.5}, True),
        ("price == 20", {"price": 20.0}, True),
        ("price != 20", {"price": 20.0}, False),
        ("10 <= price < count", {"price": 10.0, "count": 11}, True),
        ("10 <= price < count", {"price": 10.0, "count": 10}, False),
        ("total-paid < price", {"total-paid": 3.0, "price": 4.0}, True),
        ("total-paid - price < 0", {"total-paid": 3.0, "price": 4.0}, True),
        ("price * count == total-paid", {"price": 0.1, "count": 3, "total-paid": 0.3}, True),
        ("price * count <= total-paid", {"price": 0.1, "count": 3, "total-paid": 0.3}, True),
        ("price * count < total-paid", {"price": 0.1, "count": 3, "total-paid": 0.3}, False),
        ("price + count * 2 == 7", {"price": 1.0, "count": 3}, True),
        ("(price + count) * 2 == 8", {"price": 1.0, "count": 3}, True),
        ("price - count - 1 == 0", {"price": 5.0, "count": 4}, True),
        ("-price == -5", {"price": 5.0}, True),
        ("-(price + 1) < 0", {"price": 5.0}, True),
        ("place == north", {"place": "north"}, True),
        ("place != north", {"place": "north"}, False),
        ("place == 'far east'", {"place": "far east"}, True),
        ('place in (north, "far east")', {"place": "far east"}, True),
        ("place not in (north, south)", {"place": "south"}, False),
        ("price in (1, 2.5, -3)", {"price": 2.5}, True),
        ("start <= 2020-03-01", {"start": "2020-03-01"}, True),
        ("start < 2020-03-01", {"start": "2020-03-01"}, False),
        ("end >= 24.12.2020", {"end": "25.12.2020"}, True),
        ("end >= 24.12.2020", {"end": "01.12.2020"}, False),
        ("start <= end", {"start": "2020-03-01", "end": "01.03.2020"}, True),
        ("start <= end", {"start": "2020-03-02", "end": "01.03.2020"}, False),
        ("stamp < 2020-03-01T12:00", {"stamp": "2020-03-01T11:59"}, True),
        ("stamp < 2020-03-01T12:00", {"stamp": "2020-03-01T12:00"}, False),
        ("stamp > start", {"stamp": "2020-03-01T00:00:01", "start": "2020-03-01"}, True),
        ("stamp > start", {"stamp": "2020-03-01T00:00:00", "start": "2020-03-01"}, False),
        ("opens >= 09:30", {"opens": "09:30"}, True),
        ("opens >= 09:30", {"opens": "08:30"}, False),
        ("`2019` == 3", {"2019": 3}, True),
        ("`total-paid` > 1", {"total-paid": 1.5}, True),
        ("price < 5 or count > 5", {"price": 9.0, "count": 6}, True),
        ("price < 5 or count > 5", {"price": 9.0, "count": 5}, False),
        ("not price < 5", {"price": 5.0}, True),
        ("not (price < 5 or count > 5) and place == north", {"price": 9.0, "count": 6}, False),
        ("price < 5 or count > 5 and place == north", {"price": 1.0, "count": 1}, True),
    ],
)
def test_a_rule_means_what_it_says(rule, cells, wanted):
    assert obeys(rule, **cells) is wanted


@pytest.mark.parametrize(
    ("rule", "age", "wanted"),
    [
        ("age < 30", "?", True),  # nothing is known that breaks it
        ("not age < 30", "?", True),
        ("age < 30 and count == 1", "?", False),  # the other part does
        ("age < 30 or count == 1", "?", True),
        ("missing(age)", "?", True),
        ("missing(age)", "30", False),
        ("not missing(age)", "?", False),
        ("not missing(age) and age < 30", "29", True),
        ("age in (20, 30)", "?", True),
        ("age not in (20, 30)", "?", True),
        ("age + 1 < 30", "?", True),
        ("age / 0 > 3", "30", True),
    ],
)
def test_what_is_missing_breaks_no_rule(rule, age, wanted):
    assert obeys(rule, age=age, count=2) is wanted


def test_combinations_that_occur():
    values = {name: CODEC.values(name) for name in ("place", "land")}
    for one in range(3):
        for other in range(2):
            cells = {"place": values["place"][one], "land": values["land"][other]}
            assert obeys("occurs(place, land)", **cells) == MET[one, other]
            assert obeys("occurs(land, place)", **cells) == MET[one, other]
            assert obeys("not occurs(land, place)", **cells) != MET[one, other]


def test_what_and_joins_are_parts_of_their_own():
    found = bound("price < 5 and (count > 1 and place == north) and (age < 30 or count < 3)")
    texts = ["price < 5", "count > 1", "place == north", "(age < 30 or count < 3)"]
    assert [each.text for each in found] == texts
    assert [each.columns for each in found][-1] == ("age", "count")


def test_a_longer_name_wins_and_keywords_stay_keywords():
    tree = parse("a-b < 3", ["a", "b", "a-b"])
    assert tree.parts[0].name == "a-b"
    tree = parse("a - b < 3", ["a", "b", "a-b"])
    assert (tree.parts[0].left.name, tree.parts[0].right.name) == ("a", "b")
    tree = parse("`in` in (order, not-so)", ["in", "or"])
    assert [each.text for each in tree.values] == ["order", "not-so"]


# -- slips -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "at", "said"),
    [
        ("start <= edn", "edn", "Did you mean 'end'?"),
        ("strat <= end", "strat", "Did you mean 'start'"),
        ("plase == north", "plase", "no column 'plase'\n.*\n.*\n  Did you mean 'place'?"),
        ("missing(agee)", "agee", "no column 'agee'"),
        ("`agee` < 3", "`agee`", "Did you mean 'age'?"),
        ("price + agee < 3", "agee", "Did you mean 'age'?"),
        ("place == nort", "nort", "Did you mean 'north'"),
        ("place == 'x'", "'x'", "Its values: "),
        ("place < 3", "place < 3", "have no order"),
        ("place < land", "place < land", "have no order"),
        ("start < price", "start < price", "a date and a number cannot be compared"),
        ("opens < start", "opens < start", "a time of day and a date cannot be compared"),
        ("start < 2020-02-30", "2020-02-30", "is not a date"),
        ("end < 2020-02-20", "2020-02-20", "as %d.%m.%Y"),
        ("price < cheap", "cheap", "neither a column nor a number"),
        ("price == '?'", "'?'", "Write missing(price)"),
        ("start + 1 < end", "start", "is not a number"),
        ("place in (north, sout)", "sout", "Did you mean 'south'"),
        ("price = 3", "=", "Write == for equal"),
        ("price < 3 && count > 1", "&", "Write and"),
        ("price < 3 | count > 1", "|", "Write or"),
        ("price <", "", "expected a column or a value, the rule ends"),
        ("price < 3 and", "", "expected a column or a value"),
        ("(price < 3", "", "expected ')'"),
        ("price < 3)", ")", "expected and, or, or the end"),
        ("price 3", "3", "expected and, or, or the end"),
        ("price not 3", "3", "expected 'in'"),
        ("price in 3", "3", "expected '('"),
        ("price in (count)", "count", "expected a value"),
        ("price < 'abc", "'", "without its other half"),
        ("price < 3; count", ";", "means nothing in a rule"),
        ("price", "price", "neither true nor false"),
        ("price < 3 or place", "place", "neither true nor false"),
        ("(price < 3) < 4", "(price < 3)", "true or false, and no value"),
        ("3 < 4", "3 < 4", "two values are compared"),
        ("note == x", "note", "is not learnt"),
        ("exists(price)", "exists", "There are occurs(column, column)"),
        ("occurs(place)", "occurs(place)", "two different columns"),
        ("occurs(place, place)", "occurs(place, place)", "two different columns"),
        ("occurs(place, land, age)", "occurs(place, land, age)", "pairs of values"),
        ("occurs(place, price)", "price", "up to 256 values"),
        (
            "occurs(place, count)",
            "occurs(place, count)",
            "does not know which values occurred together",
        ),
        ("missing(place, land)", "missing(place, land)", "one column"),
        ("(" * 60 + "price", "(", "50 levels deep"),
        ("not " * 60 + "price < 3", "n", "50 levels deep"),
        ("1" + "+1" * 60 + " < price", "1", "50 levels deep"),
    ],
)
def test_a_slip_is_named_and_pointed_at(rule, at, said):
    with pytest.raises(ConfigError, match="--constraint: ") as caught:
        bound(rule)
    message = str(caught.value)
    assert re.search(said if ".*" in said else re.escape(said), message), message
    shown, marks = message.split("\n")[1:3]
    assert shown[4:] == rule
    start, length = marks.index("^") - 4, marks.count("^")
    assert rule[start : start + length] == at
    assert caught.value.remedy or "missing()" in message


@pytest.mark.parametrize(
    ("rule", "said"), [(" ", "an empty rule"), ("p" * 3_000, "3,000 characters")]
)
def test_a_rule_must_be_of_some_length(rule, said):
    with pytest.raises(ConfigError, match=said):
        bound(rule)


# -- bounds ----------------------------------------------------------------------------------------

FIRSTS = [span.start for span in CODEC.spans]


def left(*rules, given=None):
    """What rules and wishes leave of the columns."""
    given = given or {}
    clauses = [clause for rule in rules for clause in bound(rule)]
    wished = {name: CODEC.cell_conditions({name: wish})[0] for name, wish in given.items()}
    words = {name: f"{name}={wish}" for name, wish in given.items()}
    return bounds_of(clauses, CODEC.columns, FIRSTS, wished, words).ranges


def ends(name, pieces):
    """The cells at both ends of each piece, decoded."""
    first = FIRSTS[CODEC.names.index(name)]
    rows = []
    for piece in pieces:
        for end in (0, 1):
            row = torch.full((len(CODEC.fields),), 0.5)
            row[list(piece.cells)] = torch.tensor(list(piece.cells.values())).float()
            if first + 1 in piece.within:
                row[first + 1] = piece.within[first + 1][end]
            elif first + 1 not in piece.cells and CODEC.fields[first + 1].kind == "place":
                row[first + 1] = end * (1 - 1e-6)
            rows.append(row)
    return CODEC.decode_frame(torch.stack(rows)).column(name)


@pytest.mark.parametrize(
    ("rule", "name", "low", "high"),
    [
        ("price < 30", "price", None, 29.99),
        ("price <= 30 and price > 12.34", "price", 12.35, 30.0),
        ("not (price <= 12.34 or price > 30)", "price", 12.35, 30.0),
        ("12.34 < price <= 30", "price", 12.35, 30.0),
        ("count * 2 < 9", "count", 1, 4),
        ("count + count >= 12", "count", 6, 8),
        ("stamp < 2020-03-05", "stamp", None, np.datetime64("2020-03-04")),
        ("start > 2020-03-05", "start", "2020-03-06", None),
    ],
)
def test_a_bound_is_kept_to_the_last_digit(rule, name, low, high):
    cells = ends(name, left(rule)[name])
    if low is not None:
        assert min(cells) == low
    if high is not None:
        assert max(cells) == high
    assert all(each.holds(Frame((name,), (cells,))).all() for each in bound(rule))


def test_two_stretches_are_left_where_or_says_so():
    cells = ends("price", left("price < 10 or price > 50")["price"])
    assert ((cells < 10) | (cells > 50)).all()
    assert {bool(cell < 10) for cell in cells} == {True, False}


def test_a_missing_cell_is_left_if_it_breaks_nothing():
    assert "?" in ends("age", left("age < 30")["age"])
    assert "?" not in ends("age", left("age < 30", "not missing(age)")["age"])
    assert set(ends("age", left("missing(age)")["age"])) == {"?"}
    assert set(ends("age", left("age < 30", given={"age": "28..40"})["age"])) == {"28", "29"}


def test_what_is_always_so_or_cannot_be_listed_is_not_asked_for():
    assert left("price > -5", "same == 1", "same < price or count < 9") == {}
    assert left("price * 2 > 5") == {}, "rows are drawn until they obey"
    assert left("price < count", "occurs(place, land)") == {}
    assert set(left("price < 5", "place == north", "age < 40")) == {
        "price",
        "place",
        "age",
    }


@pytest.mark.parametrize(
    ("rules", "given", "said"),
    [
        (["price < 20", "price > 30"], {}, ["'price < 20'", "'price > 30'"]),
        (["price < 20 and price > 30"], {}, ["'price < 20'", "'price > 30'"]),
        (["count < 5", "age < 30", "age > 30", "age == 30"], {}, ["'age < 30'", "'age > 30'"]),
        (["age > 40"], {"age": "20..30"}, ["'age > 40'", "age=20..30"]),
        (["place != north"], {"place": "north"}, ["'place != north'", "place=north"]),
        (["missing(age)", "not missing(age)"], {}, ["'missing(age)'", "'not missing(age)'"]),
        (["start < end", "end < start"], {}, ["'start < end'", "'end < start'"]),
        (["start == end", "start != end"], {}, ["'start == end'", "'start != end'"]),
        (["start < end", "start >= end"], {}, ["'start < end'", "'start >= end'"]),
        (
            ["start <= end", "start >= 2021-03-01", "end < 01.02.2021"],
            {},
            ["'start <= end'", "'start >= 2021-03-01'", "'end < 01.02.2021'"],
        ),
        (["start <= end", "start >= 2021-03-01"], {"end": "..01.02.2021"}, ["end=..01.02.2021"]),
    ],
)
def test_rules_that_contradict_each_other_are_named(rules, given, said):
    with pytest.raises(ConfigError, match="contradict each other") as caught:
        left(*rules, given=given)
    assert all(each in str(caught.value) for each in said)
    assert not any(rule in str(caught.value) for rule in {"count < 5"} & set(rules))


@pytest.mark.parametrize(
    "rule", ["price > 9999", "count != count", "age < 3", "opens > 23:30", "same > 1"]
)
def test_a_rule_that_nothing_obeys_is_refused_alone(rule):
    with pytest.raises(ConfigError, match="--constraint") as caught:
        left(rule)
    assert "contradict" not in str(caught.value)
    assert "no cell of" in str(caught.value)


def test_rules_that_can_stand_together_are_left_alone():
    left("start <= end", "end <= start")
    left("start < end", "start != end")
    left("start <= end", "stamp < start", "count != 3 or count == 3")


# -- found -----------------------------------------------------------------------------------------


def found(frame, parts=1):
    codec = TableCodec.fit_frame(frame)
    search = RuleSearch(codec.columns)
    step = -(-len(frame) // parts)
    for at in range(0, len(frame), step):
        search.add(frame[at : at + step])
    return {each.rule: each for each in search.rules()}


def test_rules_that_hold_in_all_rows_are_found_whatever_the_parts():
    rules = found(ROWS)
    assert set(rules) == {"start <= end", "start <= stamp"}
    known = sum(cell is not None for cell in ROWS.column("end"))
    assert rules["start <= end"].rows == known
    assert 0 < rules["start <= end"].equal < 100
    assert found(ROWS, parts=7) == rules
    for rule in rules:
        assert all(each.holds(ROWS).all() for each in bound(rule))


def test_one_row_that_breaks_it_is_enough():
    columns = dict(zip(ROWS.names, [column.copy() for column in ROWS.columns], strict=True))
    columns["end"][17] = "01.01.2020"
    columns["start"][17] = "2020-01-02"
    assert "start <= end" not in found(Frame(tuple(columns), tuple(columns.values())))


def test_what_few_rows_say_or_chance_would_is_not_listed():
    assert found(ROWS[:90]) == {}
    rng = np.random.default_rng(0)
    low, high = rng.integers(0, 50, 500), rng.integers(49, 99, 500)
    low[0], high[0] = 49, 99
    assert found(Frame(("low", "high"), (low, high))) == {}, "ranges that hardly overlap"
    same = rng.integers(0, 50, 500)
    assert found(Frame(("a", "b"), (same, same.copy()))) == {}, "equal columns"


def test_a_column_that_is_the_sum_of_two_others_is_found_whatever_the_parts():
    rng = np.random.default_rng(0)
    net, tax = rng.integers(100, 9_999, 500) / 100, rng.integers(0, 999, 500) / 100
    other = rng.integers(100, 9_999, 500) / 100
    columns = {"net": net, "other": other, "in": tax, "total": np.round(net + tax, 2)}
    columns["in"][::7] = np.nan
    frame = Frame(tuple(columns), tuple(columns.values()))
    rule = "total == net + `in`"
    assert found(frame)[rule].rows == 500 - 72
    assert found(frame)[rule].is_equation
    assert [each for each in found(frame, parts=6) if "==" in each] == [rule]
    codec = TableCodec.fit_frame(frame)
    assert all(each.holds(frame).all() for each in bind(rule, codec.columns, seen))
    columns["total"][444] += 0.01
    assert rule not in found(frame)


def test_a_name_that_cannot_stand_bare_is_found_between_marks():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 50, 500)
    frame = Frame(("low end", "in"), (low, low + rng.integers(0, 9, 500)))
    (rule,) = found(frame)
    assert rule == "`low end` <= `in`"
    codec = TableCodec.fit_frame(frame)
    assert all(each.holds(frame).all() for each in bind(rule, codec.columns, seen))
