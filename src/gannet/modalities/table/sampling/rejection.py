"""Rows that obey rules: each is drawn anew until it does, by chance of its own for every try."""

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
"""Of a row; where 1 in 100 obeys, one row in 500 million fails them all."""
MIN_ACCEPTANCE = 0.01
"""Share of drawn rows that must obey."""
ENOUGH = 10_000
"""Rows that are drawn anew before that share is believed."""


@dataclass
class RejectionStats:
    """What rules did to the rows so far.

    Attributes:
        rows: That were asked for.
        first_accepted: Of them, how many obeyed as they were drawn first.
        drawn: Tries that it took in all.
        violated: Clause -> rows that broke it as they were drawn first.
        conditioned: Rules on one column alone, which are kept by asking for it.
        marginal: Share of all rows that the model holds to obey these without being asked.
    """

    rows: int = 0
    first_accepted: int = 0
    drawn: int = 0
    violated: dict[str, int] = field(default_factory=dict[str, int])
    conditioned: tuple[str, ...] = ()
    marginal: float = 1.0

    def describe(self) -> list[str]:
        """What a user should know: how much the rules bend the distribution."""
        said: list[str] = []
        if self.conditioned:
            rules = " and ".join(f"'{rule}'" for rule in self.conditioned)
            said.append(
                f"asked for outright: {rules}; without rules {percent(self.marginal)} of the rows "
                "would be so"
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
    """Rows ``(n, F)`` of which every one obeys all clauses.

    Row n is the first of its tries that obeys; try k depends on the seed, on n and on k alone, so
    that neither the count nor other rows matter.

    Args:
        sampler: The model.
        clauses: To obey.
        rows: Their numbers.
        conditions: As for ``RowSampler.drawn``.
        seed: Of everything.
        obeyed: Is told what was drawn.

    Raises:
        ConfigError: if hardly any row obeys, naming the rule that most break.
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
        # As many tries at once as there were before: hardly more than needed, yet few rounds.
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
