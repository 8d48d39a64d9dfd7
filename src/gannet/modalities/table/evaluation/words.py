"""What the scores of tables say of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from gannet.core.scores import ABOUT, About, documented

NEARER = "**Memorised**: a share of {interval} lies nearer to training rows; 0.5 is fair."

WORDS: Mapping[str, About] = {
    "fresh critic": ABOUT["fresh critic"],
    "train on fake": ABOUT["train on fake"],
    "hidden numbers": documented(
        "hidden numbers",
        "error of numbers that were hidden and filled, in standard deviations of their column; "
        "filling in the mean gets about 1",
    ),
    "hidden categories": documented(
        "hidden categories", "share of hidden words that were filled wrongly"
    ),
    "interval coverage": documented(
        "interval coverage",
        "share of hidden numbers within nine tenths of the draws; .9 says that draws are as unsure "
        "as they should be",
    ),
    "train on fake F1": documented(
        "train on fake F1", "the same classifier's F1, the mean over classes"
    ),
    "marginals": documented(
        "marginals", "what each column's distribution has in common with that of reals, 0 to 1"
    ),
    "missing shares": documented(
        "missing shares", "by how much the shares of missing cells differ"
    ),
    "dependence": documented(
        "dependence",
        "how much of the dependence among columns is kept; shuffled columns keep none",
    ),
    "pair trends": documented(
        "pair trends", "likeness of pairs that hang together; shuffled columns score well too"
    ),
    "critic auc": documented(
        "critic auc", "how well a fresh classifier ranks reals above fakes; 0.5 is a coin"
    ),
    "nearer to training": documented(
        "nearer to training",
        "share of fakes nearer to training than to held-out rows; 0.5 is fair",
        "privacy",
        NEARER,
    ),
    "exact copies": documented(
        "exact copies",
        "share of fakes equal to a training row; floor: held-out rows that are",
        "privacy",
        "**Copies**: {value:.1%} of fakes equal a training row; chance explains {floor:.1%}.",
    ),
    "membership attack": documented(
        "membership attack",
        "AUC with which fakes give away who was trained on; 0.5 is nothing",
        "privacy",
        "**Memorised**: an attacker finds training rows with an AUC of {interval}.",
    ),
    "disclosure": documented(
        "disclosure",
        "how much better fakes tell a column of training rows than of strangers",
        "privacy",
        "**Disclosed**: fakes tell {of} of training rows better, by {interval}.",
    ),
}
"""By the name of a score without what stands in brackets."""
