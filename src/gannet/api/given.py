"""What Python code hands to a model: pictures of Pillow and tensors become arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from gannet.core.errors import DataError
from gannet.data.containers.arrays.memory import as_array, is_picture

COLOR_MODES = ("L", "LA", "RGB", "RGBA")
"""Modes of Pillow that arrays of 8 bit have."""


def one(given: Any) -> Any:
    """One input: a path, or an array for a picture or a tensor; anything else as it is."""
    if isinstance(given, os.PathLike):
        return Path(os.fsdecode(given))  # pyright: ignore[reportUnknownArgumentType]  # of text
    if is_picture(given):
        known = given.mode in COLOR_MODES
        return np.atleast_3d(np.asarray(given if known else given.convert("RGB")))
    return as_array(given) if hasattr(given, "detach") else given


def several(given: Any, noun: str) -> Any:
    """Several inputs, or a file of them; a single picture counts as a list of one.

    Args:
        given: What the caller gave.
        noun: What they are called.

    Raises:
        DataError: if it is nothing of that.
    """
    if is_picture(given):
        return [one(given)]
    if isinstance(given, list | tuple):
        return [one(each) for each in cast(Sequence[Any], given)]
    whole = one(given)
    if isinstance(whole, str | Path) or hasattr(whole, "__len__"):
        return whole
    raise DataError(
        f"expected {noun}, got {type(given).__name__}",
        where="the samples",
        remedy=f"Give a file, a list of files, or {noun} as this model makes them.",
    )
