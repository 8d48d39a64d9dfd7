"""Descriptions of the scores of tables."""

from __future__ import annotations

from collections.abc import Mapping

from gannet.core.scores import ABOUT, About, documented

NEARER = "**Memorised**: a fraction of {interval} lies nearer to training rows; 0.5 is ideal."

DESCRIPTIONS: Mapping[str, About] = {
    "tstr": ABOUT["tstr"],
    "imputation rmse": documented(
        "imputation rmse",
        "root mean square error of imputed numbers, in standard deviations of their column; the "
        "column's mean gets about 1",
    ),
    "imputation error rate": documented(
        "imputation error rate", "fraction of imputed categories that are wrong"
    ),
    "interval coverage": documented(
        "interval coverage",
        "fraction of true numbers within the 90 % interval of the draws; 0.9 is ideal",
        ends=("draws too alike", "draws too varied"),
    ),
    "tstr f1": documented("tstr f1", "the same classifier's F1, averaged over classes"),
    "marginals": documented(
        "marginals", "similarity of each column's distribution to that of reals, 0 to 1"
    ),
    "missing rate gap": documented(
        "missing rate gap", "difference between the fractions of missing cells"
    ),
    "dependence": documented(
        "dependence",
        "how much of the dependence among columns is kept; shuffled columns keep none",
    ),
    "pair trends": documented(
        "pair trends", "similarity of correlated pairs of columns; shuffled columns score well too"
    ),
    "rule violations": documented(
        "rule violations",
        "fraction of fakes that break a rule, such as start <= end, that all training rows keep",
        "rules",
        "**Rules are broken**: {value:.0%} of the fakes break a rule that all training rows keep "
        "(other reals {reference:.0%}); `gannet inspect` lists them, and how to keep them.",
        ("", "rules broken"),
    ),
    "dcr share": documented(
        "dcr share",
        "fraction of fakes nearer to training than to held-out rows; 0.5 is ideal",
        "privacy",
        NEARER,
        ("", "nearer to training rows"),
    ),
    "exact duplicates": documented(
        "exact duplicates",
        "fraction of fakes equal to a training row; reference: held-out rows that are",
        "privacy",
        "**Copies**: {value:.1%} of fakes equal a training row; chance explains {reference:.1%}.",
        ("", "copied"),
    ),
    "membership inference": documented(
        "membership inference",
        "AUC of an attack that tells training rows from others by the fakes; 0.5 is chance",
        "privacy",
        "**Memorised**: an attacker finds training rows with an AUC of {interval}.",
        ("", "disclosed"),
    ),
    "attribute inference": documented(
        "attribute inference",
        "how much better fakes predict a column of training rows than of held-out rows",
        "privacy",
        "**Disclosed**: fakes predict {of} of training rows better, by {interval}.",
        ("", "disclosed"),
    ),
}
"""Score name, without what is in brackets -> its description."""
