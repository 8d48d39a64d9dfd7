"""Classifier two-sample test (C2ST): a newly trained classifier tries to tell fakes from reals.

The GAN's discriminator cannot prove that fakes match reals, since it may be too weak or too heavily
regularized. A network trained from scratch on half of the samples and tested on the other half
can: if its accuracy is at chance, nothing that it could learn separates fakes from reals.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gannet.core.errors import DataError
from gannet.core.seeding import derive_seed
from gannet.metrics.confidence import fair_coin_p_value, wilson
from gannet.modalities.modality import NUMBERS, Modality
from gannet.networks.classifier import BATCH, BuildClassifier, RowNet, SmallNet, fit, small_net
from gannet.networks.features import Features, in_chunks, label_of

MIN_SAMPLES = 8
"""Samples per side below which there is nothing to train on."""

VALIDATIONS = 8
"""How often training evaluates the validation rows to choose the best state."""

MAX_VALIDATION_ROWS = 500
"""Maximum validation rows of a side."""

MAX_CALIBRATION_ROWS = 1_000
"""Maximum rows of a side that the decision threshold is set from."""

STOP_LOSS = 0.005
"""Validation loss below which training stops."""


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """Result of a classifier two-sample test.

    Attributes:
        accuracy: Fraction of test samples classified correctly; 0.5 is chance.
        low: Lower end of the 95 % interval (Wilson).
        high: Upper end.
        tested: Test samples, as many real as fake.
        trained: Training samples, as many real as fake.
        p_value: Probability of at least this accuracy if fakes and reals were indistinguishable.
        auc: P(a real scores higher than a fake) on the test samples; independent of a threshold.
        features: Input of the classifier: ``samples``, or the label of features.
    """

    accuracy: float
    low: float
    high: float
    tested: int
    trained: int
    p_value: float
    auc: float
    features: str

    @property
    def fooled(self) -> bool:
        """Whether the accuracy is not significantly above chance."""
        return self.low <= 0.5


def classifier_two_sample_test(
    real: Tensor,
    fake: Tensor,
    *,
    seed: int,
    steps: int = 300,
    seconds: float = math.inf,
    features: Features | None = None,
    modality: Modality = NUMBERS,
) -> TwoSampleResult:
    """Classifier two-sample test between reals and fakes.

    Half of either side trains the classifier; a sixth of that half, at most 500, is its validation
    set. The other half tests it. The longer side is cut to the length of the shorter.

    Args:
        real: ``(N, *shape)`` reals that the generator was not trained on.
        fake: ``(M, *shape)``.
        seed: Seed of split, weights and order; equal arguments give an equal result.
        steps: Batches of 64; fewer for few samples, or once the validation loss is near 0.
        seconds: Maximum wall time; once reached, the result depends on the machine's speed.
        features: Classify these features instead of the samples.
        modality: Modality of the samples; says whether the classifier sees them raw or through
            random features.

    Raises:
        DataError: if a side has fewer than 8 samples.

    Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545, sec. 3, eq. 2.
    Differs: the p-value is exact (binomial) instead of the normal approximation.
    """
    count = min(len(real), len(fake))
    if count < MIN_SAMPLES:
        raise DataError(
            f"a two-sample test needs {MIN_SAMPLES} samples per side, got {len(real)} and "
            f"{len(fake)}",
            remedy="Hold out more real samples, or draw more fakes.",
        )
    train_real, test_real = _split(real, count, derive_seed(seed, 0))
    train_fake, test_fake = _split(fake, count, derive_seed(seed, 1))
    feature_extractor = features
    if feature_extractor is None and not modality.two_sample.raw:
        feature_extractor = modality.features(train_real, 0)
    build = modality.classifier if feature_extractor is None else RowNet

    def embed(rows: Tensor) -> Tensor:
        return rows.float() if feature_extractor is None else feature_extractor(rows)

    real_features, fake_features = embed(train_real), embed(train_fake)
    network = _train(real_features, fake_features, seed, steps, seconds, build)
    # Brief training ranks well before its threshold is calibrated: use the midpoint of medians.
    calibration_sets = (side[:MAX_CALIBRATION_ROWS] for side in (real_features, fake_features))
    medians = torch.stack([_logits(network, side).median() for side in calibration_sets])
    real_logits = _logits(network, embed(test_real)) - medians.mean()
    fake_logits = _logits(network, embed(test_fake)) - medians.mean()
    feature_label = "samples" if features is None else label_of(features)
    return _result(real_logits, fake_logits, 2 * len(train_real), feature_label)


def _result(
    real_logits: Tensor, fake_logits: Tensor, trained: int, feature_label: str
) -> TwoSampleResult:
    """Accuracy, p-value and AUC from the logits ``(n,)`` of test samples."""
    hits = int((real_logits > 0).sum() + (fake_logits <= 0).sum())
    tested = len(real_logits) + len(fake_logits)
    low, high = wilson(hits, tested)
    gaps = real_logits[:, None] - fake_logits
    return TwoSampleResult(
        accuracy=hits / tested,
        low=low,
        high=high,
        tested=tested,
        trained=trained,
        p_value=fair_coin_p_value(hits, tested),
        auc=float((gaps > 0).double().mean() + (gaps == 0).double().mean() / 2),
        features=feature_label,
    )


def _split(rows: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:count]
    return rows[order[: count // 2]], rows[order[count // 2 :]]


def _train(
    real: Tensor, fake: Tensor, seed: int, steps: int, seconds: float, build: BuildClassifier
) -> SmallNet:
    """Train the classifier; keeps the state with the lowest validation loss."""
    validation_count = max(min(len(real) // 6, MAX_VALIDATION_ROWS), 1)
    samples = torch.cat([real[validation_count:], fake[validation_count:]])
    labels = torch.cat(
        [torch.ones(len(real) - validation_count), torch.zeros(len(fake) - validation_count)]
    ).long()
    validation_samples = torch.cat([real[:validation_count], fake[:validation_count]])
    validation_labels = torch.cat(
        [torch.ones(validation_count), torch.zeros(validation_count)]
    ).long()
    network = small_net(samples, 2, seed=derive_seed(seed, 2), build=build)
    # Twenty epochs suffice; more would only overfit.
    steps = max(min(steps, 20 * len(samples) // BATCH), 40)
    best_loss, best_state = math.inf, copy.deepcopy(network.state_dict())

    def watch(step: int) -> bool:
        nonlocal best_loss, best_state
        if step % max(steps // VALIDATIONS, 1):
            return False
        network.eval()
        loss = float(cross_entropy(in_chunks(network, validation_samples, 256), validation_labels))
        network.train()
        if loss < best_loss:
            best_loss, best_state = loss, copy.deepcopy(network.state_dict())
        return best_loss < STOP_LOSS

    fit(
        network,
        samples,
        labels,
        steps=steps,
        seed=derive_seed(seed, 3),
        seconds=seconds,
        watch=watch,
    )
    network.load_state_dict(best_state)
    return network


def _logits(network: SmallNet, rows: Tensor) -> Tensor:
    """Logit of being real, ``(n,)``."""
    logits = in_chunks(network, rows, 256)
    return logits[:, 1] - logits[:, 0]
