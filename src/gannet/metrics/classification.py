"""Scores that need labels: class accuracy and train on synthetic, test on real (TSTR)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Predict = Callable[[Tensor], Tensor]
"""Samples ``(B, *shape)`` to class indices ``(B,)``."""

Train = Callable[[Tensor, Tensor], Predict]
"""Samples ``(N, *shape)`` and labels ``(N,)`` to a trained classifier."""


def correct(predict: Predict, samples: Tensor, labels: Tensor) -> tuple[int, int]:
    """Correct predictions among the labelled samples (label not -1), and how many are labelled.

    For generated samples and their requested classes this is the class accuracy; the classifier
    must have been trained on reals.
    """
    labeled = labels >= 0
    if not bool(labeled.any()):
        return 0, 0
    return int((predict(samples[labeled]) == labels[labeled]).sum()), int(labeled.sum())


def train_and_test(
    train: Train, samples: Tensor, labels: Tensor, real: Tensor, real_labels: Tensor
) -> tuple[int, int]:
    """Train on some samples, test on reals: correct predictions and number of tests.

    With fakes this is train on synthetic, test on real (TSTR); with as many training reals it is
    the upper bound for the fakes.

    Args:
        train: The same procedure for fakes and reals.
        samples: ``(N, *shape)``, fake or real.
        labels: ``(N,)``; -1 where unknown.
        real: ``(M, *shape)`` held-out reals.
        real_labels: ``(M,)``; -1 where unknown.

    Source: Esteban, Hyland and Raetsch 2017, arXiv:1706.02633, sec. 4.2 (TSTR).
    """
    return correct(train(samples, labels), real, real_labels)


def majority(labels: Tensor) -> float:
    """Accuracy of always predicting the most frequent class, 0..1; 0 if no label is known.

    >>> import torch
    >>> majority(torch.tensor([1, 1, 0, -1]))
    0.6666666666666666
    """
    labeled = labels[labels >= 0]
    return int(labeled.bincount().max()) / len(labeled) if len(labeled) else 0.0
