"""Kinds of data by what they can do, for the slots of recipes: none of them is named.

A recipe whose slot takes ``Slot(continuous)`` accepts every kind that suits it, those of other
packages included.
"""

from __future__ import annotations

from collections.abc import Callable

from gannet.modalities.modality import Modality, no_claim
from gannet.modalities.reading import no_layout
from gannet.modalities.registry import modalities

CONTINUOUS = ("signed", "standardized")
"""Values whose numbers mean amounts, so that those in between mean something, too."""


def kinds_that(can: Callable[[Modality], bool]) -> tuple[str, ...]:
    """Names of the kinds that samples can consist of and that can do something."""
    return tuple(each.name for each in modalities() if stands_alone(each) and can(each))


def stands_alone(modality: Modality) -> bool:
    """Whether it is recognised in data; other kinds, such as classes, only stand beside samples."""
    return bool(modality.readers) or modality.claim is not no_claim


def is_table(modality: Modality) -> bool:
    """Whether its samples are rows of a table, with a layout of their fields."""
    return modality.reading.table is not no_layout


def any_kind() -> tuple[str, ...]:
    """All kinds: samples are tensors of one shape."""
    return kinds_that(lambda _: True)


def continuous() -> tuple[str, ...]:
    """Kinds of real numbers, which networks can make."""
    return kinds_that(lambda each: each.values in CONTINUOUS)


def with_a_mean() -> tuple[str, ...]:
    """Kinds with a mean, or of tables a median or mode of each column; codes have none."""
    return kinds_that(lambda each: each.values != "tokens" or is_table(each))


def tables() -> tuple[str, ...]:
    """Kinds whose samples are rows of a table."""
    return kinds_that(is_table)
