"""Results of an evaluation: scores with intervals, references and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict

from gannet.core.errors import ConfigError
from gannet.core.io.training_log import TrainingLog

ScoreRole = Literal[
    "",
    "detection",
    "shortfall",
    "excess",
    "duplicate rate",
    "memorization",
    "privacy",
    "target",
    "variety",
]
"""How the summary uses a score.

- ``detection``: how well a new classifier tells fakes from reals (C2ST);
- ``shortfall``: warns below 80 % of its reference (real against real);
- ``excess``: warns above 10 % and its reference;
- ``privacy``: warns of disclosed training rows above its reference and chance level;
- ``duplicate rate``, ``memorization``: warn of duplicates and of memorized samples;
- ``target``: distance of an output from its target;
- ``variety``: diversity of the outputs for one input.
"""


class About(TypedDict):
    """Description of a score: fields of a ``Score``.

    Attributes:
        meaning: What it measures, in one line.
        page: Of the documentation, that explains it; empty for none.
        role: How the summary uses it.
        warning: Text of the summary for a bad value; may hold ``{value}``, ``{reference}`` (the
            reference), both with a format, ``{interval}``, and ``{of}``: the text in brackets
            after the name.
    """

    meaning: str
    page: str
    role: ScoreRole
    warning: str


def documented(name: str, meaning: str, role: ScoreRole = "", warning: str = "") -> About:
    """Describe a score that has a page in gannet's documentation.

    >>> documented("oversmoothed", "fraction of images smoother than reals")["page"]
    'docs/scores/oversmoothed.md'
    """
    page = f"docs/scores/{name.lower().replace(' ', '-')}.md"
    return About(meaning=meaning, page=page, role=role, warning=warning)


ABOUT: Mapping[str, About] = MappingProxyType(
    {
        "fid": documented(
            "fid", "distance between the two sets, each taken as a Gaussian, in Inception features"
        ),
        "frechet": documented(
            "frechet",
            "distance between the two sets, each taken as one Gaussian; biased by the sample size",
        ),
        "kid": documented("kid", "distance between the two sets up to third moments; 0 when equal"),
        "energy": documented(
            "energy", "distance between the two sets that sees any difference; 0 when equal"
        ),
        "precision": documented(
            "precision",
            "fraction of fakes that lie among reals: how believable they are",
            "shortfall",
            "Many fakes are not believable: {value:.0%} lie among reals ({reference:.0%} is "
            "possible).",
        ),
        "recall": documented(
            "recall", "fraction of reals that lie among fakes: how much variety is reached"
        ),
        "density": documented("density", "how deep among reals the fakes lie; about 1 when equal"),
        "coverage": documented(
            "coverage",
            "fraction of reals with a fake close by: how little is missing",
            "shortfall",
            "Variety is missing: only {value:.0%} of real samples have a fake close by "
            "({reference:.0%} is possible).",
        ),
        "c2st accuracy": documented(
            "c2st accuracy",
            "accuracy of a new classifier that tells fakes from reals; 0.5 is chance level",
            "detection",
        ),
        "memorization": documented(
            "memorization",
            "fraction of fakes suspiciously close to one training sample",
            "memorization",
        ),
        "duplicate rate": documented(
            "duplicate rate", "fraction of fakes suspiciously close to another", "duplicate rate"
        ),
        "feature distance": documented(
            "feature distance",
            "distance of outputs from their targets; 1 is that of two different targets",
            "target",
        ),
        "diversity": documented(
            "diversity",
            "distance between two outputs for one input; 0 if noise changes nothing",
            "variety",
        ),
        "domain gap closed": documented(
            "domain gap closed",
            "fraction of the distance from the input to the target domain that is closed",
        ),
        "class accuracy": documented(
            "class accuracy", "fraction of fakes that a classifier assigns to their own class"
        ),
        "tstr": documented(
            "tstr",
            "accuracy (of tables: AUC) on reals of a classifier that learnt from fakes",
        ),
    }
)
"""Descriptions of the scores that samples of any kind may have."""


class Component(BaseModel):
    """One of the values that a score is the mean of, such as that of a column.

    Attributes:
        name: Of the column, or the pair of columns.
        value: Of fakes against held-out reals.
        reference: The same with further reals in place of the fakes (real against real).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    reference: float


