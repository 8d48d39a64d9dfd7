"""Rejection sampling: each row is resampled until it obeys the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

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
OPTIONAL_TRIES = 32
"""Most tries per row for rules that were not asked for; a row that needs more breaks them."""
ENOUGH = 10_000
"""Resampled rows before the acceptance rate is judged."""


@dataclass
class RejectionStats:
    """Statistics of rejection sampling so far.

    Attributes:
        rows: Rows that were requested.
        first_accepted: Rows accepted at the first try.
        attempts: Total number of tries.
        violated: Clause -> rows that violated it at the first try.
        conditioned: Rules on a single column, which are enforced by conditional sampling.
        marginal: Their joint probability under the model without conditioning.
        default_rules: Rules of the training data that rows keep by themselves.
        given_up: Rows that break a rule of the training data after all tries.
    """

    rows: int = 0
    first_accepted: int = 0
    attempts: int = 0
    violated: dict[str, int] = field(default_factory=dict[str, int])
    conditioned: tuple[str, ...] = ()
    marginal: float = 1.0
    default_rules: tuple[str, ...] = ()
    given_up: int = 0

    def describe(self) -> list[str]:
        """Sentences for users: how much the rules change the distribution."""
        sentences: list[str] = []
        if self.default_rules:
            rules = ", ".join(f"'{rule}'" for rule in self.default_rules)
            sentences.append(
                f"rules of the training data that are kept: {rules}; --ignore-rules lets them go"
            )
        if self.given_up:
            sentences.append(
                f"{self.given_up:,} rows break one of them, for {OPTIONAL_TRIES} draws did not help"
            )
        if self.conditioned:
            rules = " and ".join(f"'{rule}'" for rule in self.conditioned)
            sentences.append(
                f"enforced by conditional sampling: {rules}; without it "
                f"{percent(self.marginal)} of the rows would obey"
            )
        if self.rows and self.violated:
            again = self.rows - self.first_accepted
            sentences.append(
                f"{percent(self.first_accepted / self.rows)} of the rows obeyed at once"
            )
            if again:
                each = self.attempts / self.rows
                sentences[-1] += f", {again:,} were drawn anew; it took {each:.3g} draws per row"
            sentences += [
                f"'{rule}' was broken by {percent(count / self.rows)}"
                for rule, count in self.violated.items()
                if count
            ]
        return sentences


def rejection_sample(
    sampler: RowSampler,
    clauses: Sequence[Clause],
    rows: Sequence[int],
    *,
    optional: Sequence[Clause] = (),
    conditions: Sequence[CellConditions],
    seed: int,
    stats: RejectionStats,
) -> Tensor:
    """Sample rows ``(n, F)`` that all obey every clause, and optional ones if that is not rare.

    Row n is its first try that obeys; try k depends only on the seed, n and k, so neither the
    number of rows nor other rows change it.

    Args:
        sampler: The model.
        clauses: To obey.
        rows: Their numbers.
        optional: Further clauses, which a row may break after ``OPTIONAL_TRIES``.
        conditions: As for ``RowSampler.sample``.
        seed: Of everything.
        stats: Statistics; updated.

    Raises:
        ConfigError: if the acceptance rate is too low, naming the rule that most rows violate.
    """
    tests = partial(_obeyed, sampler, every := [*clauses, *optional])
    samples = sampler.sample_tries({0: rows}, conditions=conditions, seed=seed)
    obeys = tests(samples)
    left = np.flatnonzero(~obeys.all(0))
    stats.rows += len(rows)
    stats.first_accepted += len(rows) - len(left)
    stats.attempts += len(rows) - len(left)
    for clause, mask in zip(every, obeys, strict=True):
        stats.violated[clause.text] = stats.violated.get(clause.text, 0) + int((~mask).sum())
    attempt, draws, hits = 1, 0, 0
    while len(left):
        # Doubling the tries per round wastes few samples and needs few rounds.
        remaining = (OPTIONAL_TRIES if optional else MAX_TRIES) - attempt
        many = min(attempt, max(TOGETHER // len(left), 1), remaining)
        if optional and many < 1:
            stats.given_up += len(left)
            numbers = [rows[at] for at in left.tolist()]
            mine = _without_optional(sampler, clauses, numbers, conditions, seed, stats)
            samples[torch.from_numpy(left)] = mine
            break
        if many < 1 or (not optional and draws >= ENOUGH and hits < MIN_ACCEPTANCE * draws):
            raise _hardly_any(stats, hits, draws)
        numbers = [rows[at] for at in left.tolist()]
        tries = dict.fromkeys(range(attempt, attempt + many), numbers)
        again = sampler.sample_tries(tries, conditions=conditions, seed=seed)
        good = tests(again).all(0).reshape(many, len(left))
        done = good.any(0)
        stats.attempts += int((attempt + 1 + good.argmax(0)[done]).sum())
        attempt, draws, hits = attempt + many, draws + len(again), hits + int(good.sum())
        chosen = torch.from_numpy(good.argmax(0)[done] * len(left) + np.flatnonzero(done))
        samples[torch.from_numpy(left[done])] = again[chosen]
        left = left[~done]
    return samples


def _obeyed(sampler: RowSampler, clauses: Sequence[Clause], rows: Tensor) -> NDArray[np.bool_]:
    """``(clauses, n)`` which encoded rows obey which clause."""
    names = tuple(dict.fromkeys(name for clause in clauses for name in clause.columns))
    frame = sampler.codec.decode_columns(rows, names, sampler.fixed)
    return np.stack([clause.holds(frame) for clause in clauses])


def _without_optional(
    sampler: RowSampler,
    clauses: Sequence[Clause],
    rows: Sequence[int],
    conditions: Sequence[CellConditions],
    seed: int,
    stats: RejectionStats,
) -> Tensor:
    """Samples of rows that obeyed no optional clause; their tries count for all rows."""
    if not clauses:
        return sampler.sample_tries({0: rows}, conditions=conditions, seed=seed)
    inner = RejectionStats()
    samples = rejection_sample(
        sampler, clauses, rows, conditions=conditions, seed=seed, stats=inner
    )
    stats.attempts += inner.attempts
    return samples


def _hardly_any(stats: RejectionStats, hits: int, draws: int) -> ConfigError:
    worst = max(stats.violated, key=lambda rule: stats.violated[rule])
    fraction = stats.violated[worst] / stats.rows
    return ConfigError(
        f"hardly any row obeys the rules: {percent(hits / draws)} of {draws:,} that were drawn "
        f"anew; '{worst}' was broken by {percent(fraction)} of {stats.rows:,} rows",
        where="--constraint",
        remedy="Loosen that rule, ask for less with --given, or train longer.",
    )
