"""Small classifiers that train quickly: for features and for two-sample tests (C2ST).

One network for images of any size and one for vectors; on handwritten digits, the former exceeds
98 % accuracy after half a minute on one processor core.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, pad

from gannet.core.errors import DataError
from gannet.networks.features import Standardizer, fingerprint, in_chunks, shrink

WIDTH = 128
BATCH = 64
PASSES = 12
"""Passes over few samples after which a classifier of labels only learns them by heart."""
LEAST_STEPS = 60
"""Training steps however few samples there are."""
LARGEST_PX = 64
"""Larger images are downscaled first, so that the cost of a step is bounded."""


class SmallNet(nn.Module):
    """A small classifier: non-negative features ``(B, 128)`` and a linear head."""

    head: nn.Linear

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, 128)``, non-negative."""
        raise NotImplementedError

    def augment(self, samples: Tensor, rng: torch.Generator) -> Tensor:  # noqa: ARG002
        """Augment training samples; by default not at all."""
        return samples

    def forward(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to logits ``(B, K)``."""
        logits: Tensor = self.head(self.features(samples))
        return logits


class ConvNet(SmallNet):
    """Four or five convolutions, two linear layers; images ``(B, C, H, W)`` of any size."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        widths, strides = [32, 64, 96, WIDTH], [2, 2, 2, 1]
        if max(height, width) > 32:
            widths, strides = [16, *widths], [2, *strides]
        if max(height, width) <= 16:
            strides[0] = 1
        layers: list[nn.Module] = []
        for size, after, stride in zip([5, 3, 3, 3, 3], widths, strides, strict=False):
            layers += [nn.Conv2d(channels, after, size, stride, size // 2, bias=False)]
            layers += [nn.BatchNorm2d(after), nn.ReLU()]
            channels = after
        self.body = nn.Sequential(*layers)
        self.neck = nn.Linear(4 * WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, classes)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, 128)``, non-negative."""
        x: Tensor = self.body(shrink(samples, LARGEST_PX))
        neck: Tensor = self.neck(adaptive_avg_pool2d(x, 2).flatten(1))
        return neck.relu()

    def augment(self, samples: Tensor, rng: torch.Generator) -> Tensor:
        """Images, each randomly shifted by up to 1/14 of the longer side."""
        max_shift = max(samples.shape[2:]) // 14
        return shifted(samples, max_shift, rng) if max_shift else samples


class RowNet(SmallNet):
    """Three linear layers over vectors, standardised by the training samples."""

    def __init__(self, rows: Tensor, classes: int) -> None:
        super().__init__()
        flat = rows.flatten(1).float()
        scale = Standardizer(flat)
        self.register_buffer("mean", scale.mean)
        self.register_buffer("std", scale.std)
        self._scale = scale
        layers: list[nn.Module] = []
        for before in (flat.shape[1], WIDTH):
            layers += [nn.Linear(before, WIDTH, bias=False), nn.BatchNorm1d(WIDTH), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTH, classes)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, 128)``, non-negative."""
        rows: Tensor = self.body(self._scale(samples.flatten(1).float()))
        return rows


BuildClassifier = Callable[[Tensor, int], SmallNet]
"""Training samples ``(N, *shape)`` and the number of classes to an untrained classifier."""


def conv_net(samples: Tensor, classes: int) -> SmallNet:
    """The network for images ``(N, C, H, W)``."""
    network = ConvNet(tuple(samples.shape[1:]), classes)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):  # twice as fast on a processor
            last = torch.channels_last
            layer.weight.data = layer.weight.data.contiguous(memory_format=last)
    return network


def small_net(
    samples: Tensor, classes: int, *, seed: int, build: BuildClassifier = RowNet
) -> SmallNet:
    """An untrained classifier of samples ``(N, *shape)``, initialised from ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(samples, classes)


def shifted(images: Tensor, max_shift: int, rng: torch.Generator) -> Tensor:
    """Shift each image ``(B, C, H, W)`` at random by up to ``max_shift`` pixels; edges repeat."""
    count, _, height, width = images.shape
    padded = pad(images, (max_shift,) * 4, mode="replicate")
    moves = torch.randint(0, 2 * max_shift + 1, (2, count, 1), generator=rng)
    down = (moves[0] + torch.arange(height))[:, None, :, None]
    right = (moves[1] + torch.arange(width))[:, None, None, :]
    channels = torch.arange(images.shape[1])[:, None, None]
    return padded[torch.arange(count)[:, None, None, None], channels, down, right]


def fit(
    network: SmallNet,
    samples: Tensor,
    labels: Tensor,
    *,
    steps: int,
    seed: int,
    seconds: float = math.inf,
    watch: Callable[[int], bool] = lambda _: False,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> None:
    """Train a network to predict labels; deterministic unless ``seconds`` ends it early.

    Args:
        network: Changed in place; left in evaluation mode.
        samples: ``(N, *shape)``.
        labels: ``(N,)`` in 0..K-1, or other targets of ``loss``.
        steps: Batches of 64, in shuffled epochs.
        seed: Of the order and the augmentation.
        seconds: Maximum wall time.
        watch: Called after each step with the number of steps done; true ends training.
        loss: Loss of outputs ``(B, K)`` and labels; a scalar.
    """
    rng = torch.Generator().manual_seed(seed)
    # Fused: one pass over all weights instead of a dozen small calls for each.
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.2)
    order = torch.zeros(0, dtype=torch.int64)
    start = time.monotonic()
    network.train()
    for step in range(1, steps + 1):
        if len(order) < min(BATCH, len(samples)):
            order = torch.cat([order, torch.randperm(len(samples), generator=rng)])
        rows, order = order[:BATCH], order[BATCH:]
        augmented = network.augment(samples[rows].float(), rng)
        optimizer.zero_grad(set_to_none=True)
        loss(network(augmented), labels[rows]).backward()
        optimizer.step()
        rate.step()
        if watch(step) or time.monotonic() - start > seconds:
            break
    network.eval()


class ClassifierFeatures:
    """Penultimate features of a trained small classifier: they reflect the user's own labels."""

    name = "classifier"
    width = WIDTH

    def __init__(self, network: SmallNet) -> None:
        self._network = network.eval().requires_grad_(False)
        self.hash = fingerprint(network.state_dict().values())

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, 128)``."""
        return in_chunks(lambda part: self._network.features(part.float()), samples, 256)

    def predict(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to the likeliest class ``(B,)``."""
        return self.predict_from_features(self(samples))

    def predict_from_features(self, features: Tensor) -> Tensor:
        """Features ``(B, 128)`` to the likeliest class ``(B,)``."""
        logits: Tensor = self._network.head(features)
        return logits.argmax(1)


