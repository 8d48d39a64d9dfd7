"""What the scores of tables say of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from gannet.core.scores import ABOUT, About, documented

NEARER = "**Memorised**: a share of {interval} lies nearer to training rows; 0.5 is fair."

WORDS: Mapping[str, About] = {
    "c2st accuracy": ABOUT["c2st accuracy"],
    "tstr": ABOUT["tstr"],
    "imputation rmse": documented(
        "imputation rmse",
        "error of numbers that were hidden and filled, in standard deviations of their column; "
        "filling in the mean gets about 1",
    ),
    "imputation error rate": documented(
        "imputation error rate", "share of hidden words that were filled wrongly"
    ),
    "interval coverage": documented(
        "interval coverage",
        "share of hidden numbers within nine tenths of the draws; .9 says that draws are as unsure "
        "as they should be",
    ),
    "tstr f1": documented("tstr f1", "the same classifier's F1, the mean over classes"),
    "marginals": documented(
        "marginals", "what each column's distribution has in common with that of reals, 0 to 1"
    ),
    "missing rate gap": documented(
        "missing rate gap", "by how much the shares of missing cells differ"
    ),
    "dependence": documented(
        "dependence",
        "how much of the dependence among columns is kept; shuffled columns keep none",
    ),
    "pair trends": documented(
        "pair trends", "likeness of pairs that hang together; shuffled columns score well too"
    ),
    "c2st auc": documented(
        "c2st auc", "how well a fresh classifier ranks reals above fakes; 0.5 is a coin"
    ),
    "dcr share": documented(
        "dcr share",
        "share of fakes nearer to training than to held-out rows; 0.5 is fair",
        "privacy",
        NEARER,
    ),
    "exact duplicates": documented(
        "exact duplicates",
        "share of fakes equal to a training row; floor: held-out rows that are",
        "privacy",
        "**Copies**: {value:.1%} of fakes equal a training row; chance explains {floor:.1%}.",
    ),
    "membership inference": documented(
        "membership inference",
        "AUC with which fakes give away who was trained on; 0.5 is nothing",
        "privacy",
        "**Memorised**: an attacker finds training rows with an AUC of {interval}.",
    ),
    "attribute inference": documented(
        "attribute inference",
        "how much better fakes tell a column of training rows than of strangers",
        "privacy",
        "**Disclosed**: fakes tell {of} of training rows better, by {interval}.",
    ),
}
"""By the name of a score without what stands in brackets."""
