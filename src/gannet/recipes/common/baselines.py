"""What recipes share that are fitted at once, from all training rows, and not by steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import Field
from torch import Tensor

from gannet.core.config import Config
from gannet.core.recipe import Suggestion
from gannet.core.types import Batch, Spec
from gannet.networks.nonparametric import columns_of
from gannet.recipes.common import tabular

KEPT_BYTES, KEPT_ROWS = 64 * 2**20, 50_000
"""Most room that kept samples take in an artefact, and most of them."""


class BaselineConfig(Config):
    """Settings of recipes that keep training samples, whole or column by column."""

    stored_samples: int = Field(1_000, ge=1, description="stored training samples")


def suggest_config(some: Batch, rows: int) -> Iterator[Suggestion]:
    """Keep all samples that there is room for, and have chance for each column of a table."""
    most = min(rows, KEPT_ROWS, max(KEPT_BYTES // (4 * math.prod(some.real.shape[1:])), 1))
    yield (
        f"{'all' if most == rows else 'a fair choice'} of {rows} training samples",
        {"stored_samples": most},
    )
    if some.table.cardinalities:
        columns = len(columns_of(Spec.of(some)))
        yield f"chance of its own for each of {columns} columns", {"latent_dim": columns}


def embed(samples: Tensor, spec: Spec) -> Tensor:
    """Samples as numbers in which distance means likeness; of tables as `table` has them."""
    return tabular.embed(samples, spec) if spec.table.cardinalities else samples
