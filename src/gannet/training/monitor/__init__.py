"""The health of a duel: what is measured, and what it means in plain words.

Losses say little about a duel, so health looks at samples instead: of training data, of data held
out from training, and of fakes. Everything measured is a number that means the same for every
objective; every verdict carries the numbers that led to it.
"""

from __future__ import annotations

from gannet.training.monitor.diagnosis import judge, sound
from gannet.training.monitor.measurements import (
    Measures,
    auc,
    distance_with_error,
    gaussian,
    linear_critic,
)
from gannet.training.monitor.probe import Doctor, evaluating
from gannet.training.monitor.symptoms import Verdict, VerdictName
from gannet.training.monitor.thresholds import Limits, limits_for

__all__ = [
    "Doctor",
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
