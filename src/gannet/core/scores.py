"""What an evaluation says: scores with all that is needed to judge them."""

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
"""How a verdict uses a score: ``detection`` says how well a fresh classifier tells fakes;
``shortfall`` is a share that is missed below four fifths of its floor, ``excess`` one that is
too large beyond a tenth and its floor, ``privacy`` one that gives away training rows beyond its
floor and chance: each with a ``warning``. ``duplicate rate`` and ``memorization`` look for
those, ``target`` compares with what a sample should be, ``variety`` says how unlike outputs for
one input are.
"""


class About(TypedDict):
    """What a score says of itself: fields of a ``Score``.

    Attributes:
        meaning: What it says, in one line, of fakes.
        page: Of the documentation, that explains it; empty for none.
        role: How a verdict uses it.
        warning: What a verdict says where it is bad; may hold ``{value}``, ``{floor}``, both with
            a format, ``{interval}``, and ``{of}``: what stands in brackets behind the name.
    """

    meaning: str
    page: str
    role: ScoreRole
    warning: str


def documented(name: str, meaning: str, role: ScoreRole = "", warning: str = "") -> About:
    """About a score that has a page of our documentation.

    >>> documented("oversmoothed", "share of images smoother than reals")["page"]
    'docs/scores/oversmoothed.md'
    """
    page = f"docs/scores/{name.lower().replace(' ', '-')}.md"
    return About(meaning=meaning, page=page, role=role, warning=warning)


ABOUT: Mapping[str, About] = MappingProxyType(
    {
        "fid": documented(
            "fid", "distance between the two heaps, each taken as a Gaussian, in Inception features"
        ),
        "frechet": documented(
            "frechet",
            "distance between the two heaps, each taken as one Gaussian; biased by the count",
        ),
        "kid": documented(
            "kid", "distance between the two heaps up to third moments; 0 when alike"
        ),
        "energy": documented(
            "energy", "distance between the two heaps that sees any difference; 0 when alike"
        ),
        "precision": documented(
            "precision",
            "share of fakes that lie among reals: how believable they are",
            "shortfall",
            "Many fakes are not believable: {value:.0%} lie among reals ({floor:.0%} is possible).",
        ),
        "recall": documented(
            "recall", "share of reals that lie among fakes: how much variety is reached"
        ),
        "density": documented("density", "how deep among reals the fakes lie; about 1 when alike"),
        "coverage": documented(
            "coverage",
            "share of reals with a fake close by: how little is missing",
            "shortfall",
            "Variety is missing: only {value:.0%} of real samples have a fake close by "
            "({floor:.0%} is possible).",
        ),
        "c2st accuracy": documented(
            "c2st accuracy",
            "accuracy of a new classifier that tells fakes from reals; 0.5 is a coin",
            "detection",
        ),
        "memorization": documented(
            "memorization", "share of fakes oddly near to one training sample", "memorization"
        ),
        "duplicate rate": documented(
            "duplicate rate", "share of fakes oddly near to another fake", "duplicate rate"
        ),
        "feature distance": documented(
            "feature distance",
            "how unlike answers are to what they should be; 1 is as unlike as two different "
            "targets",
            "target",
        ),
        "diversity": documented(
            "diversity",
            "how unlike two answers to one input are; 0 if noise changes nothing",
            "variety",
        ),
        "domain gap closed": documented(
            "domain gap closed",
            "how much of the way from what was given to the wanted heap was gone",
        ),
        "class accuracy": documented(
            "class accuracy", "share of fakes that look like the class they were asked for"
        ),
        "tstr": documented(
            "tstr",
            "accuracy (of tables: AUC) on reals of a classifier that learnt from fakes",
        ),
    }
)
"""What scores say that samples of any kind may have."""


