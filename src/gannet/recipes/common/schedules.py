"""Schedules of settings during a run: cosine or exponential decay.

``cosine("learning_rate")`` is the ``schedule`` of a recipe. Each named setting decays to the factor
given by the setting ``<name>_end``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gannet.core.config import C


def cosine_left(end: float, progress: float) -> float:
    """Factor of a setting under cosine decay.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983, eq. 5, without restarts.

    >>> cosine_left(0.1, 0.0), cosine_left(0.1, 1.0)
    (1.0, 0.1)

    Args:
        end: Factor at the end of the run.
        progress: Progress of the run, 0..1.
    """
    return end + (1 - end) * (1 + math.cos(math.pi * progress)) / 2


def exponential_left(end: float, progress: float) -> float:
    """Factor of a setting under exponential decay.

    >>> exponential_left(0.01, 0.0), exponential_left(0.01, 0.5), exponential_left(0.01, 1.0)
    (1.0, 0.1, 0.01)
    """
    return end**progress


def cosine(*settings: str) -> Callable[[C, float], C]:
    """A schedule with cosine decay of these settings."""
    return _falling(cosine_left, settings)


def exponential(*settings: str) -> Callable[[C, float], C]:
    """A schedule with exponential decay of these settings."""
    return _falling(exponential_left, settings)


def _falling(
    left: Callable[[float, float], float], settings: tuple[str, ...]
) -> Callable[[C, float], C]:
    def schedule(config: C, progress: float) -> C:
        change = {
            name: getattr(config, name) * left(getattr(config, f"{name}_end"), progress)
            for name in settings
        }
        return config.model_copy(update=change)

    return schedule
