"""Columns that are not modelled: identifiers, free text, constants and empty columns."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from math import gcd, prod
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.frame import Cells
from gannet.core.seeding import derive_seed
from gannet.modalities.table.columns.base import Encoded, FieldKind, Missing, with_missing

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()


class IdentifierColumn(BaseModel):
    """Unique identifiers. They are generated anew: all different, in the form of the originals.

    Attributes:
        type: Always ``identifier``.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        form: A ``running`` number after a prefix, a ``uuid``, or random characters in a
            ``template``.
        prefix: Before a running number.
        suffix: After it.
        width: Digits that a running number is zero-padded to; 0 for no padding.
        first: Number of the first generated row: one more than the largest in training.
        template: The characters allowed at each position.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["identifier"] = "identifier"
    name: str
    storage: str
    form: Literal["running", "uuid", "template"]
    prefix: str = ""
    suffix: str = ""
    width: int = 0
    first: int = 1
    template: tuple[str, ...] = ()

    @classmethod
    def fit(cls, name: str, storage: str, cells: Cells) -> Self:
        """Find the form of distinct non-missing cells."""
        texts = list(map(str, cells.tolist()))
        if all(map(_UUID.fullmatch, texts)):
            return cls(name=name, storage=storage, form="uuid")
        numbered = [re.fullmatch(r"(.*?)(\d+)(\D*)", text, re.DOTALL) for text in texts]
        matches = [match for match in numbered if match]
        if len(matches) == len(texts) and len({(match[1], match[3]) for match in matches}) == 1:
            digits = [match[2] for match in matches]
            lengths = set(map(len, digits))
            padded = len(lengths) == 1 and any(each[0] == "0" for each in digits)
            first = max(map(int, digits)) + 1
            return cls(
                name=name,
                storage=storage,
                form="running",
                prefix=matches[0][1],
                suffix=matches[0][3],
                width=lengths.pop() if padded else 0,
                first=first,
            )
        return cls(name=name, storage=storage, form="template", template=_template(texts))

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:
        """New identifiers for rows ``start``, ``start + 1``, ..., unique across all rows."""
        rows = range(start, start + len(numbers))
        if self.form == "running":
            if self.storage != "text":
                return np.array([self.first + row for row in rows], self.storage)
            identifiers = [
                f"{self.prefix}{self.first + row:0{self.width}d}{self.suffix}" for row in rows
            ]
        elif self.form == "uuid":
            identifiers = [_uuid(seed, row) for row in rows]
        else:
            identifiers = self._random(start, len(numbers), seed)
        return (
            _objects(identifiers)
            if self.storage == "text"
            else np.array(identifiers).astype(self.storage)
        )

    @cached_property
    def room(self) -> int:
        """Number of different identifiers that the template allows."""
        return prod(map(len, self.template))

    def _random(self, start: int, count: int, seed: int) -> list[str]:
        """Pseudorandom identifiers: steps coprime to their number visit each exactly once."""
        jump = derive_seed(seed, 1) * derive_seed(seed, 2) % self.room | 1
        while gcd(jump, self.room) != 1:
            jump += 2
        offset = derive_seed(seed, 3) * derive_seed(seed, 4) % self.room
        identifiers: list[str] = []
        for row in range(start, start + count):
            turn, at = divmod(row, self.room)
            number = (offset + at * jump) % self.room
            signs: list[str] = []
            for choice in reversed(self.template):
                number, sign = divmod(number, len(choice))
                signs.append(choice[sign])
            # Once all are used, a running number keeps further ones unique.
            identifiers.append("".join(reversed(signs)) + (f"-{turn}" if turn else ""))
        return identifiers

    def describe(self) -> str:
        """Such as ``identifier, generated anew``."""
        example = self.decode(np.zeros((1, 0), np.float32), 0, 0)[0]
        return f"identifier, generated anew, such as {example}"

    def note(self) -> str:
        """A note that it is not modelled."""
        return f"{self.name}: identifier, generated anew"


class TextColumn(BaseModel):
    """Free text. It is left out: its cells come back empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["text"] = "text"
    name: str
    storage: str
    missing: Missing

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Missing cells."""
        return _all_missing(len(numbers), self.missing.mark, self.storage)

    def describe(self) -> str:
        """Always ``free text, left out``."""
        return f"free text, left out{self.missing.describe()}"

    def note(self) -> str:
        """A note that it is left out."""
        return f"{self.name}: free text, left out; the column comes back empty"


class ConstantColumn(BaseModel):
    """The same in every row."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["constant"] = "constant"
    name: str
    storage: str
    value: str | int | float | bool

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing; every other value is unknown."""
        equal = np.array([str(cell) == str(self.value) for cell in cells.tolist()], np.bool_)
        return Encoded(np.zeros((len(cells), 0), np.float32), ~equal)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """The same in every row."""
        if self.storage == "text":
            return _objects([str(self.value)] * len(numbers))
        if self.storage.startswith("timedelta64"):
            return np.full(len(numbers), int(self.value), self.storage)
        return np.full(len(numbers), self.value).astype(self.storage)

    def describe(self) -> str:
        """Such as ``constant 'yes'``."""
        return f"constant {self.value!r}"

    def note(self) -> str:
        """Nothing."""
        return ""


class EmptyColumn(BaseModel):
    """Missing in every row."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["empty"] = "empty"
    name: str
    storage: str
    missing: Missing

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing; every value is unknown."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Missing cells."""
        return _all_missing(len(numbers), self.missing.mark, self.storage)

    def describe(self) -> str:
        """Always ``empty``."""
        return "empty, every cell is missing"

    def note(self) -> str:
        """A note that there is nothing to learn."""
        return f"{self.name}: every cell is missing"


def _nothing(cells: Cells) -> Encoded:
    return Encoded(np.zeros((len(cells), 0), np.float32), np.zeros(len(cells), np.bool_))


def _objects(values: Sequence[object]) -> Cells:
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells


def _all_missing(count: int, mark: str | None, storage: str) -> Cells:
    blank = _objects([None] * count) if storage == "text" else np.zeros(count, np.int64)
    return with_missing(blank, np.ones(count, np.bool_), mark, storage)


def _uuid(seed: int, row: int) -> str:
    state = np.random.SeedSequence((seed, row)).generate_state(2, np.uint64)
    return str(uuid.UUID(int=(int(state[0]) << 64) | int(state[1]), version=4))


def _template(texts: Sequence[str]) -> tuple[str, ...]:
    """The characters at each position of the most frequent length, as whole alphabets."""
    length = Counter(map(len, texts)).most_common(1)[0][0]
    same = [text for text in texts if len(text) == length][:10_000]
    return tuple(_alphabet(set(signs)) for signs in zip(*same, strict=True)) or (_LOWER,)


def _alphabet(signs: set[str]) -> str:
    if len(signs) == 1:
        return signs.pop()
    wide = "".join(each for each in (_DIGITS, _UPPER, _LOWER) if signs & set(each))
    if set("abcdef") >= signs & set(_LOWER) and signs & set(_DIGITS) and not signs & set(_UPPER):
        wide = _DIGITS + ("abcdef" if signs & set(_LOWER) else "")
    return "".join(sorted(set(wide) | signs))