class Component(BaseModel):
    """One of the things that a score is the mean of, such as a column.

    Attributes:
        name: Of the column, or the pair of columns.
        value: Of fakes against held-out reals.
        reference: The same with further reals in place of the fakes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    reference: float


class Score(BaseModel):
    """One number with what is needed to judge it.

    Attributes:
        name: Of the metric, and in brackets of what it looks at.
        value: Of fakes against held-out reals.
        low: Lower end of the 95 % interval.
        high: Upper end.
        reference: The same with as many further reals in place of the fakes: as good as can be
            hoped.
        reference_low: Lower end of its interval.
        reference_high: Upper end.
        samples: On each side; for shares, the number of trials.
        better: Which end is good.
        baseline: The same with samples of a trivial method in place of the fakes; the report says
            which.
        baseline_name: The trivial method, where it is another than the report's.
        chance: What guessing gets, where that means something.
        upper_bound: What all training reals would get, where they are more than there are fakes.
        components: What it is the mean of, the worst against their floor first; not all of them.
        half_sample_values: The same of random halves of both sides, drawn alike for equal counts
            and seeds, so that two generators scored alike can be compared half by half; empty where
            the interval is not theirs.
        seed_values: Value of each training run, where it is the mean over several.
        meaning: What it says, in one line; see ``About``, as for the next three.
        page: Of the documentation.
        role: How a verdict uses it.
        warning: What a verdict says where it is bad.
        how: How it was measured, for the protocol; empty where that says so already.
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
    chance: float | None = None
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
        """Whether it cannot be told from reals, or is better: the intervals touch."""
        if self.better == "low":
            return self.low <= self.reference_high
        return self.high >= self.reference_low

    @property
    def beaten(self) -> Literal["no", "tied", "yes"]:
        """Whether the baseline does better, beyond the interval, or about as well."""
        if self.baseline is None or self.at_reference:
            return "no"  # what is as good as reals is not compared with anything
        if self.low <= self.baseline <= self.high:
            return "tied"
        return "yes" if (self.baseline < self.low) == (self.better == "low") else "no"


class NearestPair(BaseModel):
    """A fake and the training sample nearest to it.

    Attributes:
        fake: Row among the fakes that were scored.
        train: Row of the training data.
        distance: Between them.
        ratio: Distance over the mean of those to the next ten; near 0 for a copy.
        suspect: Whether 99 % of held-out reals lie further from training data.
        fake_cells: What the fake holds, as text, one for each of the report's ``columns``; empty
            for what is looked at rather than read.
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
    """How near fakes lie to training samples, beside how near held-out reals lie.

    Attributes:
        metric: What is measured.
        levels: Shares, rising in 0..1.
        fake: Distance below which that share of fakes lies from its nearest training sample.
        held_out: The same of held-out reals, which no generator can have copied.
        searched: Training samples among which the nearest was looked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    levels: tuple[float, ...]
    fake: tuple[float, ...]
    held_out: tuple[float, ...]
    searched: int


class Histogram(BaseModel):
    """How the cells of one column are spread, of reals and of fakes.

    Attributes:
        name: Of the column.
        kind: ``number``: bins between edges; ``category``: bins of one value each; ``class``: the
            classes that a classifier of reals tells, ``heap``: heaps of reals that are alike, found
            without labels.
        bins: Names of the bins.
        real: Share of held-out cells in each; with those missing and left out they make 1.
        fake: The same of fakes.
        samples: On each side; 0 where nobody counted.
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
        """Half the sum of differences of shares: what would have to be moved, 0 to 1."""
        return sum(abs(a - b) for a, b in zip(self.real, self.fake, strict=True)) / 2


class Report(BaseModel):
    """All scores of one generator, and how they were made.

    Attributes:
        artifact: What was scored.
        data: On what.
        scores: In a fixed order.
        suspects: Fakes nearest to training samples, the most suspect first.
        examples: The first fakes there are, not chosen, each with its nearest training sample.
        training_distance: How near all fakes lie to training samples.
        columns: Names of the cells that pairs show.
        histograms: Column by column, the worst first; not all of very many.
        seed: Of fakes, subsets and critics.
        gannet: Version.
        protocol: How, in sentences.
        baseline: The trivial method that scores are compared with.
        training_log: How it was trained, and what that cost; ``None`` where it is not known.
        seconds: What the evaluation took; 0 where nobody measured.
        conditional: Whether the fakes answer something: held-out images, or cells that were
            hidden.
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
        """What samples are called."""
        return "answers" if self.conditional else "fakes"

    @property
    def perfect(self) -> bool:
        """Whether the floor of every score is a perfect answer, and of none further reals."""
        return self.conditional and not any(score.baseline_name for score in self.scores)

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
