"""Scores that need labels: do samples of a class look like it, and can one learn from them?"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Predict = Callable[[Tensor], Tensor]
"""Samples ``(B, *shape)`` to class numbers ``(B,)``."""

Train = Callable[[Tensor, Tensor], Predict]
"""Samples ``(N, *shape)`` and labels ``(N,)`` to a trained classifier."""


def correct(predict: Predict, samples: Tensor, labels: Tensor) -> tuple[int, int]:
    """Right calls among the samples with known labels (not -1), and how many those are.

    Of generated samples and asked-for classes this is the class accuracy; it needs a classifier
    that was trained on reals.
    """
    known = labels >= 0
    if not bool(known.any()):
        return 0, 0
    return int((predict(samples[known]) == labels[known]).sum()), int(known.sum())


def learnt(
    train: Train, samples: Tensor, labels: Tensor, real: Tensor, real_labels: Tensor
) -> tuple[int, int]:
    """Train on some samples, test on reals: right calls and tests.

    Of fakes this is train-on-fake/test-on-real; of as many training reals it is what the fakes
    could reach at best.

    Args:
        train: The same procedure for fakes and reals.
        samples: ``(N, *shape)``, fake or real.
        labels: ``(N,)``; -1 where not known.
        real: ``(M, *shape)`` held-out reals.
        real_labels: ``(M,)``; -1 where not known.

    Source: Esteban, Hyland and Raetsch 2017, arXiv:1706.02633, sec. 4.2 (TSTR).
    """
    return correct(train(samples, labels), real, real_labels)


def majority(labels: Tensor) -> float:
    """Accuracy of always naming the commonest class, 0..1; 0 if no label is known.

    >>> import torch
    >>> majority(torch.tensor([1, 1, 0, -1]))
    0.6666666666666666
    """
    known = labels[labels >= 0]
    return int(known.bincount().max()) / len(known) if len(known) else 0.0
