"""Monitoring of GAN training: measurements, and the diagnosis that follows from them.

Losses say little about adversarial training, so the monitor looks at samples instead: training
data, held-out data and fakes. Every measurement means the same for every adversarial loss; every
diagnosis carries the numbers that led to it.
"""

from __future__ import annotations

from gannet.training.monitor.diagnosis import diagnose, healthy_now, status
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
    "status",
    "thresholds_for",
]
