"""Distances, density and equality of rows of mixed tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CELLS = 1 << 22
"""Largest number of pairs held at once: 16 MiB in 32 bit."""


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows between which distances are defined.

    Attributes:
        positions: ``(N, P)`` ranks of numbers, in [0, 1]; missing cells at -0.5.
        codes: ``(N, C)`` category codes; missing cells at -1.
    """

    positions: Tensor
    codes: Tensor

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice) -> EncodedRows:
        """A slice of the rows."""
        return EncodedRows(self.positions[rows], self.codes[rows])


def distances(one: EncodedRows, other: EncodedRows) -> Tensor:
    """Gower's distance ``(N, M)``, 0..1 (a little more with missing numbers).

    The mean difference per cell: categories differ by 0 or 1, numbers by the fraction of training
    rows between them.

    Source: Gower 1971, Biometrics 27, p. 857; Podani 1999, Taxon 48, p. 331 (ranks).
    Differs: ranks also for numbers, because one outlier would bring all other rows close; missing
        is a value of its own, because missingness distinguishes rows too.
    """
    width = one.positions.shape[1] + one.codes.shape[1]
    total = torch.zeros(len(one), len(other))
    if one.positions.shape[1]:
        total += torch.cdist(one.positions, other.positions, p=1)
    for column in range(one.codes.shape[1]):
        total += one.codes[:, column, None] != other.codes[None, :, column]
    return total / max(width, 1)


def nearest(queries: EncodedRows, targets: EncodedRows) -> tuple[Tensor, Tensor]:
    """Distance of each query to its nearest target ``(N,)``, and the target's row ``(N,)``."""
    minima = [distances(queries[part], targets).min(1) for part in _chunks(queries, targets)]
    return torch.cat([each.values for each in minima]), torch.cat([each.indices for each in minima])


def nearest_k(queries: EncodedRows, targets: EncodedRows, k: int) -> tuple[Tensor, Tensor]:
    """Distances of each query to its ``k`` nearest targets, and their rows, ``(N, k)``."""
    k = min(k, len(targets))
    smallest = [
        distances(queries[part], targets).topk(k, largest=False)
        for part in _chunks(queries, targets)
    ]
    return torch.cat([each.values for each in smallest]), torch.cat(
        [each.indices for each in smallest]
    )


def kernel_width(rows: EncodedRows) -> float:
    """Kernel bandwidth of a set: a tenth of the median distance to the nearest other row.

    So narrow that the nearest row dominates. At the median itself, dozens of ordinary neighbours
    outweigh a copy, and the attack misses a set that consists of copies only.
    """
    gaps: list[Tensor] = []
    for part in _chunks(rows, rows):
        pairs = distances(rows[part], rows)
        pairs[torch.arange(len(pairs)), torch.arange(part.start, part.stop)] = torch.inf
        gaps.append(pairs.min(1).values)
    columns = rows.positions.shape[1] + rows.codes.shape[1]
    # With few distinct values most rows have a duplicate; a fraction of a cell keeps it positive.
    return max(0.1 * float(torch.cat(gaps).quantile(0.5)), 0.01 / max(columns, 1))


def log_density(queries: EncodedRows, targets: EncodedRows, width: float) -> NDArray[np.float64]:
    """Log kernel density estimate at each query, up to a constant, ``(N,)``.

    Source: Parzen 1962, with the kernel exp(-distance / width).
    """
    log_sums = [
        torch.logsumexp(distances(queries[part], targets) / -width, 1)
        for part in _chunks(queries, targets)
    ]
    return torch.cat(log_sums).double().numpy() - np.log(len(targets))


def density_ratio(
    queries: EncodedRows, fake: EncodedRows, reference: EncodedRows, width: float
) -> NDArray[np.float64]:
    """Log density ratio of fakes to reals at each query ``(N,)``: a membership inference attack.

    A generator that overfits is denser around its training rows than the true distribution is; a
    high ratio suggests that the row was trained on.

    Source: van Breugel 2023, arXiv:2302.12580, eq. 2 (DOMIAS).
    Differs: a kernel on distances of mixed rows instead of a flow, because it needs no training.
    """
    ratio = log_density(queries, fake, width) - log_density(queries, reference, width)
    return ratio.round(3)  # finer differences are rounding, which must not order rows that tie


def equal_rows(queries: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of ``queries (N, F)`` occur in ``targets (M, F)``; NaN equals NaN."""
    return np.isin(_keys(queries), _keys(targets))


def dcr_share(
    to_train: Tensor, to_held_out: Tensor, train_rows: Tensor, held_out_rows: Tensor
) -> tuple[float, float]:
    """DCR share: fraction of fakes nearer to training than to held-out rows, with standard error.

    Ties count half. Fakes with the same nearest real row fall on the same side, so the standard
    error is clustered by that row.

    Args:
        to_train: ``(N,)`` distances to as many training rows as there are held-out ones.
        to_held_out: ``(N,)`` distances to held-out rows.
        train_rows: ``(N,)`` nearest training row.
        held_out_rows: ``(N,)`` nearest held-out row.

    Source: Platzer and Reutterer 2021, arXiv:2104.00635, sec. 3.2 (share); Liang and Zeger 1986
        (clustered standard error).
    """
    votes = 0.5 * (1 + torch.sign(to_held_out - to_train)).double()
    fraction = float(votes.mean())
    groups = torch.where(to_train <= to_held_out, train_rows, -1 - held_out_rows)
    _, group = np.unique(groups.numpy(), return_inverse=True)
    sums = np.bincount(group, weights=(votes - fraction).numpy())
    return fraction, float(np.sqrt((sums**2).sum())) / len(votes)


def _keys(rows: NDArray[np.float64]) -> NDArray[np.void]:
    # One bit pattern for NaN and for zero, so that equal rows are equal byte by byte.
    contiguous = np.ascontiguousarray(np.where(np.isnan(rows), np.nan, rows + 0.0))
    return contiguous.view(np.dtype((np.void, contiguous.shape[1] * 8))).ravel()


def _chunks(queries: EncodedRows, targets: EncodedRows) -> Iterator[slice]:
    size = max(CELLS // max(len(targets), 1), 1)
    for start in range(0, len(queries), size):
        yield slice(start, min(start + size, len(queries)))
