"""Shared by recipes that are fitted at once, from all training rows, without steps."""

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

MAX_STORED_BYTES = 64 * 2**20
"""Maximum size of the stored training samples in an artifact."""

MAX_STORED_ROWS = 50_000
"""Maximum number of stored training samples."""


class BaselineConfig(Config):
    """Settings of recipes that store training samples, whole or column by column."""

    stored_samples: int = Field(1_000, ge=1, description="stored training samples")


def suggest_config(some: Batch, rows: int) -> Iterator[Suggestion]:
    """Store as many samples as fit, with one latent number for each column of a table."""
    stored_count = min(
        rows, MAX_STORED_ROWS, max(MAX_STORED_BYTES // (4 * math.prod(some.real.shape[1:])), 1)
    )
    yield (
        f"{'all' if stored_count == rows else 'a random subset'} of {rows} training samples",
        {"stored_samples": stored_count},
    )
    if some.table.cardinalities:
        columns = len(columns_of(Spec.of(some)))
        yield f"one latent number for each of {columns} columns", {"latent_dim": columns}


def embed(samples: Tensor, spec: Spec) -> Tensor:
    """Embed samples so that distance means similarity; tables as in the recipe `table`."""
    return tabular.embed(samples, spec) if spec.table.cardinalities else samples
