"""Rows of mixed tables: how far apart, how dense, and which are equal."""

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
    """Rows in which distances can be taken.

    Attributes:
        places: ``(N, P)`` of numbers, in [0, 1]; missing cells at -0.5.
        codes: ``(N, C)`` of categories; missing cells at -1.
    """

    places: Tensor
    codes: Tensor

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> EncodedRows:
        """Some rows."""
        return EncodedRows(self.places[rows], self.codes[rows])


def distances(one: EncodedRows, other: EncodedRows) -> Tensor:
    """``(N, M)`` in 0..1 (a little more with missing numbers): the mean difference of a cell.

    Cells of categories differ by 0 or 1; numbers by the share of training rows between them.

    Source: Gower 1971, Biometrics 27, p. 857; Podani 1999, Taxon 48, p. 331 (ranks).
    Differs: ranks also for numbers, because one outlier would make all other rows near; a missing
        cell is an answer of its own, because whether it is missing tells rows apart as well.
    """
    width = one.places.shape[1] + one.codes.shape[1]
    total = torch.zeros(len(one), len(other))
    if one.places.shape[1]:
        total += torch.cdist(one.places, other.places, p=1)
    for column in range(one.codes.shape[1]):
        total += one.codes[:, column, None] != other.codes[None, :, column]
    return total / max(width, 1)


def nearest(queries: EncodedRows, targets: EncodedRows) -> tuple[Tensor, Tensor]:
    """Distance to the nearest target of each query ``(N,)``, and its row ``(N,)``."""
    found = [distances(queries[part], targets).min(1) for part in _chunks(queries, targets)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def nearest_few(queries: EncodedRows, targets: EncodedRows, k: int) -> tuple[Tensor, Tensor]:
    """Distances to the ``k`` nearest targets of each query ``(N, k)``, rising, and their rows."""
    k = min(k, len(targets))
    found = [
        distances(queries[part], targets).topk(k, largest=False)
        for part in _chunks(queries, targets)
    ]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def width_of(heap: EncodedRows) -> float:
    """Width of a kernel for this heap: a tenth of the median distance to the nearest other row.

    So narrow that the nearest row decides. At the median itself dozens of ordinary neighbours
    outweigh a copy, and an attacker misses a set that is nothing but copies.
    """
    gaps: list[Tensor] = []
    for part in _chunks(heap, heap):
        pairs = distances(heap[part], heap)
        pairs[torch.arange(len(pairs)), torch.arange(part.start, part.stop)] = torch.inf
        gaps.append(pairs.min(1).values)
    columns = heap.places.shape[1] + heap.codes.shape[1]
    # In tables of few values most rows have a twin; a part of a cell keeps the kernel finite.
    return max(0.1 * float(torch.cat(gaps).median()), 0.01 / max(columns, 1))


def log_density(queries: EncodedRows, heap: EncodedRows, width: float) -> NDArray[np.float64]:
    """Logarithm, but for a constant, of a kernel estimate of the density at each query ``(N,)``.

    Source: Parzen 1962, with the kernel exp(-distance / width).
    """
    made = [
        torch.logsumexp(distances(queries[part], heap) / -width, 1)
        for part in _chunks(queries, heap)
    ]
    return torch.cat(made).double().numpy() - np.log(len(heap))


def density_ratio(
    queries: EncodedRows, fake: EncodedRows, reference: EncodedRows, width: float
) -> NDArray[np.float64]:
    """How much denser the fakes are around a row than reals are, as a logarithm ``(N,)``.

    A generator that overfits puts more fakes around its training rows than nature does; where
    this is high, an attacker says "was trained on".

    Source: van Breugel 2023, arXiv:2302.12580, eq. 2 (DOMIAS).
    Differs: a kernel on distances of mixed rows instead of a flow, because it needs no training.
    """
    return log_density(queries, fake, width) - log_density(queries, reference, width)


def equal_rows(queries: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of ``queries (N, F)`` stand among ``targets (M, F)``; NaN equals NaN."""
    return np.isin(_keys(queries), _keys(targets))


def dcr_share(
    to_train: Tensor, to_held_out: Tensor, train_rows: Tensor, held_out_rows: Tensor
) -> tuple[float, float]:
    """Share of fakes nearer to training than to held-out rows, ties half, and its standard error.

    Fakes around one real row lean to the same side together. So the error counts each such group
    as one, and is not fooled by a row with many followers.

    Args:
        to_train: ``(N,)`` distances to as many training rows as there are held-out ones.
        to_held_out: ``(N,)``.
        train_rows: ``(N,)`` which is nearest.
        held_out_rows: ``(N,)``.

    Source: Platzer and Reutterer 2021, arXiv:2104.00635, sec. 3.2 (share); Liang and Zeger 1986
        (error by groups).
    """
    votes = 0.5 * (1 + torch.sign(to_held_out - to_train)).double()
    share = float(votes.mean())
    groups = torch.where(to_train <= to_held_out, train_rows, -1 - held_out_rows)
    _, group = np.unique(groups.numpy(), return_inverse=True)
    sums = np.bincount(group, weights=(votes - share).numpy())
    return share, float(np.sqrt((sums**2).sum())) / len(votes)


def _keys(rows: NDArray[np.float64]) -> NDArray[np.void]:
    # One kind of NaN and one kind of nought, so that equal rows are equal byte by byte.
    held = np.ascontiguousarray(np.where(np.isnan(rows), np.nan, rows + 0.0))
    return held.view(np.dtype((np.void, held.shape[1] * 8))).ravel()


def _chunks(queries: EncodedRows, targets: EncodedRows) -> Iterator[slice]:
    size = max(CELLS // max(len(targets), 1), 1)
    for start in range(0, len(queries), size):
        yield slice(start, min(start + size, len(queries)))
