"""What an evaluation says: scores with all that is needed to judge them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from gannet.errors import ConfigError


class Part(BaseModel):
    """One of the things that a score is the mean of, such as a column.

    Attributes:
        name: Of the column, or the pair of columns.
        value: Of fakes against held-out reals.
        floor: The same with further reals in place of the fakes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    floor: float


class Score(BaseModel):
    """One number with what is needed to judge it.

    Attributes:
        name: Of the metric, and in brackets of what it looks at.
        value: Of fakes against held-out reals.
        low: Lower end of the 95 % interval.
        high: Upper end.
        floor: The same with as many further reals in place of the fakes: as good as can be hoped.
        floor_low: Lower end of its interval.
        floor_high: Upper end.
        samples: On each side; for shares, the number of trials.
        better: Which end is good.
        baseline: The same with samples of a trivial method in place of the fakes; the report says
            which.
        chance: What guessing gets, where that means something.
        ceiling: What all training reals would get, where they are more than there are fakes.
        parts: What it is the mean of, the worst against their floor first; not all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    low: float
    high: float
    floor: float
    floor_low: float
    floor_high: float
    samples: int
    better: Literal["low", "high"]
    baseline: float | None = None
    chance: float | None = None
    ceiling: float | None = None
    parts: tuple[Part, ...] = ()

    @property
    def at_floor(self) -> bool:
        """Whether it cannot be told from reals, or is better: the intervals touch."""
        if self.better == "low":
            return self.low <= self.floor_high
        return self.high >= self.floor_low


class Pair(BaseModel):
    """A fake and the training sample nearest to it.

    Attributes:
        fake: Row among the fakes that were scored.
        train: Row of the training data.
        distance: Between them.
        ratio: Distance over the mean of those to the next ten; near 0 for a copy.
        suspect: Whether 99 % of held-out reals lie further from training data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fake: int
    train: int
    distance: float
    ratio: float
    suspect: bool


class Report(BaseModel):
    """All scores of one generator, and how they were made.

    Attributes:
        artefact: What was scored.
        data: On what.
        scores: In a fixed order.
        closest: Fakes nearest to training samples, the most suspect first.
        seed: Of fakes, subsets and critics.
        gannet: Version.
        protocol: How, in sentences.
        baseline: The trivial method that scores are compared with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artefact: str
    data: str
    scores: tuple[Score, ...]
    closest: tuple[Pair, ...]
    seed: int
    gannet: str
    protocol: tuple[str, ...]
    baseline: str = "Gaussian"

    def score(self, name: str) -> Score:
        """The first score of that name, with or without what stands in brackets.

        Raises:
            ConfigError: if there is none.
        """
        for each in self.scores:
            if name in (each.name, each.name.partition("[")[0]):
                return each
        known = ", ".join(each.name for each in self.scores)
        raise ConfigError(f"no score {name!r}", remedy=f"This report has: {known}.")
