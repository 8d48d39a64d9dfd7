"""Networks for table rows: each field is a token out of a few, or a continuous position.

The generator predicts the distribution of each cell given the observed ones. Sampled
autoregressively, one field at a time, its rows follow the joint distribution of the table. Since
any cells may be observed, one network generates rows, obeys conditions and imputes missing cells.

A row is stored as ``(F,)`` numbers, one per field, and expanded to a one-hot row ``(W,)`` only in a
batch: ``W`` is the number of tokens of all fields together. There is no batch normalisation, so a
row never depends on others in its batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.mlp import LEAK, ResidualBlock
from gannet.networks.tabular.cosine_features import cosine_basis, share_cosine_features
from gannet.networks.tabular.layout import SLICES, STEEPEST, Layout, missing
from gannet.networks.tabular.sampling import Layers, PrefixCache, fill, uniforms

NEVER_DRAWN = (
    -45.0
)  # added to the logits of tokens that are never sampled; its exp is still not zero
TOGETHER = 65_536  # rows that are sampled at once


def _compute_dtype(numbers: Tensor) -> torch.dtype:
    """The floating-point type in which layers compute, which autocast may change."""
    device_type = numbers.device.type
    return (
        torch.get_autocast_dtype(device_type)
        if torch.is_autocast_enabled(device_type)
        else numbers.dtype
    )


class FieldGenerator(nn.Module):
    """Samples the unobserved cells of rows, field by field (order-agnostic autoregressive model).

    Source: Hoogeboom et al. 2022, arXiv:2110.02037.
    Differs: at inference the order is the same for all rows, by rising entropy. Many rows then
    share a prefix, for which the network is evaluated only once.

    Args:
        spec: ``spec.table.cardinalities`` are the tokens per field.
        width: Features of each layer.
        blocks: Number of residual blocks.
        missing_field: As ``spec.table.missing_field``, if missing cells are masked in the input and
            never sampled.
        cosine_features: Number of cosine features per ordinal field; see
            ``networks.tabular.cosine_features``.
    """

    logit_bias: Tensor

    def __init__(
        self,
        spec: Spec,
        width: int,
        blocks: int,
        *,
        missing_field: tuple[int, ...] = (),
        cosine_features: int = 0,
    ) -> None:
        super().__init__()
        self.layout, self.missing_field = Layout(spec.table.cardinalities), missing_field
        count = len(spec.table.cardinalities)
        logit_bias = torch.zeros(self.layout.width)
        logit_bias[
            self.layout.first[[at for at, owner in enumerate(missing_field) if at == owner]]
        ] = NEVER_DRAWN
        self.register_buffer("logit_bias", logit_bias, persistent=False)
        self.stem = nn.Linear(self.layout.width + count, width)
        # One token or mask token per field is one, so the sum of F columns has a std of one.
        nn.init.normal_(self.stem.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.stem.bias, -1, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, blocks) for _ in range(blocks)))
        self.output = nn.Linear(width, self.layout.width)
        nn.init.normal_(self.output.weight, std=0.3 / math.sqrt(width))
        nn.init.zeros_(self.output.bias)
        if cosine_features and spec.table.ordinal_from:
            sizes = [size or SLICES for size in spec.table.cardinalities]
            shared = cosine_basis(sizes, spec.table.ordinal_from, cosine_features)
            share_cosine_features(self.stem, self.output, shared, count)

    def logits(self, condition: Condition) -> Tensor:
        """Logits of every token of every field, ``(B, W)``, given the observed cells alone."""
        return self.raw_logits(condition).float().clamp(-STEEPEST, STEEPEST)

    def raw_logits(self, condition: Condition) -> Tensor:
        """Unclamped logits, in the floating-point type of the last layer."""
        rows, observed = condition.vector.chunk(2, 1)
        features = self.blocks(self._stem(rows, observed))
        logits: Tensor = self.output(leaky_relu(features, LEAK))
        if self.missing_field:
            logits = logits + self.logit_bias.to(logits.dtype)
        return logits

    @torch.no_grad()
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Sample whole rows ``(B, F)``; observed cells are returned unchanged.

        Sampling is not differentiable: for training see ``logits``.

        Args:
            noise: ``(B, N)``, the only source of randomness; best with one number per field and one
                more per continuous position.
            condition: Its vector is that of ``condition_vector``.
        """
        rows, observed = condition.vector.chunk(2, 1)
        fields = rows.shape[1]
        uniform_draws = uniforms(noise, fields + len(self.layout.continuous))
        order = self.order()
        cells = torch.empty_like(rows)
        for at in range(0, len(rows), TOGETHER):
            some = slice(at, at + TOGETHER)
            tokens = self._fill(rows[some], observed[some], uniform_draws[some, :fields], order)
            cells[some] = self.layout.cells(tokens, uniform_draws[some, fields:])
        return torch.where(observed > 0, rows, cells)

    def order(self) -> list[int]:
        """Fields by rising entropy; continuous positions last, for they are least informative."""
        blank = self.stem.weight.new_zeros(1, 2 * len(self.layout.count))
        probabilities = self.layout.probabilities(
            self.logits(Condition(blank, blank[:, :0], blank[:, :0]))
        )
        doubt = -(probabilities * probabilities.log()) @ self.layout.member
        doubt[:, self.layout.continuous] = torch.inf
        fields: list[int] = doubt.squeeze(0).argsort(stable=True).tolist()
        return fields

    def _fill(
        self, rows: Tensor, observed: Tensor, uniforms: Tensor, order: Sequence[int]
    ) -> Tensor:
        """The tokens of the rows ``(B, F)``, unobserved ones sampled in the given order."""
        tokens = self.layout.tokens(rows)
        prefixes = self._prefixes(rows, observed)
        dtype = _compute_dtype(prefixes.features)
        layers = Layers(self.layout, self.stem, self.blocks, self.output, self.logit_bias, dtype)
        fill(layers, prefixes, tokens, observed == 0, uniforms, order)
        return tokens

    def _prefixes(self, rows: Tensor, observed: Tensor) -> PrefixCache:
        """The cache before sampling; consecutive rows with equal conditions share a prefix."""
        both = torch.cat([rows, observed], 1)
        new = torch.ones(len(both), dtype=torch.bool, device=both.device)
        new[1:] = (both[1:] != both[:-1]).any(1)
        of = new.long().cumsum(0) - 1
        return PrefixCache(self._stem(rows[new], observed[new]).float(), of)

    def _stem(self, rows: Tensor, observed: Tensor) -> Tensor:
        if self.missing_field:
            observed = observed.masked_fill(missing(rows, self.missing_field), 0)
        dtype = _compute_dtype(rows)
        features: Tensor = self.stem(
            self.layout.embed_observed(self.layout.tokens(rows), observed, dtype)
        )
        return features


class FieldDiscriminator(nn.Module):
    """Rows to one logit through residual blocks, without normalisation.

    It sees the mask of observed cells, so that it can concentrate on the sampled ones.
    """

    def __init__(self, spec: Spec, width: int, blocks: int) -> None:
        super().__init__()
        self.layout = Layout(spec.table.cardinalities)
        count = len(spec.table.cardinalities)
        self.stem = nn.Linear(self.layout.width + count, width)
        nn.init.normal_(self.stem.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.stem.bias, -1, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, blocks) for _ in range(blocks)))
        self.head = nn.Linear(width, 1)

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """Rows ``(B, F)`` and a condition to logits ``(B,)``; high means real."""
        return self.logits(self.layout.expand(samples), condition.vector)

    def logits(self, expanded: Tensor, vector: Tensor) -> Tensor:
        """Logits ``(B,)`` of expanded rows ``(B, W)``, which may be soft and differentiable."""
        _, observed = vector.chunk(2, 1)
        features = self.blocks(self.stem(torch.cat([expanded, observed], 1)))
        logits: Tensor = self.head(leaky_relu(features, LEAK)).squeeze(1)
        return logits