class Score(BaseModel):
    """One number with what is needed to judge it.

    Attributes:
        name: Of the metric, and in brackets of the features or the column.
        value: Of fakes against held-out reals.
        low: Lower end of the 95 % interval.
        high: Upper end.
        reference: The same with as many further reals in place of the fakes (real against real):
            the best that can be expected.
        reference_low: Lower end of its interval.
        reference_high: Upper end.
        samples: In each set; for fractions, the number of trials.
        better: Whether low or high values are good.
        baseline: The same with samples of a trivial method in place of the fakes; the report says
            which.
        baseline_name: The trivial method, where it is another than the report's.
        chance_level: Chance level: the value of random guessing, where that is defined.
        upper_bound: The value of all training reals, where they are more than there are fakes.
        components: Values that it is the mean of, those worst against their reference first; not
            all of them.
        half_sample_values: Values on random halves of both sets, the same for equal counts and
            seeds, so that two generators can be compared half by half; empty where the interval
            does not come from them.
        seed_values: Value of each training run, where it is the mean over several.
        meaning: What it measures, in one line; see ``About``, as for the next three.
        page: Of the documentation.
        role: How the summary uses it.
        warning: Text of the summary for a bad value.
        how: How it was measured, for the protocol; empty where the protocol says so already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    low: float
    high: float
    reference: float
    reference_low: float
    reference_high: float
    samples: int
    better: Literal["low", "high"]
    baseline: float | None = None
    baseline_name: str = ""
    chance_level: float | None = None
    upper_bound: float | None = None
    components: tuple[Component, ...] = ()
    half_sample_values: tuple[float, ...] = ()
    seed_values: tuple[float, ...] = ()
    meaning: str = ""
    page: str = ""
    role: ScoreRole = ""
    warning: str = ""
    how: str = ""

    @property
    def at_reference(self) -> bool:
        """Whether it is indistinguishable from reals, or better: the intervals overlap."""
        if self.better == "low":
            return self.low <= self.reference_high
        return self.high >= self.reference_low

    @property
    def beaten(self) -> Literal["no", "tied", "yes"]:
        """Whether the baseline is better than the interval (yes) or within it (tied)."""
        if self.baseline is None or self.at_reference:
            return "no"
        if self.low <= self.baseline <= self.high:
            return "tied"
        return "yes" if (self.baseline < self.low) == (self.better == "low") else "no"


class NearestPair(BaseModel):
    """A fake and the training sample nearest to it.

    Attributes:
        fake: Row among the fakes that were scored.
        train: Row of the training data.
        distance: Between them.
        ratio: Distance over the mean of those to the next ten; near 0 for a memorized sample.
        suspect: Whether 99 % of held-out reals are further from training data.
        fake_cells: Cells of the fake as text, one for each of the report's ``columns``; empty for
            images and other data that are shown.
        train_cells: The same of the training sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fake: int
    train: int
    distance: float
    ratio: float
    suspect: bool
    fake_cells: tuple[str, ...] = ()
    train_cells: tuple[str, ...] = ()


class TrainingDistance(BaseModel):
    """Distances to the nearest training sample (DCR), of fakes and of held-out reals.

    Attributes:
        metric: Name of the distance.
        levels: Quantile levels, rising in 0..1.
        fake: Quantiles of the distances of fakes.
        held_out: Quantiles of the distances of held-out reals, which cannot be memorized.
        searched: Number of training samples that were searched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    levels: tuple[float, ...]
    fake: tuple[float, ...]
    held_out: tuple[float, ...]
    searched: int


class Histogram(BaseModel):
    """Histograms of one column, of reals and of fakes.

    Attributes:
        name: Of the column.
        kind: ``number``: bins between edges; ``category``: bins of one value each; ``class``:
            classes predicted by a classifier of reals; ``cluster``: clusters of reals, found
            without labels.
        bins: Names of the bins.
        real: Fraction of held-out cells in each; with missing and omitted cells they sum to 1.
        fake: The same of fakes.
        samples: In each set; 0 if unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["number", "category", "class", "cluster"]
    bins: tuple[str, ...]
    real: tuple[float, ...]
    fake: tuple[float, ...]
    samples: int = 0

    @property
    def gap(self) -> float:
        """Total variation distance, 0 to 1: the fraction that would have to be moved."""
        return sum(abs(a - b) for a, b in zip(self.real, self.fake, strict=True)) / 2


class Report(BaseModel):
    """All scores of one generator, and how they were measured.

    Attributes:
        artifact: The evaluated model or file.
        data: The data set.
        scores: In a fixed order.
        suspects: Fakes nearest to training samples, the most suspect first.
        examples: The first fakes, not selected, each with its nearest training sample.
        training_distance: Distances of all fakes to training samples.
        columns: Names of the cells of pairs.
        histograms: Of the columns, the worst first; not all of very many.
        seed: Of fakes, subsets and classifiers.
        gannet: Version.
        protocol: How it was measured, in sentences.
        baseline: The trivial method that scores are compared with.
        training_log: How it was trained, and at what cost; ``None`` if unknown.
        seconds: Time of the evaluation; 0 if unknown.
        conditional: Whether the fakes are conditional outputs: for held-out images, or for
            hidden cells.
        seeds: Of the training runs that scores are the mean over; empty for a single run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifact: str
    data: str
    scores: tuple[Score, ...]
    suspects: tuple[NearestPair, ...]
    seed: int
    gannet: str
    protocol: tuple[str, ...]
    baseline: str = "Gaussian"
    examples: tuple[NearestPair, ...] = ()
    training_distance: TrainingDistance | None = None
    columns: tuple[str, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    training_log: TrainingLog | None = None
    seconds: float = 0.0
    conditional: bool = False
    seeds: tuple[int, ...] = ()

    @property
    def sample_noun(self) -> str:
        """What samples are called in the report."""
        return "answers" if self.conditional else "fakes"

    @property
    def perfect(self) -> bool:
        """Whether the reference of each score is a perfect output, not further reals."""
        return self.conditional and not any(score.baseline_name for score in self.scores)

    def score(self, name: str) -> Score:
        """The first score of that name, with or without the text in brackets.

        Raises:
            ConfigError: if there is none.
        """
        for each in self.scores:
            if name in (each.name, each.name.partition("[")[0]):
                return each
        names = ", ".join(each.name for each in self.scores)
        raise ConfigError(f"no score {name!r}", remedy=f"This report has: {names}.")
