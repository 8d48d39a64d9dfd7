"""What scores mean: one line each, their page, and how a summary uses them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypedDict

ENDS = ("too low", "too high")
"""What a departure is called unless its score says better."""

NEARER_OR_FARTHER = ("nearer than reals", "farther than reals")
"""What a departure of a distance is called."""

ScoreRole = Literal[
    "",
    "detection",
    "shortfall",
    "reach",
    "ratio",
    "spread",
    "excess",
    "rules",
    "duplicate rate",
    "memorization",
    "privacy",
    "target",
    "variety",
]
"""How the summary uses a score.

- ``detection``: how well a new classifier tells fakes from reals (C2ST);
- ``shortfall``: how believable samples are; warns below 80 % of its reference (real against real);
- ``reach``: how much of the reals is reached; warns alike;
- ``ratio``: any number that is positive, where twice its reference is as bad as half of it;
- ``spread``: a ratio of distances or deviations among samples to those among reals;
- ``excess``: warns above 10 % and its reference;
- ``rules``: samples that break what all training data keep, which more training seldom mends; warns
  above its reference;
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
        ends: What a value below its reference is called, and one above; see ``Score.ends``.
    """

    meaning: str
    page: str
    role: ScoreRole
    warning: str
    ends: tuple[str, str]


def documented(
    name: str,
    meaning: str,
    role: ScoreRole = "",
    warning: str = "",
    ends: tuple[str, str] = ENDS,
) -> About:
    """Describe a score that has a page in gannet's documentation.

    >>> documented("oversmoothed", "fraction of images smoother than reals")["page"]
    'docs/scores/oversmoothed.md'
    """
    page = f"docs/scores/{name.lower().replace(' ', '-')}.md"
    return About(meaning=meaning, page=page, role=role, warning=warning, ends=ends)


ABOUT: Mapping[str, About] = MappingProxyType(
    {
        "fid": documented(
            "fid",
            "distance between the two sets, each taken as a Gaussian, in Inception features",
            ends=NEARER_OR_FARTHER,
        ),
        "frechet": documented(
            "frechet",
            "distance between the two sets, each taken as one Gaussian; biased by the sample size",
            ends=NEARER_OR_FARTHER,
        ),
        "kid": documented(
            "kid",
            "distance between the two sets up to third moments; 0 when equal",
            ends=NEARER_OR_FARTHER,
        ),
        "energy": documented(
            "energy",
            "distance between the two sets that sees any difference; 0 when equal",
            ends=NEARER_OR_FARTHER,
        ),
        "precision": documented(
            "precision",
            "fraction of fakes that lie among reals: how believable they are",
            "shortfall",
            "Many fakes are not believable: {value:.0%} lie among reals ({reference:.0%} is "
            "possible).",
            ("not among reals", "too typical"),
        ),
        "recall": documented(
            "recall",
            "fraction of reals that lie among fakes: how much variety is reached",
            "reach",
            "Variety is missing: only {value:.0%} of real samples lie among fakes "
            "({reference:.0%} is possible).",
            ("variety missing", "too scattered"),
        ),
        "density": documented(
            "density",
            "how deep among reals the fakes lie; about 1 when equal",
            "ratio",
            ends=("not among reals", "too crowded"),
        ),
        "coverage": documented(
            "coverage",
            "fraction of reals with a fake close by: how little is missing",
            "reach",
            "Variety is missing: only {value:.0%} of real samples have a fake close by "
            "({reference:.0%} is possible).",
            ("variety missing", "too evenly spread"),
        ),
        "c2st accuracy": documented(
            "c2st accuracy",
            "accuracy of the strongest new classifier that tells fakes from reals; 0.5 is chance "
            "level",
            "detection",
            ends=("", "told from reals"),
        ),
        "c2st auc": documented(
            "c2st auc",
            "how well that classifier ranks reals above fakes; 0.5 is chance level",
            ends=("", "told from reals"),
        ),
        "spread within modes": documented(
            "spread within modes",
            "standard deviation within each mode over that of reals; 1 when equal",
            "spread",
            "**Modes have a wrong width**: within them, fakes vary {value:.2f} times as much as "
            "reals (other reals {reference:.2f} times).",
            ("modes shrunken", "modes too wide"),
        ),
        "neighbor distance": documented(
            "neighbor distance",
            "distance of fakes to their nearest fakes over that of reals to reals; 1 when equal",
            "spread",
            ends=("too crowded", "too scattered"),
        ),
        "outlier rate": documented(
            "outlier rate",
            "fraction of fakes with no real as near as 99 % of reals have one",
            "excess",
            "**Off the data**: {value:.0%} of the fakes lie where no reals are (reals "
            "{reference:.0%}).",
            ("too typical", "off the data"),
        ),
        "memorization": documented(
            "memorization",
            "fraction of fakes suspiciously close to one training sample",
            "memorization",
            ends=("farther than reals", "copied"),
        ),
        "duplicate rate": documented(
            "duplicate rate",
            "fraction of fakes suspiciously close to another",
            "duplicate rate",
            ends=("too evenly spread", "repeated"),
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
            ends=("too alike", "too varied"),
        ),
        "domain gap closed": documented(
            "domain gap closed",
            "fraction of the distance from the input to the target domain that is closed",
            ends=("not far enough", "too far"),
        ),
        "class accuracy": documented(
            "class accuracy",
            "fraction of fakes that a classifier assigns to their own class",
            "shortfall",
            "Classes are mixed up: {value:.0%} of fakes are of their class ({reference:.0%} is "
            "possible).",
            ("classes mixed up", "too typical"),
        ),
        "tstr": documented(
            "tstr",
            "accuracy (of tables: AUC) on reals of a classifier that learnt from fakes",
            ends=("teaches less", "teaches more"),
        ),
    }
)
"""Descriptions of the scores that samples of any kind may have."""
