"""Checksums inside files, so that damage is noticed before a value of the file is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

CHECKSUM = "checksum"
"""Name of the checksum in a JSON object."""

_MARK = b"\nsha256 "
_LENGTH = len(_MARK) + 64


def sealed(content: bytes) -> bytes:
    """The content with its checksum behind it; readers of zip archives ignore what is behind.

    >>> unsealed(sealed(b"weights"))
    b'weights'
    """
    return content + _MARK + hashlib.sha256(content).hexdigest().encode()


def unsealed(content: bytes) -> bytes:
    """The content without its checksum.

    Raises:
        ValueError: if it has none, or another content.
    """
    body, seal = content[:-_LENGTH], content[-_LENGTH:]
    if not seal.startswith(_MARK):
        raise ValueError("it has no checksum")
    if sealed(body)[-_LENGTH:] != seal:
        raise ValueError("its checksum is that of another content")
    return body


def sealed_json(text: str) -> str:
    """A JSON object with its checksum as the last field; one that it has is renewed.

    >>> checked_json(json.loads(sealed_json('{"steps": 3}')))
    {'steps': 3}
    """
    record = {name: value for name, value in json.loads(text).items() if name != CHECKSUM}
    return json.dumps({**record, CHECKSUM: _of_record(record)}, indent=2)


def checked_json(record: Any) -> dict[str, Any]:
    """The fields of an object without its checksum; one without is taken as it is.

    Raises:
        ValueError: if it is no object, or the checksum is that of other fields.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, got {type(record).__name__}")  # noqa: TRY004
    known = cast(dict[str, Any], record)
    fields = {name: value for name, value in known.items() if name != CHECKSUM}
    if CHECKSUM in known and known[CHECKSUM] != _of_record(fields):
        raise ValueError("its checksum is that of other values")
    return fields


def _of_record(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
