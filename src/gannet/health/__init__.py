"""The health of a duel: what is measured, and what it means in plain words.

Losses say little about a duel, so health looks at samples instead: of training data, of data held
out from training, and of fakes. Everything measured is a number that means the same for every
objective; every verdict carries the numbers that led to it.
"""

from __future__ import annotations

from gannet.health.doctor import Doctor, Features, evaluating
from gannet.health.limits import Limits, limits_for
from gannet.health.measures import (
    Measures,
    auc,
    distance_with_error,
    gaussian,
    linear_critic,
)
from gannet.health.signs import Verdict, VerdictName
from gannet.health.verdicts import judge, sound

__all__ = [
    "Doctor",
    "Features",
    "Limits",
    "Measures",
    "Verdict",
    "VerdictName",
    "auc",
    "distance_with_error",
    "evaluating",
    "gaussian",
    "judge",
    "limits_for",
    "linear_critic",
    "sound",
]
