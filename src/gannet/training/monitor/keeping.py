"""Which states of a run are worth keeping. All pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gannet.training.monitor.measurements import Measurements
from gannet.training.monitor.thresholds import DEFAULT_THRESHOLDS

UNFIT = 0.2
"""Distance from training to held-out data, as a fraction of the baseline's, above which they are
unlike."""


def held_out_unlike(now: Measurements) -> bool:
    """Whether held-out data are not like the training data, so that no distance to them counts.

    So it is where copies of one sample, all on one side of the split, are a large part of the data.
    """
    error = now.energy_distance_se
    return math.isfinite(error) and now.reference > max(UNFIT * now.gaussian_baseline, 4 * error)


def noise(now: Measurements, best: Mapping[str, Any]) -> float:
    """Standard error of the difference of two energy distances; 0 where neither is known.

    Infinite where distances say nothing, so that the later state is the better one.
    """
    if held_out_unlike(now):
        return math.inf
    errors = (best.get("error", 0.0), now.energy_distance_se)
    return math.hypot(*(each if math.isfinite(each) else 0.0 for each in errors))


def clearly_nearer(now: Measurements, best: Mapping[str, Any]) -> bool:
    """Whether a state is nearer to held-out data than the best so far, beyond noise.

    Then it is the better one, whatever the evaluations before it were called.
    """
    if not best:
        return False
    return now.energy_distance < best["energy_distance"] - 2 * noise(now, best)


def worth_keeping(now: Measurements, best: Mapping[str, Any], *, conditional: bool) -> bool:
    """Whether a healthy state is worth going back to.

    The validation loss says more about a generator than a distance. Exception: conditional outputs
    clearly nearer to reals may have a higher pixel loss, since blur minimizes it.
    """
    lowest = best.get("validation_loss", math.inf)
    limit = DEFAULT_THRESHOLDS.max_loss_increase * abs(lowest)
    nearer = conditional and clearly_nearer(now, best)
    return not now.loss_validation - lowest > limit or nearer
