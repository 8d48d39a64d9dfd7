"""Recursive-descent parser of rules.

rule    = and-part {"or" and-part}
and     = not-part {"and" not-part}
not     = "not" not-part | test
test    = sum {("<" | "<=" | ">" | ">=" | "==" | "!=") sum}
        | sum ["not"] "in" "(" value {"," value} ")"
sum     = product {("+" | "-") product}
product = factor {("*" | "/") factor}
factor  = "-" factor | value | column | "(" rule ")" | name "(" column {"," column} ")"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gannet.core.errors import ConfigError
from gannet.modalities.table.rules.lexer import COMPARISONS, Token, fault, tokenize

DEEPEST = 50
"""Deepest nesting of brackets and operators."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a rule, from ``start`` to ``end`` in its text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value: a number, or text that is read in the type of what it is compared with."""

    text: str
    number: bool
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """A sum, difference, product or quotient."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A chained comparison such as ``a < b <= c``: its parts and the signs between them."""

    parts: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Among(Node):
    """Whether a value is one of several."""

    part: Node
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``occurs(a, b)`` or ``missing(a)``."""

    name: str
    columns: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Logical negation."""

    part: Node


@dataclass(frozen=True, slots=True)
class Several(Node):
    """A conjunction or disjunction of parts."""

    sign: str
    parts: tuple[Node, ...]


def parse(rule: str, columns: Sequence[str]) -> Node:
    """Parse a rule.

    Args:
        rule: Its text.
        columns: Names that are always read as columns.

    Raises:
        ConfigError: pointing at the first syntax error.
    """
    reader = _Parser(rule, tokenize(rule, columns))
    node = reader.disjunction()
    if reader.current.kind != "end":
        raise reader.expected("and, or, or the end of the rule")
    return node


class _Parser:
    """Parses tokens in one pass."""

    def __init__(self, rule: str, tokens: Sequence[Token]) -> None:
        self.rule, self.tokens, self.at, self.depth = rule, tokens, 0, 0

    @property
    def current(self) -> Token:
        return self.tokens[self.at]

    def accept(self, *texts: str) -> Token | None:
        """Consume and return the next token if it is one of these signs."""
        word = self.current
        if word.kind == "sign" and word.text in texts:
            self.at += 1
            return word
        return None

    def need(self, text: str) -> Token:
        word = self.accept(text)
        if word is None:
            raise self.expected(repr(text))
        return word

    def expected(self, what: str) -> ConfigError:
        word = self.current
        got = "the rule ends" if word.kind == "end" else f"got {word.text!r}"
        remedy = "Put values of several words between quotation marks, columns between ` marks."
        return fault(self.rule, word.start, f"expected {what}, {got}", remedy, end=word.end)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise fault(
                self.rule,
                self.current.start,
                f"more than {DEEPEST} levels deep",
                "Write it flatter.",
            )

    def disjunction(self) -> Node:
        return self._several("or", self.conjunction)

    def conjunction(self) -> Node:
        return self._several("and", self.negation)

    def _several(self, sign: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self.accept(sign):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Several(parts[0].start, parts[-1].end, sign, tuple(parts))

    def negation(self) -> Node:
        word = self.accept("not")
        if word is None:
            return self.test()
        self.deeper()
        part = self.negation()
        self.depth -= 1
        return Not(word.start, part.end, part)

    def test(self) -> Node:
        left = self.sum()
        negated = self.accept("not")
        if self.accept("in"):
            node = self._among(left)
            return Not(node.start, node.end, node) if negated else node
        if negated:
            raise self.expected("'in'")
        parts, signs = [left], list[str]()
        while word := self.accept(*COMPARISONS):
            signs.append(word.text)
            parts.append(self.sum())
        if not signs:
            return left
        return Compare(left.start, parts[-1].end, tuple(parts), tuple(signs))

    def _among(self, left: Node) -> Among:
        self.need("(")
        values = [self._value()]
        while self.accept(","):
            values.append(self._value())
        return Among(left.start, self.need(")").end, left, tuple(values))

    def _value(self, minus: Token | None = None) -> Literal:
        minus = minus or self.accept("-")
        word = self.current
        if word.kind not in ("word", "number") or (minus and word.kind != "number"):
            raise self.expected("a value")
        self.at += 1
        sign, start = ("-", minus.start) if minus else ("", word.start)
        return Literal(start, word.end, sign + word.text, word.kind == "number", word.quoted)

    def sum(self) -> Node:
        return self._arithmetic(("+", "-"), self.product)

    def product(self) -> Node:
        return self._arithmetic(("*", "/"), self.factor)

    def _arithmetic(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        left, depth = part(), self.depth
        while word := self.accept(*signs):
            self.deeper()  # each operator nests what is left of it
            right = part()
            left = Arithmetic(left.start, right.end, word.text, left, right)
        self.depth = depth
        return left

    def factor(self) -> Node:
        word = self.current
        if minus := self.accept("-"):
            if self.current.kind == "number":
                return self._value(minus)
            self.deeper()
            part = self.factor()
            self.depth -= 1
            nought = Literal(minus.start, minus.end, "0", number=True, quoted=False)
            return Arithmetic(minus.start, part.end, "-", nought, part)
        if self.accept("("):
            self.deeper()
            inside = self.disjunction()
            self.depth -= 1
            end = self.need(")").end
            return replace(inside, start=word.start, end=end)
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        opens = following.kind == "sign" and following.text == "("
        if opens and word.kind in ("word", "column") and not word.quoted:
            return self._call()
        if word.kind == "column":
            self.at += 1
            return Name(word.start, word.end, word.text)
        if word.kind in ("word", "number"):
            return self._value()
        raise self.expected("a column or a value")

    def _call(self) -> Call:
        word = self.current
        if word.text not in ("occurs", "missing"):
            raise fault(
                self.rule,
                word.start,
                f"no function {word.text!r}",
                "There are occurs(column, column) and missing(column).",
                end=word.end,
            )
        self.at += 1
        self.need("(")
        columns = [self._column()]
        while self.accept(","):
            columns.append(self._column())
        return Call(word.start, self.need(")").end, word.text, tuple(columns))

    def _column(self) -> Name:
        word = self.current
        if word.kind not in ("column", "word"):
            raise self.expected("a column")
        self.at += 1
        return Name(word.start, word.end, word.text)
