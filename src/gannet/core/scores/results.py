"""Results of an evaluation: scores with intervals, references and baselines."""

from __future__ import annotations

import html
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gannet.core.errors import ConfigError
from gannet.core.io.training_log import TrainingLog
from gannet.core.scores.about import ENDS, ScoreRole
from gannet.core.scores.figure import figure_of

FAIR_AUC = 0.56
"""AUC, or accuracy, of the strongest classifier from which on samples are told from reals."""

Departure = Literal["like reals", "too low", "too high"]
"""Where a score lies beside its reference."""


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
        ends: What a value below its reference is called, and one above; an empty word means that
            this end is no departure.
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
    ends: tuple[str, str] = ENDS
    how: str = ""

    @property
    def departure(self) -> Departure:
        """On which side of its reference it lies; like reals where the intervals overlap.

        Of a test whose reals are at chance level, reals are what chance explains.
        """
        if self.ends[0] and self.high < self.reference_low:
            return "too low"
        limit = self.reference_high
        if not self.ends[0] and self.chance_level is not None:
            limit = self.chance_level if self.reference_low <= self.chance_level else limit
        return "too high" if self.ends[1] and self.low > limit else "like reals"

    @property
    def unclear(self) -> bool:
        """Whether it only seems like reals, for want of samples.

        It lies off the interval of its reference, and its own is so wide that it overlaps anyway:
        more than twice as wide.
        """
        usual = self.reference_high - self.reference_low
        off = not self.reference_low <= self.value <= self.reference_high
        return self.at_reference and off and 0 < 2 * usual < self.high - self.low

    @property
    def departure_text(self) -> str:
        """Its departure in words: ``like reals``, ``differs: too smooth``."""
        match self.departure:
            case "like reals":
                return "unclear: too few samples" if self.unclear else "like reals"
            case _:
                return f"differs: {self.end}"

    @property
    def end(self) -> str:
        """Its departure in a word or two: ``too smooth``; empty where it does not depart."""
        return "" if self.at_reference else self.ends[self.departure == "too high"]

    @property
    def at_reference(self) -> bool:
        """Whether it is like reals: it departs from its reference neither way."""
        return self.departure == "like reals"

    @property
    def beyond_reference(self) -> bool:
        """Whether it departs on the good side: better than other reals, which is no praise."""
        return self.departure == f"too {self.best}"

    @property
    def best(self) -> Literal["low", "high", "reference"]:
        """The best values: low or high ones, or those nearest to the reference."""
        return "reference" if self.role in ("ratio", "spread") else self.better

    @property
    def beaten(self) -> Literal["no", "tied", "yes"]:
        """Whether the baseline is better than the interval (yes) or within it (tied)."""
        if self.baseline is None or self.at_reference or self.beyond_reference:
            return "no"
        if self.low <= self.baseline <= self.high:
            return "tied"
        if self.best == "reference":
            end = self.low if self.departure == "too high" else self.high
            nearer = abs(self.baseline - self.reference) < abs(end - self.reference)
            return "yes" if nearer else "no"
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


class FeatureFitness(BaseModel):
    """What some features could tell of reals, before any fake was looked at.

    Attributes:
        name: Of the features, with their hash.
        used: Whether the scores are measured in them.
        fit: Whether they can tell enough for that.
        detected: What they tell reals from, well above chance; ``classes`` for those of the labels.
        missed: What they do not, and others do.
        reason: Why they are not fit; empty if they are.
        samples: Reals that were looked at.
        scores: Few scores of the fakes in these features, on equal samples for all features, to
            see where they disagree.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    used: bool
    fit: bool
    detected: tuple[str, ...]
    missed: tuple[str, ...]
    reason: str
    samples: int
    scores: tuple[Score, ...] = ()


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
        noun: What one sample and many are called.
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
        features: What each make of features could tell, the most wanted first; empty where scores
            need none.
        digest: Of the data; reports of other data are not overwritten. Empty if unknown.
        notes: What must be known of the data, such as samples that were left out.
        training_samples: Samples that the generator was trained on; 0 if unknown.
        two_sample_test: Record of the two-sample test (``TwoSampleResult.record``); empty for none.
        weights: Digest of the networks that were scored; empty if unknown.
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
    noun: tuple[str, str] = ("sample", "samples")
    histograms: tuple[Histogram, ...] = ()
    training_log: TrainingLog | None = None
    seconds: float = 0.0
    conditional: bool = False
    seeds: tuple[int, ...] = ()
    features: tuple[FeatureFitness, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = ()
    two_sample_test: dict[str, Any] = {}
    training_samples: int = 0
    weights: str = ""

    @property
    def unfit_features(self) -> str:
        """Why no features could be relied on; empty if some could, or none were needed."""
        if any(each.used and each.fit for each in self.features):
            return ""
        return "; ".join(f"{each.name}: {each.reason}" for each in self.features if each.reason)

    @property
    def sample_noun(self) -> str:
        """What samples are called in the report."""
        return "answers" if self.conditional else "fakes"

    @property
    def perfect(self) -> bool:
        """Whether the reference of each score is a perfect output, not further reals."""
        return self.conditional and not any(score.baseline_name for score in self.scores)

    @property
    def distinguished(self) -> bool:
        """Whether a two-sample test tells fakes from reals, and not by a hair."""
        tests = (score for score in self.scores if score.role == "detection")
        return any(test.departure == "too high" and test.value >= FAIR_AUC for test in tests)

    def outcome(self, score: Score) -> str:
        """What one of the scores found, in words; the two-sample test outranks all others.

        Where that tells fakes from reals, a score that does not depart has not seen the difference.
        """
        if score.unclear or not score.at_reference:
            return score.departure_text
        if self.perfect:
            return "like perfect"
        return "sees no difference" if self.distinguished else score.departure_text

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

    def figure(self) -> Any:
        """The scores as one figure of matplotlib (extra ``report``).

        Raises:
            MissingExtraError: if matplotlib is not installed.
        """
        return figure_of(self)

    def _repr_html_(self) -> str:
        """For notebooks: a table of the scores."""
        rows = [
            f"<tr><td>{html.escape(each.name)}</td><td>{each.value:.4g}</td>"
            f"<td>{each.low:.4g} to {each.high:.4g}</td><td>{each.reference:.4g}</td></tr>"
            for each in self.scores
        ]
        head = "<tr><th>score</th><th>value</th><th>interval</th><th>reference</th></tr>"
        title = html.escape(f"{self.artifact} on {self.data}")
        return f"<table><caption>{title}</caption>{head}{''.join(rows)}</table>"

    def __repr__(self) -> str:
        return f"<gannet report: {self.artifact} on {self.data}, {len(self.scores)} scores>"
