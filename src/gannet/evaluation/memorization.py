"""Are fakes copies of training samples, or of each other?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, Closeness, Pair, Score
from gannet.evaluation.samples import Material
from gannet.metrics.confidence import share_score
from gannet.metrics.distribution import nearest_others
from gannet.metrics.memorization import (
    SHOWN,
    closeness_of,
    closest,
    pairs_of,
    suspects,
    worst_pairs,
)
from gannet.metrics.pairwise import Heap
from gannet.modalities.hooks import Data
from gannet.networks.features import Standardiser

SEARCHED = 100_000
"""Most training samples in which copies are looked for."""

ALIKE = 0.01
"""Share of held-out reals that have another as near as a repeated sample has."""


@dataclass(frozen=True)
class Copies:
    """What was found among the training samples nearest to fakes.

    Attributes:
        score: Share of fakes oddly near to one of them.
        closest: The nearest pairs, the most suspect first.
        shown: The first fakes, not chosen, with theirs.
        closeness: All distances, in quantiles.
    """

    score: Score
    closest: tuple[Pair, ...]
    shown: tuple[Pair, ...]
    closeness: Closeness


def copy_score(made: Material, dataset: Data) -> Copies:
    """Share of fakes oddly near to one training sample, and the nearest pairs.

    The fresh reals are left out of the training samples, since they serve as the floor.
    """
    rows = made.rest[:SEARCHED]
    look, metric = _distance(made)
    heaps = [made.fake, made.held_out, made.fresh, made.plain]
    blocks = _blocks(dataset, rows, look)
    distances, which = closest(torch.cat([look(each) for each in heaps]), blocks)
    count = len(made.fake)
    fake, held_out, fresh, plain = (distances[at * count : (at + 1) * count] for at in range(4))
    flags = [suspects(each, held_out) for each in (fake, fresh, plain)]
    score = share_score(f"copies[{made.modality.noun[1]}]", flags, ABOUT["copies"])
    pairs = pairs_of(fake, [rows[int(at)] for at in which[:count, 0]], flags[0])
    near = closeness_of(metric, fake[:, 0], held_out[:, 0], len(rows))
    return Copies(score, worst_pairs(pairs), pairs[:SHOWN], near)


def repeat_score(
    held_out: Tensor | Heap,
    fake: Tensor | Heap,
    fresh: Tensor | Heap,
    plain: Tensor | Heap,
    eye: str,
) -> Score:
    """Share of fakes with another fake nearer than 99 % of held-out reals have another real.

    Args:
        held_out: ``(n, F)`` features.
        fake: The same of fakes.
        fresh: Of further reals, the floor.
        plain: Of the baseline.
        eye: What the features are called.
    """
    limit = nearest_others(held_out).quantile(ALIKE)
    flags = [nearest_others(each) <= limit for each in (fake, fresh, plain)]
    return share_score(f"repeats[{eye}]", flags, ABOUT["repeats"])


def _distance(made: Material) -> tuple[Callable[[Tensor], Tensor], str]:
    """Samples ``(B, *shape)`` as few numbers ``(B, F)``, and what distances between these are."""
    thumbnail = made.modality.thumbnail
    if made.modality.values == "signed":  # all of one unit
        return thumbnail, f"Euclidean, between thumbnails of {made.modality.noun[1]} in [-1, 1]"
    scale = Standardiser(thumbnail(made.held_out))
    metric = "Euclidean, each number in standard deviations of held-out reals"
    return lambda samples: scale(thumbnail(samples)), metric


def _blocks(
    dataset: Data, rows: tuple[int, ...], look: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    for start in range(0, len(rows), 1_000):
        yield look(dataset.train.take(list(rows[start : start + 1_000])).real)
