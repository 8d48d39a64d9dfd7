"""A small classifier of rows whose numbers stand for something: it sees which cells go together."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from gannet.networks.classifier import WIDTH, SmallNet

VALUES = 64
"""Most frequent values of a cell that have an embedding of their own."""

BINS = 16
"""Quantile bins of a cell, each with an embedding."""

MAX_EMBEDDINGS = 16_384
"""Maximum number of embeddings of all cells together; wide rows have fewer for each."""

REFERENCE = 20_000
"""Maximum rows from which values and bins are taken."""


class CellNet(SmallNet):
    """A factorization machine and two linear layers, over embedded cells ``(B, *shape)``.

    Each cell is embedded three times: its value, if that is frequent; its quantile bin; and its
    standardised number. The sum over a row's cells sees single cells, and the sum of the products
    of all pairs sees which go together, which a plain network learns slowly from one-hot cells.

    Source: Rendle 2010, Factorization Machines, eq. 3 (all pairs in linear time); Guo et al. 2017,
        DeepFM, arXiv:1703.04247. Differs: products are not summed over the embedding.

    Args:
        rows: ``(N, *shape)`` training rows that values, bins and scales are taken from.
        classes: Number of logits.

    Attributes:
        values: ``(F, V)`` the frequent values of each cell, ascending; infinite where fewer.
        edges: ``(F, BINS - 1)`` inner edges of its quantile bins.
        mean: ``(F,)``.
        std: ``(F,)``.
    """

    values: Tensor
    edges: Tensor
    mean: Tensor
    std: Tensor
    first: Tensor

    def __init__(self, rows: Tensor, classes: int) -> None:
        super().__init__()
        flat = rows.flatten(1).float()[:REFERENCE]
        cells = flat.shape[1]
        frequent = max(min(VALUES, MAX_EMBEDDINGS // cells - BINS - 1), 1)
        self.register_buffer("values", torch.stack([_frequent(each, frequent) for each in flat.T]))
        inner = torch.arange(1, BINS) / BINS
        self.register_buffer("edges", torch.quantile(flat[:4_096], inner, 0).T.contiguous())
        self.register_buffer("mean", flat.mean(0))
        self.register_buffer("std", flat.std(0).clamp(min=1e-6).nan_to_num(1.0))
        size = frequent + 1 + BINS
        first = torch.arange(cells) * size
        self.register_buffer("first", first, persistent=False)
        self.frequent, self.cells = frequent, cells
        self.embedding = nn.EmbeddingBag(cells * size, WIDTH, mode="sum")
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(cells))
        self.slopes = nn.Parameter(torch.randn(cells, WIDTH) / math.sqrt(cells))
        self.squares = nn.EmbeddingBag(cells * size, WIDTH, mode="sum")
        nn.init.normal_(self.squares.weight, std=1 / math.sqrt(cells))
        self.body = nn.Sequential(
            nn.Linear(2 * WIDTH, 2 * WIDTH, bias=False),
            nn.BatchNorm1d(2 * WIDTH),
            nn.ReLU(),
            nn.Linear(2 * WIDTH, WIDTH, bias=False),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
        )
        self.entry = nn.BatchNorm1d(2 * WIDTH)
        self.head = nn.Linear(WIDTH, classes)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, 128)``, non-negative."""
        rows = samples.flatten(1).float()
        tokens = self._tokens(rows)
        scaled = ((rows - self.mean) / self.std).clamp(-5, 5)
        alone = self.embedding(tokens) + scaled @ self.slopes
        weight = self.squares.weight
        total = self.squares(tokens)
        each = nn.functional.embedding_bag(tokens, weight.square(), mode="sum")
        together = (total.square() - each) / 2
        features: Tensor = self.body(self.entry(torch.cat([alone, together], 1)))
        return features

    def _tokens(self, rows: Tensor) -> Tensor:
        """Numbers of the embeddings of each row, ``(B, 2F)``: of its values and of its bins."""
        columns = rows.T.contiguous()
        at = torch.searchsorted(self.values, columns).clamp(max=self.frequent - 1)
        known = self.values.gather(1, at) == columns
        value = torch.where(known, at, self.frequent)
        bins = torch.searchsorted(self.edges, columns, right=True) + self.frequent + 1
        return torch.cat([value.T + self.first, bins.T + self.first], 1)


def _frequent(cells: Tensor, count: int) -> Tensor:
    """The most frequent values of ``(N,)`` cells, ascending, ``(count,)``; infinite where fewer."""
    values, counts = np.unique(cells.numpy(), return_counts=True)
    most = np.argsort(-counts, kind="stable")[:count]
    # A value that occurs once says nothing of its own.
    often = np.sort(values[most][counts[most] > 1])
    padded = np.full(count, np.inf, np.float32)
    padded[: len(often)] = often
    return torch.from_numpy(padded)
