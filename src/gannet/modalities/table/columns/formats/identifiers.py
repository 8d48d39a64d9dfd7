"""New identifiers in the form of given ones: never one of these, and unique over all seeds."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import islice, product
from math import gcd, prod
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@([^@\s]+\.[^@\s.]+)")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}", re.ASCII)
_IPV6 = re.compile(r"(?=.*::|(?:[^:]*:){7}[^:]*$)[0-9a-f:]{3,39}", re.IGNORECASE)
_DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()

RESERVED_DOMAINS = ("example.com", "example.org", "example.net")
"""Domains that belong to nobody (RFC 2606)."""
RESERVED_IPV4 = 240 << 24
"""First of 2**28 addresses that no machine has (RFC 1112)."""
RESERVED_IPV6 = "2001:db8:"
"""Start of the addresses for documentation (RFC 3849)."""
LOOKED_AT = 10_000
"""Texts that a template is learnt from, and most combinations that are tried for its start."""
RARELY = 1e-6
"""Probability that a new identifier is a given one, from which on that is said."""
_STEP, _START = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03


class IdentifierForm(BaseModel):
    """How new identifiers are generated.

    Attributes:
        kind: A ``running`` number after a prefix, a ``uuid``, an ``email`` address of a reserved
            domain, a reserved ``ip`` address, or characters of a ``template``.
        prefix: Before a running number.
        suffix: After it; of an e-mail address, its domain.
        width: Digits that a running number is zero-padded to, 0 for no padding; of addresses, the
            bits that differ.
        first: The first running number: one more than the largest given one; the first address.
        template: The characters allowed at each position.
        capital: Whether letters of a UUID are capital.
        block: Rows of a seed that get consecutive numbers.
        collision_probability: That a new identifier is a given one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["running", "uuid", "email", "ip", "template"]
    prefix: str = ""
    suffix: str = ""
    width: int = 0
    first: int = 1
    template: tuple[str, ...] = ()
    capital: bool = False
    block: int = 1_000
    collision_probability: float = 0.0

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Find the form of distinct identifiers."""
        block = 10 ** max(len(str(len(texts))), 2)
        if all(map(_UUID.fullmatch, texts)):
            return cls(kind="uuid", capital=all(text == text.upper() for text in texts))
        emails = [match for match in map(_EMAIL.fullmatch, texts) if match]
        if len(emails) == len(texts):
            used = {match[1].lower() for match in emails}
            domain = next((each for each in RESERVED_DOMAINS if each not in used), "")
            prefix = "user" if domain else _unused_prefix(texts)
            domain = domain or RESERVED_DOMAINS[0]
            return cls(kind="email", prefix=prefix, suffix=domain, block=block)
        if all(map(_IPV4.fullmatch, texts)) and (network := _unused_network(texts)) is not None:
            first, width = network
            return cls(kind="ip", first=first, width=width, block=block)
        if all(map(_IPV6.fullmatch, texts)) and not any(map(_documentation, texts)):
            return cls(kind="ip", prefix=RESERVED_IPV6, block=block)
        return cls._running(texts, block) or cls._template(texts, block)

    @classmethod
    def _running(cls, texts: Sequence[str], block: int) -> Self | None:
        matches = [re.fullmatch(r"(.*?)(\d+)(\D*)", text, re.DOTALL) for text in texts]
        found = [match for match in matches if match]
        if len(found) < len(texts) or len({(match[1], match[3]) for match in found}) > 1:
            return None
        digits = [match[2] for match in found]
        lengths = set(map(len, digits))
        padded = len(lengths) == 1 and any(each[0] == "0" for each in digits)
        return cls(
            kind="running",
            prefix=found[0][1],
            suffix=found[0][3],
            width=lengths.pop() if padded else 0,
            first=max(map(int, digits)) + 1,
            block=block,
        )

    @classmethod
    def _template(cls, texts: Sequence[str], block: int) -> Self:
        length = Counter(map(len, texts)).most_common(1)[0][0]
        same = [text for text in texts if len(text) == length]
        columns = zip(*same[:LOOKED_AT], strict=True)
        template = tuple(_alphabet(set(signs)) for signs in columns) or (_LOWER,)
        started = _unused_start(same, template)
        if started is not None:
            return cls(kind="template", template=started, block=block)
        probability = min(len(same) / prod(map(len, template)), 1.0)
        return cls(
            kind="template", template=template, block=block, collision_probability=probability
        )

    def serial(self, seed: int, row: int) -> int:
        """A number that no other row of any seed has; small for small seeds.

        >>> form = IdentifierForm(kind="running", block=100)
        >>> [form.serial(0, 0), form.serial(0, 99), form.serial(0, 100), form.serial(1, 0)]
        [0, 99, 200, 100]
        """
        turn, inside = divmod(row, self.block)
        both = seed + turn  # Cantor's pairing function
        return (both * (both + 1) // 2 + turn) * self.block + inside

    def make(self, seed: int, rows: range) -> list[str]:
        """New identifiers for some rows."""
        serials = (self.serial(seed, row) for row in rows)
        match self.kind:
            case "uuid":
                identifiers = [_uuid(seed, row) for row in rows]
                return [each.upper() for each in identifiers] if self.capital else identifiers
            case "running":
                return [
                    f"{self.prefix}{self.first + serial:0{self.width}d}{self.suffix}"
                    for serial in serials
                ]
            case "email":
                return [f"{self.prefix}{serial + 1}@{self.suffix}" for serial in serials]
            case "ip":
                return [self._address(serial) for serial in serials]
            case "template":
                return [self._from_template(serial) for serial in serials]

    def _address(self, serial: int) -> str:
        if self.prefix:
            groups = [f"{serial >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0)]
            return f"{self.prefix}:{':'.join(groups)}"
        number = self.first + (_START + serial * _STEP) % 2**self.width
        return ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))

    @cached_property
    def _room(self) -> tuple[int, int]:
        """Number of identifiers that the template allows, and a step coprime to it."""
        room = prod(map(len, self.template))
        step = _STEP % room | 1
        while gcd(step, room) != 1:
            step += 2
        return room, step

    def _from_template(self, serial: int) -> str:
        """Steps coprime to the number of identifiers visit each exactly once."""
        room, step = self._room
        turn, at = divmod(serial, room)
        number = (_START + at * step) % room
        signs: list[str] = []
        for choice in reversed(self.template):
            number, sign = divmod(number, len(choice))
            signs.append(choice[sign])
        # Once all are used, a running number keeps further ones unique.
        return "".join(reversed(signs)) + (f"-{turn}" if turn else "")


def _unused_network(texts: Sequence[str]) -> tuple[int, int] | None:
    """First address and bits of a network with none of some addresses; reserved if possible."""
    octets = [tuple(map(int, text.split("."))) for text in texts]
    if all(each[0] < RESERVED_IPV4 >> 24 for each in octets):
        return RESERVED_IPV4, 28
    starts = {each[:2] for each in octets}
    free = next((n for n in range(256, 224 * 256) if divmod(n, 256) not in starts), None)
    return None if free is None else (free << 16, 16)


def _documentation(text: str) -> bool:
    return text.lower().startswith(RESERVED_IPV6)


def _unused_prefix(texts: Sequence[str]) -> str:
    """A word that no text starts with."""
    starts = tuple(texts)
    candidates = ("user", "person", "member", "contact", "made-up-person-with-no-account-")
    return next((p for p in candidates if not any(t.startswith(p) for t in starts)), candidates[-1])


def _unused_start(texts: Sequence[str], template: tuple[str, ...]) -> tuple[str, ...] | None:
    """The template with its first positions set to what no text starts with; ``None`` if none.

    Enough positions must stay free for ten times as many identifiers as were given.
    """
    for length in range(1, len(template)):
        used = {text[:length] for text in texts}
        room = prod(map(len, template[length:]))
        if room < 10 * max(len(texts), 100):
            return None
        if prod(map(len, template[:length])) > len(used):
            combinations = islice(product(*template[:length]), len(used) + 1)
            start = next("".join(each) for each in combinations if "".join(each) not in used)
            return (*start, *template[length:])
    return None


def _uuid(seed: int, row: int) -> str:
    state = np.random.SeedSequence((seed, row)).generate_state(2, np.uint64)
    return str(uuid.UUID(int=(int(state[0]) << 64) | int(state[1]), version=4))


def _alphabet(signs: set[str]) -> str:
    if len(signs) == 1:
        return signs.pop()
    wide = "".join(each for each in (_DIGITS, _UPPER, _LOWER) if signs & set(each))
    if set("abcdef") >= signs & set(_LOWER) and signs & set(_DIGITS) and not signs & set(_UPPER):
        wide = _DIGITS + ("abcdef" if signs & set(_LOWER) else "")
    return "".join(sorted(set(wide) | signs))
