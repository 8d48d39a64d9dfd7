"""How settings fall during a run: along half a cosine, or by the same factor in equal parts.

``cosine("learning_rate")`` is the ``schedule`` of a recipe. Each setting that is named falls to the
share of itself that the setting ``<name>_end`` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gannet.core.config import C


def cosine_left(end: float, share: float) -> float:
    """What is left of a setting that falls slowly at first and at last, and fast in between.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983, eq. 5, without restarts.

    >>> cosine_left(0.1, 0.0), cosine_left(0.1, 1.0)
    (1.0, 0.1)

    Args:
        end: Share that is left at the end of the run.
        share: Of the run that is over.
    """
    return end + (1 - end) * (1 + math.cos(math.pi * share)) / 2


def exponential_left(end: float, share: float) -> float:
    """What is left of a setting that falls by the same factor in every equal part of the run.

    >>> exponential_left(0.01, 0.0), exponential_left(0.01, 0.5), exponential_left(0.01, 1.0)
    (1.0, 0.1, 0.01)
    """
    return end**share


def cosine(*settings: str) -> Callable[[C, float], C]:
    """A schedule by which these settings fall like a cosine."""
    return _falling(cosine_left, settings)


def exponential(*settings: str) -> Callable[[C, float], C]:
    """A schedule by which these settings fall by the same factor in every equal part of the run."""
    return _falling(exponential_left, settings)


def _falling(
    left: Callable[[float, float], float], settings: tuple[str, ...]
) -> Callable[[C, float], C]:
    def schedule(config: C, share: float) -> C:
        change = {
            name: getattr(config, name) * left(getattr(config, f"{name}_end"), share)
            for name in settings
        }
        return config.model_copy(update=change)

    return schedule
