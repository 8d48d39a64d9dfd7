"""Lexer of rules: columns, values, numbers and signs as tokens with their positions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gannet.core.errors import ConfigError

LONGEST = 2_000
"""Most characters of a rule."""
KEYWORDS = frozenset(["and", "or", "not", "in"])
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")

_SIGN = re.compile(r"<=|>=|==|!=|[<>()+\-*/,]")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_NAMED = re.compile(r"`([^`]*)`")
_DATE = re.compile(
    r"\d+(?:[-/.:]\d+){2,}(?:T\d+(?::\d+)*(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?![\w:])|"
    r"\d{1,2}:\d{2}(?![\w:])"
)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w)")
_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_REMEDIES = {
    "=": "Write == for equal.",
    "&": "Write and.",
    "|": "Write or.",
    "!": "Write not, or != for unequal.",
}

TokenKind = Literal["column", "word", "number", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a rule.

    Attributes:
        kind: A ``column``; a ``word`` or a ``number``, which are values; a ``sign`` or keyword; or
            the ``end`` of the rule.
        text: Without quotation marks.
        start: Index of its first character.
        end: Index after its last character.
        quoted: Whether it was in quotation marks, so is not a misspelt column.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    quoted: bool = False


def fault(rule: str, start: int, problem: str, remedy: str = "", *, end: int = 0) -> ConfigError:
    """An error that points at a position in a rule."""
    marks = " " * start + "^" * max(end - start, 1)
    return ConfigError(f"{problem}\n    {rule}\n    {marks}", where="--constraint", remedy=remedy)


def tokenize(rule: str, columns: Sequence[str]) -> list[Token]:
    """Split a rule into tokens, the last of kind ``end``.

    A column's name needs no quotes if it begins with a letter and is not a keyword; the longest
    name that matches is taken. Any name may be quoted with `` ` ``, any value with ``"`` or ``'``.

    Raises:
        ConfigError: pointing at what is not a token, or if the rule is empty or too long.
    """
    rule = re.sub(r"\s", " ", rule)
    if not rule.strip():
        raise ConfigError(
            "an empty rule", where="--constraint", remedy="Write one: 'start <= end'."
        )
    if len(rule) > LONGEST:
        raise ConfigError(
            f"a rule of {len(rule):,} characters, expected at most {LONGEST:,}",
            where="--constraint",
            remedy="Split it into several rules.",
        )
    bare_names = sorted(
        (n for n in columns if n[:1].isalpha() or n[:1] == "_"), key=len, reverse=True
    )
    tokens: list[Token] = []
    at = 0
    while True:
        at += len(rule[at:]) - len(rule[at:].lstrip())
        if at == len(rule):
            return [*tokens, Token("end", "", at, at + 1)]
        tokens.append(_next(rule, at, bare_names))
        at = tokens[-1].end


def _next(rule: str, at: int, columns: Sequence[str]) -> Token:
    if match := _QUOTED.match(rule, at):
        text = match[1] if match[2] is None else match[2]
        return Token("word", text, at, match.end(), quoted=True)
    if match := _NAMED.match(rule, at):
        return Token("column", match[1], at, match.end())
    if rule[at] in "\"'`":
        raise fault(rule, at, "a quotation mark without its other half", "Close it.")
    word = _WORD.match(rule, at)
    if word and word[0] in KEYWORDS:
        return Token("sign", word[0], at, word.end())
    for name in columns:
        end = at + len(name)
        if rule.startswith(name, at) and not re.match(r"\w", rule[end : end + 1]):
            return Token("column", name, at, end)
    if match := _DATE.match(rule, at):
        return Token("word", match[0], at, match.end())
    if match := _NUMBER.match(rule, at):
        return Token("number", match[0], at, match.end())
    if match := _SIGN.match(rule, at):
        return Token("sign", match[0], at, match.end())
    if word:
        return Token("word", word[0], at, word.end())
    remedy = _REMEDIES.get(rule[at], "Put values with such characters between quotation marks.")
    raise fault(rule, at, f"{rule[at]!r} means nothing in a rule", remedy)
