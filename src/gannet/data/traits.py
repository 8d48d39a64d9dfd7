"""Traits of raw data that given data must share with those of training: size, columns, colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Traits
from gannet.modalities.registry import find_modality

LOOKED_AT = 64
"""Raw samples that are read for their traits, evenly chosen."""

MAX_NAMED = 5
"""Most values that a difference names."""


def traits_of(source: Source) -> dict[str, list[Any]]:
    """Traits of a source: names of columns, or the range of each axis of its raw samples.

    Numbers are ``[lowest, highest]``, anything else is a list of names. Empty if nothing can be
    read, which decoding reports.
    """
    modality = find_modality(source.kind)
    with suppress(DataError):
        own = modality.reading.traits
        found = _of_any(modality, source) if own is None else own(source)
        return {name: list(values) for name, values in found.items()}
    return {}


def differing(
    trained: Mapping[str, Sequence[Any]], given: Mapping[str, Sequence[Any]]
) -> list[str]:
    """Traits that given data do not share with those of training, in words.

    Ranges must overlap, names must be the same in any order. What only one side knows is not
    compared.

    >>> differing({"width": [28, 28]}, {"width": [64, 96]})
    ['width: 64 to 96, in training 28']
    >>> differing({"columns": ["age", "town"]}, {"columns": ["town", "rent"]})
    ['columns: without age, with rent too']
    """
    differences: list[str] = []
    for name in trained.keys() & given.keys():
        known, observed = list(trained[name]), list(given[name])
        if _is_range(known) and _is_range(observed):
            if observed[0] > known[1] or observed[1] < known[0]:
                differences.append(f"{name}: {_spoken(observed)}, in training {_spoken(known)}")
        elif set(known) != set(observed):
            differences.append(f"{name}: {_difference(known, observed)}")
    return sorted(differences)


def _of_any(modality: Modality, source: Source) -> Traits:
    """Names of columns where there are any, else the number and ranges of the axes."""
    if source.columns:
        return {"columns": source.columns}
    shapes = {np.shape(raw) for raw in modality.raws(source, LOOKED_AT) if not isinstance(raw, str)}
    if not shapes or len({len(shape) for shape in shapes}) > 1:
        return {}
    sides = list(zip(*shapes, strict=True))
    return {"axes": [len(sides)] * 2} | {
        f"axis {at}": [min(side), max(side)] for at, side in enumerate(sides, 1)
    }


def _is_range(values: list[Any]) -> bool:
    return len(values) == 2 and all(isinstance(each, int | float) for each in values)


def _spoken(ends: Sequence[Any]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _difference(known: list[Any], observed: list[Any]) -> str:
    lacking = [str(each) for each in known if each not in observed]
    further = [str(each) for each in observed if each not in known]
    if len(known) == len(observed) == 1:
        return f"{observed[0]}, in training {known[0]}"
    parts = [f"without {_named(lacking)}"] * bool(lacking)
    return ", ".join([*parts, *[f"with {_named(further)} too"] * bool(further)])


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