def train_classifier(
    samples: Tensor,
    labels: Tensor,
    classes: int,
    *,
    seed: int,
    steps: int = 600,
    seconds: float = math.inf,
    build: BuildClassifier = RowNet,
) -> ClassifierFeatures:
    """Train a small classifier on the labelled samples.

    Args:
        samples: ``(N, *shape)`` in the codec's range.
        labels: ``(N,)`` in 0..classes-1, or -1 for unlabelled samples.
        classes: Number of classes.
        seed: Equal seeds and samples give equal weights (on one machine).
        steps: Most batches of 64; of few samples as many as ``PASSES`` over them take.
        seconds: Maximum wall time; if it is reached, the result depends on the machine's speed.
        build: Builds a network for the samples.

    Raises:
        DataError: if fewer than two classes are labelled.
    """
    labeled = labels >= 0
    if int((labels[labeled].bincount() > 0).sum()) < 2:
        raise DataError(
            "a classifier needs samples of two or more classes",
            remedy="Label more samples, or choose the features 'random'.",
        )
    labeled_samples, targets = samples[labeled], labels[labeled].long()
    network = small_net(labeled_samples, classes, seed=seed, build=build)
    steps = min(steps, max(PASSES * len(targets) // BATCH, LEAST_STEPS))
    fit(network, labeled_samples, targets, steps=steps, seed=seed, seconds=seconds)
    return ClassifierFeatures(network)
