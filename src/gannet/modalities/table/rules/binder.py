"""Bind a parsed rule to the columns of a table: resolve names, check types, compile tests."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import ConfigError
from gannet.core.frame import Cells, Frame, factorized
from gannet.modalities.table.columns.category import SINGLE, CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn, missing_in
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.rules.clause import (
    Clause,
    CooccurrenceLookup,
    Operand,
    Test,
    certain,
    repeated,
)
from gannet.modalities.table.rules.lexer import fault
from gannet.modalities.table.rules.parser import (
    Among,
    Arithmetic,
    Call,
    Compare,
    Literal,
    Name,
    Node,
    Not,
    Several,
)
from gannet.modalities.table.rules.parser import parse as parse_rule
from gannet.modalities.table.rules.values import (
    Truth,
    ValueKind,
    Values,
    both,
    calculated,
    compared,
    kind_of,
    literal,
    negated,
    reader,
)


def bind(rule: str, columns: Sequence[AnyColumn], cooccurrence: CooccurrenceLookup) -> list[Clause]:
    """Parse a rule and split it into clauses at each top-level ``and``.

    Args:
        rule: Its text.
        columns: Of the table.
        cooccurrence: Co-occurrence of values in training rows.

    Raises:
        ConfigError: pointing at what cannot be read, an unknown column or value, or types that
            cannot be compared.
    """
    rule = re.sub(r"\s", " ", rule)
    by_name = {column.name: column for column in columns}
    parsed = parse_rule(rule, tuple(by_name))
    return [_clause(rule, node, by_name, cooccurrence) for node in _conjuncts(parsed)]


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Several) and node.sign == "and":
        for part in node.parts:
            yield from _conjuncts(part)
    elif isinstance(node, Compare):
        for left, sign, right in zip(node.parts, node.signs, node.parts[1:], strict=False):
            yield Compare(left.start, right.end, (left, right), (sign,))
    else:
        yield node


def _clause(
    rule: str, node: Node, columns: Mapping[str, AnyColumn], cooccurrence: CooccurrenceLookup
) -> Clause:
    binder = _Binder(rule, columns, cooccurrence)
    test = binder.test(node)
    order = None
    if isinstance(node, Compare) and len(node.signs) == 1:
        left, right = node.parts
        if isinstance(left, Name) and isinstance(right, Name):
            order = (left.name, node.signs[0], right.name)
    return Clause(
        text=rule[node.start : node.end],
        columns=tuple(dict.fromkeys(binder.used)),
        test=test,
        marks=tuple(binder.marks),
        comparison_only=binder.comparison_only,
        order=order,
    )


class _Binder:
    """Resolves the names of one clause and compiles its test."""

    def __init__(
        self, rule: str, columns: Mapping[str, AnyColumn], cooccurrence: CooccurrenceLookup
    ) -> None:
        self.rule, self.columns, self.cooccurrence = rule, columns, cooccurrence
        self.used: list[str] = []
        self.marks: list[str] = []
        self.comparison_only = True

    # -- tests --------------------------------------------------------------------------------

    def test(self, node: Node) -> Test:
        match node:
            case Not():
                inner = self.test(node.part)
                return lambda frame: negated(inner(frame))
            case Several():
                return self._several(node)
            case Compare():
                return self._compare(node)
            case Among():
                return self._among(node)
            case Call() if node.name == "missing":
                return self._missing(node)
            case Call():
                return self._occurs(node)
            case _:
                return self._no_test(node)

    def _several(self, node: Several) -> Test:
        tests = [self.test(part) for part in node.parts]
        turns = node.sign == "or"  # by De Morgan: not (not a and not b)

        def test(frame: Frame) -> Truth:
            evaluated = [negated(each(frame)) if turns else each(frame) for each in tests]
            whole = evaluated[0]
            for each in evaluated[1:]:
                whole = both(whole, each)
            return negated(whole) if turns else whole

        return test

    def _compare(self, node: Compare) -> Test:
        pairs = zip(node.parts, node.signs, node.parts[1:], strict=False)
        tests = [self._pair(left, sign, right) for left, sign, right in pairs]

        def test(frame: Frame) -> Truth:
            whole = tests[0](frame)
            for each in tests[1:]:
                whole = both(whole, each(frame))
            return whole

        return test

    def _pair(self, left: Node, sign: str, right: Node) -> Test:
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise self._two_literals(left, right)
        if sign not in ("==", "!="):
            self._check_order(left, sign, right)
        if isinstance(left, Literal):
            (kind, one), other = self._value(left, right), self._part(right)[1]
        elif isinstance(right, Literal):
            (kind, other), one = self._value(right, left), self._part(left)[1]
        else:
            (kind, one), (beside, other) = self._part(left), self._part(right)
            if kind != beside:
                raise fault(
                    self.rule,
                    left.start,
                    f"{kind} and {beside} cannot be compared",
                    "Compare columns of one type; `gannet inspect` lists them.",
                    end=right.end,
                )
        return lambda frame: compared(one(frame), sign, other(frame))

    def _check_order(self, left: Node, sign: str, right: Node) -> None:
        """Refuse ``<`` and ``>`` for text, which has no order."""
        columns = [self._column(each) for each in (left, right) if isinstance(each, Name)]
        if text_columns := [each for each in columns if kind_of(each) == "words"]:
            raise fault(
                self.rule,
                left.start,
                f"{text_columns[0].name!r} holds words, which have no order, so {sign} means "
                "nothing",
                "Use ==, != or in (...); or train with --column to give the column another type.",
                end=right.end,
            )

    def _among(self, node: Among) -> Test:
        if isinstance(node.part, Literal):
            raise self._two_literals(node.part, node.values[0])
        _, part = self._part(node.part)
        values = [self._value(each, node.part)[1] for each in node.values]

        def test(frame: Frame) -> Truth:
            evaluated = part(frame)
            each = [compared(evaluated, "==", value(frame)) for value in values]
            yes = np.any([truth.yes for truth in each], 0)
            return Truth(yes, ~yes & ~evaluated.missing_mask)

        return test

    def _missing(self, node: Call) -> Test:
        if len(node.columns) != 1:
            raise fault(self.rule, node.start, "missing() takes one column", end=node.end)
        column = self._column(node.columns[0])
        name = column.name
        return lambda frame: certain(missing_in(column, frame.column(name)))

    def _occurs(self, node: Call) -> Test:
        names = [each.name for each in node.columns]
        if len(names) != 2 or len(set(names)) != 2:
            pairs = "occurs(a, b) and occurs(b, c) and occurs(a, c)"
            raise fault(
                self.rule,
                node.start,
                "occurs() takes two different columns: a run stores which pairs of values occurred",
                f"For more columns write {pairs}, which checks each pair of them.",
                end=node.end,
            )
        one, other = (self._listed(each) for each in node.columns)
        cooccurred = self.cooccurrence(one.name, other.name)
        if cooccurred is None:
            raise fault(
                self.rule,
                node.start,
                "this run does not know which values occurred together: its table is very wide",
                "Leave occurs() out.",
                end=node.end,
            )

        def test(frame: Frame) -> Truth:
            left, right = (_symbols(each, frame.column(each.name)) for each in (one, other))
            return certain(cooccurred[left, right])

        return test

    def _listed(self, node: Name) -> AnyColumn:
        """A column with a symbol per value, as co-occurrence requires."""
        column = self._column(node)
        few = isinstance(column, CategoryColumn) and len(column.values) <= SINGLE
        if isinstance(column, NumberColumn | DatetimeColumn):
            few = not column.quantile_bins.placed
        if not few:
            raise fault(
                self.rule,
                node.start,
                f"{column.name!r} is {column.describe()}: for a column with so many values a run "
                "does not store which occurred together",
                f"occurs() takes columns of up to {SINGLE} values.",
                end=node.end,
            )
        return column

    def _no_test(self, node: Node) -> Test:
        if isinstance(node, Literal):
            raise self._unknown(node, ())
        raise fault(
            self.rule,
            node.start,
            "this is neither true nor false",
            "Compare it with something: age >= 18, smokes == yes.",
            end=node.end,
        )

    # -- values ----------------------------------------------------------------------------------

    def _part(self, node: Node) -> tuple[ValueKind, Operand]:
        """Type and values of a column or a calculation."""
        if isinstance(node, Name):
            column = self._column(node)
            kind, read, name = kind_of(column), reader(column), column.name
            assert kind is not None
            return kind, lambda frame: read(frame.column(name))
        if isinstance(node, Arithmetic):
            self.comparison_only = False
            left, right = self._number(node.left), self._number(node.right)
            sign = node.sign
            return "a number", lambda frame: calculated(left(frame), sign, right(frame))
        self.test(node)  # raises a more specific error, if there is one
        raise fault(
            self.rule,
            node.start,
            "this is true or false, and no value",
            "Join comparisons with and, or, not.",
            end=node.end,
        )

    def _number(self, node: Node) -> Operand:
        """An operand of a calculation."""
        if isinstance(node, Literal):
            if not node.number:
                raise self._unknown(node, ())
            return repeated(Values((np.array([float(node.text)]),), np.zeros(1, np.bool_)))
        kind, part = self._part(node)
        if kind != "a number":
            raise fault(
                self.rule,
                node.start,
                f"{self.rule[node.start : node.end]} is not a number, so rules cannot calculate "
                "with it",
                "Compare it with another column or a value of the same type.",
                end=node.end,
            )
        return part

    def _value(self, node: Literal, beside: Node) -> tuple[ValueKind, Operand]:
        """A literal, read in the type of what it is compared with."""
        if not isinstance(beside, Name):
            return "a number", self._number(node)
        column = self._column(beside)
        kind = kind_of(column)
        assert kind is not None
        value = literal(column, node.text)
        if value is None:
            raise self._misfit(node, column, kind)
        self.marks.append(node.text)
        return kind, repeated(value)

    # -- names and errors ---------------------------------------------------------------------

    def _column(self, node: Name) -> AnyColumn:
        column = self.columns.get(node.name)
        if column is None:
            raise self._unknown(node, ())
        if kind_of(column) is None:
            raise fault(
                self.rule,
                node.start,
                f"{column.name!r} is {column.describe()}; it is not learnt, so no rule can use it",
                "Leave it out, or train with --column to give it a type.",
                end=node.end,
            )
        self.used.append(column.name)
        return column

    def _unknown(self, node: Name | Literal, values: Sequence[str]) -> ConfigError:
        word = node.name if isinstance(node, Name) else node.text
        near = difflib.get_close_matches(word, [*self.columns, *values], 2, 0.6)
        remedy = f"Did you mean {' or '.join(map(repr, near))}?"
        if not near:
            remedy = f"Columns: {', '.join(list(self.columns)[:20])}."
        return fault(self.rule, node.start, f"no column {word!r}", remedy, end=node.end)

    def _two_literals(self, left: Literal, right: Literal) -> ConfigError:
        """The error for two compared literals, one of which was probably meant as a column."""
        unquoted = [each for each in (left, right) if not each.number and not each.quoted]
        if unquoted:
            near = [difflib.get_close_matches(w.text, self.columns, 1, 0.6) for w in unquoted]
            return self._unknown(
                unquoted[next((at for at, each in enumerate(near) if each), 0)], ()
            )
        return fault(
            self.rule,
            left.start,
            "two values are compared, and no column",
            "Name a column on one side; between ` marks if it is a number or has blanks.",
            end=right.end,
        )

    def _misfit(self, node: Literal, column: AnyColumn, kind: ValueKind) -> ConfigError:
        categories = list(column.values) if isinstance(column, CategoryColumn) else []
        near = difflib.get_close_matches(node.text, [*categories, *self.columns], 3, 0.6)
        remedy = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
        if categories:
            problem = f"{node.text!r} is not a value of {column.name!r}"
            remedy = remedy or f"Its values: {', '.join(map(repr, categories[:20]))}."
        elif node.text.strip() in ("", "?", "NA"):
            problem = f"{column.name!r} is compared with what is missing"
            remedy = f"Write missing({column.name})."
        else:
            unquoted = not node.quoted and not node.text[:1].isdecimal()  # may be meant as a column
            what = f"neither a column nor {kind}" if unquoted else f"not {kind}"
            problem = f"{node.text!r} is {what}, as {column.name!r} is"
            remedy = remedy or f"It is {column.describe()}."
        return fault(self.rule, node.start, problem, remedy, end=node.end)


def _symbols(column: AnyColumn, cells: Cells) -> NDArray[np.int64]:
    distinct, at = factorized(cells)
    return column.encode(distinct).numbers[:, 0].astype(np.int64)[at]
