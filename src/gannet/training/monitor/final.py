"""The diagnosis of a run that has ended: what its evaluations allow to say."""

from __future__ import annotations

import math

from gannet.training.monitor.keeping import held_out_unlike
from gannet.training.monitor.measurements import Measurements
from gannet.training.monitor.symptoms import Diagnosis, History

MIN_EVALUATIONS = 3
"""Evaluations below which a run is not called healthy, even if no symptom was found."""

NOT_JUDGED = "not judged"
"""Name of the diagnosis where nothing can be said."""


def final_diagnosis(diagnosis: Diagnosis, history: History, *, conditional: bool) -> dict[str, str]:
    """``name``, ``evidence`` and ``advice`` of the card; too few evaluations make no run healthy.

    Args:
        diagnosis: The last one.
        history: All evaluations of the run.
        conditional: Whether samples are answers, which the baseline is no yardstick for.
    """
    name, evidence, advice = str(diagnosis.name), diagnosis.evidence, diagnosis.advice
    count = len(history)
    if not history or (name in ("healthy", "converged") and count < MIN_EVALUATIONS):
        name, advice = NOT_JUDGED, "too few steps so far: give it more --minutes or --steps"
        evidence = (
            f"{count or 'no'} evaluation{'s' * (count != 1)}, a diagnosis takes {MIN_EVALUATIONS}"
        )
    elif held_out_unlike(now := history[-1]) and not conditional:
        name = NOT_JUDGED
        evidence = (
            f"training data lie at an energy distance of {now.reference:.3g} from held-out data, "
            f"a simple baseline at {now.gaussian_baseline:.3g}: nothing can be compared with them"
        )
        advice = (
            "held-out data are not like the training data: look for blanks, copies and groups with "
            "`gannet inspect`"
        )
    elif name == "healthy" and not conditional and _below_baseline(now := history[-1]):
        name, advice = NOT_JUDGED, "too few steps so far: give it more --minutes or --steps"
        evidence = (
            f"it ended before its samples (energy distance {now.energy_distance:.3g}) were nearer "
            f"to the data than those of the simple baseline ({now.gaussian_baseline:.3g}): give it "
            "more time"
        )
    return {"name": name, "evidence": evidence, "advice": advice}


def _below_baseline(now: Measurements) -> bool:
    """Whether the simple baseline is nearer to the data, beyond the noise of the distance."""
    noise = now.energy_distance_se if math.isfinite(now.energy_distance_se) else 0.0
    return now.energy_distance - 2 * noise > now.gaussian_baseline
