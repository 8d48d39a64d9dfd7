"""Answers of packages that our own environment does not hold, for ``values.json``.

In an environment apart, with torch for the last of them:

    python3 -m venv apart && apart/bin/pip install sdmetrics prdc torch pytorch-fid
    apart/bin/python -m tests.reference.make_values
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from tests.reference import inputs

VALUES = Path(__file__).parent / "values.json"
CORRELATED, ASSOCIATED = 0.5, 0.3
"""Thresholds of SDMetrics' own report for pairs that have a trend."""


def of_sdmetrics() -> dict[str, Any]:
    """Marginals, missing cells and pair trends, column by column."""
    import pandas as pd
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.single_column import KSComplement, MissingValueSimilarity, TVComplement

    real, fake = inputs.HELD_OUT, inputs.FAKE
    marginals = [
        float((TVComplement if size else KSComplement).compute(pd.Series(one), pd.Series(other)))
        for one, other, size in zip(real.T, fake.T, inputs.SIZES, strict=True)
    ]
    missing = [
        1 - float(MissingValueSimilarity.compute(pd.Series(one), pd.Series(other)))
        for one, other in zip(real.T, fake.T, strict=True)
    ]
    pairs: dict[str, float] = {}
    trending: list[float] = []
    for left, right in combinations(range(len(inputs.NAMES)), 2):
        numbers = not inputs.SIZES[left] and not inputs.SIZES[right]
        one, other = (
            pd.DataFrame({str(at): laid(values, at, numbers=numbers) for at in (left, right)})
            for values in (real, fake)
        )
        metric: Any = CorrelationSimilarity if numbers else ContingencySimilarity
        floor = {
            "real_correlation_threshold" if numbers else "real_association_threshold": (
                CORRELATED if numbers else ASSOCIATED
            )
        }
        pairs[f"{inputs.NAMES[left]} × {inputs.NAMES[right]}"] = float(metric.compute(one, other))
        strong = float(metric.compute(one, other, **floor))
        if not np.isnan(strong):
            trending.append(strong)
    return {
        "marginals": marginals,
        "missing": missing,
        "pairs": pairs,
        "pair trends": float(np.mean(trending)),
        "trending": len(trending),
    }


def laid(values: inputs.Numbers, at: int, *, numbers: bool) -> inputs.Numbers:
    """A column as SDMetrics is given it: numbers beside codes in our bins, whose edges are those
    of training rows; its own give the largest real value a bin for itself.
    """
    if numbers or inputs.SIZES[at]:
        return values[:, at]
    return inputs.even_bins(values[:, at], inputs.TRAIN[:, at])


def of_prdc() -> dict[str, dict[str, float]]:
    """Precision and recall of k = 3, density and coverage of k = 5."""
    from prdc import compute_prdc

    found: dict[str, dict[str, float]] = {}
    for seed in (0, 1):
        real, fake = inputs.heaps(seed)
        few, more = (compute_prdc(real, fake, nearest_k=k) for k in (3, 5))
        few |= {name: more[name] for name in ("density", "coverage")}
        found[str(seed)] = {name: float(value) for name, value in few.items()}
    return found


def of_pytorch_fid() -> dict[str, list[float]]:
    """Some features of Inception with made-up weights, and the distance in four of them."""
    import torch
    from pytorch_fid import inception
    from pytorch_fid.fid_score import calculate_frechet_distance

    network = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    for name, pool in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        before = {"Mixed_5b": 192, "Mixed_5c": 256, "Mixed_5d": 288}[name]
        setattr(network, name, inception.FIDInceptionA(before, pool_features=pool))
    for name, inner in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        setattr(network, f"Mixed_6{name}", inception.FIDInceptionC(768, channels_7x7=inner))
    network.Mixed_7b, network.Mixed_7c = (
        inception.FIDInceptionE_1(1280),
        inception.FIDInceptionE_2(2048),
    )
    state = network.state_dict()
    made = {
        name: torch.from_numpy(inputs.weights(tuple(each.shape), number)).float()
        for number, (name, each) in enumerate(sorted(state.items()))
        if name.endswith("conv.weight")
    }
    network.load_state_dict(state | made)
    original = inception.fid_inception_v3
    inception.fid_inception_v3 = lambda: network
    try:
        seer = inception.InceptionV3([3]).eval()
    finally:
        inception.fid_inception_v3 = original
    pictures = torch.from_numpy(inputs.photos(12)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        seen = seer(pictures)[0][:, :, 0, 0].double().numpy()
    # With more features than pictures the root of a singular matrix would be mostly rounding.
    sides = (seen[:6, ::512], seen[6:, ::512])
    moments = [(side.mean(0), np.cov(side, rowvar=False)) for side in sides]
    distance = calculate_frechet_distance(*moments[0], *moments[1])
    return {
        "features": seen[:2, ::64].round(7).flatten().tolist(),
        "fid": [float(np.real(distance))],
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    packages = ("sdmetrics", "prdc", "pytorch-fid", "numpy")
    found = {
        "versions": {name: version(name) for name in packages},
        "sdmetrics": of_sdmetrics(),
        "prdc": of_prdc(),
        "pytorch-fid": of_pytorch_fid(),
    }
    text = json.dumps(found, indent=1, ensure_ascii=False)
    VALUES.write_text(text + "\n", encoding="utf-8")
