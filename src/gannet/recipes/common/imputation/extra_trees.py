"""Extremely randomized trees for one column given the others, grown together level by level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.errors import misfit
from gannet.core.types import FloatArray, IntArray

LEVELS = 40
"""Maximum depth."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees in one array of nodes, the roots first.

    Attributes:
        trees: Number of trees.
        feature: ``(nodes,)`` feature of the split; -1 at a leaf.
        threshold: ``(nodes,)`` values up to it go left.
        child: ``(nodes,)`` the left child; the right one is the next node.
        donor: ``(nodes,)`` target of a random training row in the node.
        mean: ``(nodes,)`` mean target in the node.
    """

    trees: int
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    child: NDArray[np.int32]
    donor: NDArray[np.float32]
    mean: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        inputs: NDArray[np.float32],
        targets: FloatArray,
        *,
        trees: int,
        tried: int,
        leaf: int,
        rng: np.random.Generator,
    ) -> Forest:
        """Grow trees, each on all rows.

        Args:
            inputs: ``(N, D)`` without missing values.
            targets: Targets, ``(N,)``.
            trees: Number of trees.
            tried: Features tried at each node, with one threshold each.
            leaf: Minimum rows at a leaf.
            rng: Random generator.

        Source: Geurts et al. 2006, Machine Learning 63, p. 3, table 1.
        Differs: thresholds lie between two rows of the node instead of between its extremes.
        """
        count = len(targets)
        rows, node = np.tile(np.arange(count), trees), np.repeat(np.arange(trees), count)
        levels: list[_Level] = []
        first, nodes = 0, trees
        for _ in range(LEVELS):
            level = _Level(inputs, targets, rows, node, nodes, rng)
            level.split(tried, leaf)
            first += nodes
            levels.append(level)
            rows, node, nodes = level.next_level(first)
            if not nodes:
                break
        else:
            levels[-1].make_leaves()
        joined = [np.concatenate([getattr(each, name) for each in levels]) for name in PARTS]
        feature, threshold, child, donor, mean = joined
        return cls(
            trees,
            feature.astype(np.int16),
            threshold.astype(np.float32),
            child.astype(np.int32),
            donor.astype(np.float32),
            mean.astype(np.float32),
        )

    def leaves(self, inputs: NDArray[np.float32]) -> IntArray:
        """The leaf in each tree of rows ``(N, D)``, ``(N, T)``."""
        if self.feature.max(initial=-1) >= inputs.shape[1]:
            raise misfit("the trees of the imputation")
        count = len(inputs)
        at = np.tile(np.arange(self.trees), count)
        row = np.repeat(np.arange(count), self.trees)
        active = np.arange(len(at))
        while len(active):
            active = active[self.feature[at[active]] >= 0]
            node = at[active]
            right = inputs[row[active], self.feature[node]] > self.threshold[node]
            at[active] = self.child[node] + right
        return at.reshape(count, self.trees)

    def tensors(self) -> dict[str, Tensor]:
        """The state, for the artifact."""
        state = {name: torch.from_numpy(getattr(self, name)) for name in PARTS}
        return state | {"trees": torch.tensor(self.trees)}

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> Forest:
        """From what ``tensors`` returned.

        Raises:
            ValueError: if they are no trees: each inner node must lie before its children, or a
                row would go round in them without end.
        """
        arrays = [state[name].numpy() for name in PARTS]
        feature, _, child, _, _ = arrays
        trees, nodes = int(state["trees"]), len(feature)
        inner = np.flatnonzero(feature >= 0)
        shaped = all(each.shape == (nodes,) for each in arrays) and 1 <= trees <= nodes
        if not shaped or (child[inner] <= inner).any() or (child[inner] + 1 >= nodes).any():
            raise ValueError("no trees")
        return cls(trees, *arrays)


PARTS = ("feature", "threshold", "child", "donor", "mean")


class _Level:
    """The nodes of one depth of all trees; rows are sorted by node."""

    def __init__(
        self,
        inputs: NDArray[np.float32],
        targets: FloatArray,
        rows: IntArray,
        node: IntArray,
        nodes: int,
        rng: np.random.Generator,
    ) -> None:
        self.inputs, self.rows, self.node, self.rng = inputs, rows, node, rng
        self.targets = targets[rows]
        self.sizes = np.bincount(node, minlength=nodes)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.sums = np.add.reduceat(self.targets, self.starts)
        self.mean = self.sums / self.sizes
        self.donor = self.targets[self._random_rows()]
        self.feature = np.full(nodes, -1)
        self.threshold, self.child = np.zeros(nodes, np.float32), np.zeros(nodes, np.int64)

    def _random_rows(self) -> IntArray:
        """A random row of each node."""
        return self.starts + (self.rng.random(len(self.sizes)) * self.sizes).astype(np.int64)

    def split(self, tried: int, leaf: int) -> None:
        """Find the best of some random splits for each node."""
        nodes = len(self.sizes)
        best = np.full(nodes, 1e-9)
        for _ in range(tried):
            candidate = self.rng.integers(self.inputs.shape[1], size=nodes)
            one, other = (self.inputs[self.rows[self._random_rows()], candidate] for _ in range(2))
            fraction = self.rng.random(nodes, np.float32)
            threshold = np.minimum(one, other) + fraction * np.abs(one - other)
            left = self.inputs[self.rows, candidate[self.node]] <= threshold[self.node]
            left_count = np.add.reduceat(left, self.starts, dtype=np.int64)
            left_sum = np.add.reduceat(left * self.targets, self.starts)
            right_count = self.sizes - left_count
            gain = left_sum**2 / np.maximum(left_count, 1) + (
                self.sums - left_sum
            ) ** 2 / np.maximum(right_count, 1)
            gain -= self.sums**2 / self.sizes
            better = (gain > best) & (left_count >= leaf) & (right_count >= leaf)
            best[better], self.feature[better] = gain[better], candidate[better]
            self.threshold[better] = threshold[better]

    def next_level(self, first: int) -> tuple[IntArray, IntArray, int]:
        """Rows and nodes of the next depth, whose nodes begin at ``first``."""
        is_split = self.feature >= 0
        number = np.cumsum(is_split) - 1
        self.child[is_split] = first + 2 * number[is_split]
        active = is_split[self.node]
        rows, node = self.rows[active], self.node[active]
        right = self.inputs[rows, self.feature[node]] > self.threshold[node]
        child_node = 2 * number[node] + right
        order = np.argsort(child_node, kind="stable")
        return rows[order], child_node[order], 2 * int(is_split.sum())

    def make_leaves(self) -> None:
        """Make every node a leaf."""
        self.feature[:] = -1
