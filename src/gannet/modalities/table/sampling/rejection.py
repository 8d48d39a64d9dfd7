"""Rejection sampling: each row is resampled until it obeys the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.errors import ConfigError
from gannet.core.types import CellConditions
from gannet.modalities.table.columns.base import percent
from gannet.modalities.table.rules import Clause
from gannet.modalities.table.sampling.cells import TOGETHER, RowSampler

MAX_TRIES = 2_000
"""Most tries per row; at an acceptance rate of 1 %, one row in 500 million exceeds them."""
MIN_ACCEPTANCE = 0.01
"""Smallest acceptance rate of resampled rows."""
ENOUGH = 10_000
"""Resampled rows before the acceptance rate is judged."""


@dataclass
class RejectionStats:
    """Statistics of rejection sampling so far.

    Attributes:
        rows: Rows that were requested.
        first_accepted: Rows accepted at the first try.
        drawn: Total number of tries.
        violated: Clause -> rows that violated it at the first try.
        conditioned: Rules on a single column, which are enforced by conditional sampling.
        marginal: Their joint probability under the model without conditioning.
    """

    rows: int = 0
    first_accepted: int = 0
    drawn: int = 0
    violated: dict[str, int] = field(default_factory=dict[str, int])
    conditioned: tuple[str, ...] = ()
    marginal: float = 1.0

    def describe(self) -> list[str]:
        """Sentences for users: how much the rules change the distribution."""
        said: list[str] = []
        if self.conditioned:
            rules = " and ".join(f"'{rule}'" for rule in self.conditioned)
            said.append(
                f"enforced by conditional sampling: {rules}; without it "
                f"{percent(self.marginal)} of the rows would obey"
            )
        if self.rows and self.violated:
            again = self.rows - self.first_accepted
            said.append(f"{percent(self.first_accepted / self.rows)} of the rows obeyed at once")
            if again:
                each = self.drawn / self.rows
                said[-1] += f", {again:,} were drawn anew; it took {each:.3g} draws per row"
            said += [
                f"'{rule}' was broken by {percent(count / self.rows)}"
                for rule, count in self.violated.items()
                if count
            ]
        return said


def rejection_sample(
    sampler: RowSampler,
    clauses: Sequence[Clause],
    rows: range,
    *,
    conditions: Sequence[CellConditions],
    seed: int,
    obeyed: RejectionStats,
) -> Tensor:
    """Sample rows ``(n, F)`` that all obey every clause.

    Row n is its first try that obeys; try k depends only on the seed, n and k, so neither the
    number of rows nor other rows change it.

    Args:
        sampler: The model.
        clauses: To obey.
        rows: Their numbers.
        conditions: As for ``RowSampler.sample``.
        seed: Of everything.
        obeyed: Statistics; updated.

    Raises:
        ConfigError: if the acceptance rate is too low, naming the rule that most rows violate.
    """
    names = tuple(dict.fromkeys(name for clause in clauses for name in clause.columns))

    def tests(drawn: Tensor) -> NDArray[np.bool_]:
        frame = sampler.codec.decode_columns(drawn, names)
        return np.stack([clause.holds(frame) for clause in clauses])

    made = sampler.sample_tries({0: rows}, conditions=conditions, seed=seed)
    found = tests(made)
    left = np.flatnonzero(~found.all(0))
    obeyed.rows += len(rows)
    obeyed.first_accepted += len(rows) - len(left)
    obeyed.drawn += len(rows) - len(left)
    for clause, kept in zip(clauses, found, strict=True):
        obeyed.violated[clause.text] = obeyed.violated.get(clause.text, 0) + int((~kept).sum())
    attempt, drawn, hits = 1, 0, 0
    while len(left):
        # Doubling the tries per round wastes few samples and needs few rounds.
        many = min(attempt, max(TOGETHER // len(left), 1), MAX_TRIES - attempt)
        if many < 1 or (drawn >= ENOUGH and hits < MIN_ACCEPTANCE * drawn):
            raise _hardly_any(obeyed, hits, drawn)
        numbers = [rows[at] for at in left.tolist()]
        tries = dict.fromkeys(range(attempt, attempt + many), numbers)
        again = sampler.sample_tries(tries, conditions=conditions, seed=seed)
        good = tests(again).all(0).reshape(many, len(left))
        done = good.any(0)
        obeyed.drawn += int((attempt + 1 + good.argmax(0)[done]).sum())
        attempt, drawn, hits = attempt + many, drawn + len(again), hits + int(good.sum())
        chosen = torch.from_numpy(good.argmax(0)[done] * len(left) + np.flatnonzero(done))
        made[torch.from_numpy(left[done])] = again[chosen]
        left = left[~done]
    return made


def _hardly_any(obeyed: RejectionStats, hits: int, drawn: int) -> ConfigError:
    worst = max(obeyed.violated, key=lambda rule: obeyed.violated[rule])
    share = obeyed.violated[worst] / obeyed.rows
    return ConfigError(
        f"hardly any row obeys the rules: {percent(hits / drawn)} of {drawn:,} that were drawn "
        f"anew; '{worst}' was broken by {percent(share)} of {obeyed.rows:,} rows",
        where="--constraint",
        remedy="Loosen that rule, ask for less with --given, or train longer.",
    )
