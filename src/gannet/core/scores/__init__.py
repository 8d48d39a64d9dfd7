"""Results of an evaluation, what they mean, and what they mean together."""

from gannet.core.scores.about import ABOUT, About, ScoreRole, documented
from gannet.core.scores.results import (
    Component,
    Departure,
    FeatureFitness,
    Histogram,
    NearestPair,
    Report,
    Score,
    TrainingDistance,
)

__all__ = [
    "ABOUT",
    "About",
    "Component",
    "Departure",
    "FeatureFitness",
    "Histogram",
    "NearestPair",
    "Report",
    "Score",
    "ScoreRole",
    "TrainingDistance",
    "documented",
]
