"""The health of a duel: what is measured, and what it means in plain words.

Losses say little about a duel, so health looks at samples instead: of training data, of data held
out from training, and of fakes. Everything measured is a number that means the same for every
objective; every verdict carries the numbers that led to it.
"""

from __future__ import annotations

from gannet.training.monitor.diagnosis import diagnose, healthy_now
from gannet.training.monitor.measurements import (
    Measurements,
    auc,
    energy_distance_with_se,
    gaussian,
    linear_probe_auc,
)
from gannet.training.monitor.probe import Monitor, evaluating
from gannet.training.monitor.symptoms import Diagnosis, DiagnosisName
from gannet.training.monitor.thresholds import Thresholds, thresholds_for

__all__ = [
    "Diagnosis",
    "DiagnosisName",
    "Measurements",
    "Monitor",
    "Thresholds",
    "auc",
    "diagnose",
    "energy_distance_with_se",
    "evaluating",
    "gaussian",
    "healthy_now",
    "linear_probe_auc",
    "thresholds_for",
]
