"""Flags of the benchmarks, in words of the command line."""

from __future__ import annotations

from collections.abc import Sequence

from gannet.core.errors import ConfigError


def from_flags(tokens: Sequence[str]) -> dict[str, str]:
    """``--name value`` and ``--name=value`` pairs as a mapping; text stays text.

    Raises:
        ConfigError: if a word is no flag, or a flag has no value.
    """
    given: dict[str, str] = {}
    remaining = list(tokens)
    while remaining:
        word = remaining.pop(0)
        if not word.startswith("--"):
            raise ConfigError(f"{word!r} is not expected here", remedy="Settings are --name value.")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not remaining:
                raise ConfigError(f"{word} has no value", remedy=f"Write {word} VALUE.")
            value = remaining.pop(0)
        given[name.replace("-", "_")] = value
    return given
