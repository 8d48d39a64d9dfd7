"""Co-occurrence matrix of a table's tokens, as bits: 40 kB for a table like UCI Adult.

A network's probabilities are never zero: on Adult, it expects half of the pairs of values that no
row has in more than 0.6 of 29,000 rows (measured).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.types import CellRange
from gannet.networks.tabular.layout import Layout

MAX_TOKENS = 8_192
"""Maximum number of tokens of all fields; for more, no matrix is stored."""
MAX_FIELDS = 100
"""Maximum number of fields; for more, no matrix is stored."""


def cooccurrence(parts: Iterable[Tensor], layout: Layout) -> Tensor:
    """``(W, W / 8)`` bits: whether two tokens occurred in one row; empty for very wide tables.

    Args:
        parts: Rows ``(B, F)``, some at a time.
        layout: Of their fields.
    """
    fields = [at for at in range(len(layout.parts)) if at not in layout.continuous]
    if layout.width > MAX_TOKENS or len(fields) > MAX_FIELDS:
        return torch.zeros(0, 0, dtype=torch.uint8)
    occurred = torch.zeros(layout.width, layout.width, dtype=torch.bool)
    counts: list[int] = layout.count.tolist()
    for rows in parts:
        tokens = layout.tokens(rows)
        for one, other in combinations(fields, 2):
            size = counts[one], counts[other]
            codes = tokens[:, one] * size[1] + tokens[:, other]
            block = torch.bincount(codes, minlength=size[0] * size[1]).view(size) > 0
            occurred[layout.parts[one], layout.parts[other]] |= block
    return torch.from_numpy(np.packbits((occurred | occurred.T).numpy(), axis=1))


def cooccurred(
    pairs: Tensor, layout: Layout, one: Iterable[CellRange], other: Iterable[CellRange]
) -> bool:
    """Whether alternatives of two cell conditions occurred in one row; true if unknown."""
    if not pairs.numel():
        return True
    bits = np.unpackbits(pairs.numpy(), axis=1).astype(bool)
    left, right = (
        [_tokens(cell_range, layout) for cell_range in cell_condition]
        for cell_condition in (one, other)
    )
    return any(
        all(bits[symbol, beside] for symbol in mine for beside in theirs)
        for mine in left
        for theirs in right
    )


def cooccurrence_block(
    pairs: Tensor, layout: Layout, one: int, other: int
) -> NDArray[np.bool_] | None:
    """``(K, L)`` whether tokens of two fields occurred in one row; ``None`` if unknown."""
    if not pairs.numel():
        return None
    bits = np.unpackbits(pairs.numpy()[layout.parts[one]], axis=1).astype(bool)
    return bits[:, layout.parts[other]]


def _tokens(cell_range: CellRange, layout: Layout) -> list[int]:
    """Indices of a cell range's tokens in an expanded row."""
    return [
        layout.parts[field].start + int(cell)
        for field, cell in cell_range.cells.items()
        if field not in layout.continuous
    ]
