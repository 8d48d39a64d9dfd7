"""Descriptions of the scores of tables."""

from __future__ import annotations

from collections.abc import Mapping

from gannet.core.scores import ABOUT, About, documented

NEARER = "**Memorised**: a fraction of {interval} lies nearer to training rows; 0.5 is ideal."

DESCRIPTIONS: Mapping[str, About] = {
    "c2st accuracy": ABOUT["c2st accuracy"],
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
    "c2st auc": documented(
        "c2st auc", "how well a new classifier ranks reals above fakes; 0.5 is chance"
    ),
    "dcr share": documented(
        "dcr share",
        "fraction of fakes nearer to training than to held-out rows; 0.5 is ideal",
        "privacy",
        NEARER,
    ),
    "exact duplicates": documented(
        "exact duplicates",
        "fraction of fakes equal to a training row; reference: held-out rows that are",
        "privacy",
        "**Copies**: {value:.1%} of fakes equal a training row; chance explains {reference:.1%}.",
    ),
    "membership inference": documented(
        "membership inference",
        "AUC of an attack that tells training rows from others by the fakes; 0.5 is chance",
        "privacy",
        "**Memorised**: an attacker finds training rows with an AUC of {interval}.",
    ),
    "attribute inference": documented(
        "attribute inference",
        "how much better fakes predict a column of training rows than of held-out rows",
        "privacy",
        "**Disclosed**: fakes predict {of} of training rows better, by {interval}.",
    ),
}
"""Score name, without what is in brackets -> its description."""
