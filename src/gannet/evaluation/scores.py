"""The scores one by one: each of fakes, of further reals (floor) and of a Gaussian (baseline)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gannet.core.scores import ABOUT, Component, Score
from gannet.evaluation.features import SampleFeatures
from gannet.evaluation.memorization import SEARCHED, duplicate_score
from gannet.evaluation.samples import NUMBERS, EvaluationSamples
from gannet.evaluation.two_sample_test import classifier_two_sample_test
from gannet.metrics import METRICS
from gannet.metrics.classification import majority
from gannet.metrics.confidence import half_samples_of, spread, wilson
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features, IdentityFeatures, label_of

HALVES = 12
STUDENT = 2.201
"""97.5 % point of Student's t for an error from 12 halves."""

LABELED = 10_000
"""Most samples that a classifier learns from."""

CLASSES = 40
"""Classes that a score names, the worst."""


@dataclass(frozen=True)
class LabeledSamples:
    """What a classifier learns from: training reals ``(m, *shape)`` and their labels ``(m,)``."""

    samples: Tensor
    labels: Tensor


def labeled_samples(dataset: Data, made: EvaluationSamples) -> LabeledSamples | None:
    """Labelled training rows apart from the fresh ones; ``None`` without two known classes."""
    every = np.asarray(dataset.train.labels)
    known = [row for row in made.remaining if every[row] >= 0]
    most = min(LABELED, max(NUMBERS // made.fake[0].numel(), 2))
    chosen = known[:most]
    labels = torch.from_numpy(every[chosen]).long()
    if int((labels.bincount() > 0).sum()) < 2:
        return None
    return LabeledSamples(dataset.train.take(chosen).real, labels)


def distribution_scores(seen: SampleFeatures, seed: int) -> list[Score]:
    """All of ``METRICS``, and repeats, in the features of ``seen``."""
    feature_extractor = seen.feature_extractor
    held_out, fake, fresh, plain = map(
        FeatureSet, (seen.held_out, seen.fake, seen.real_reference, seen.baseline_samples)
    )
    values = [_values(held_out, heap) for heap in (fake, fresh, plain)]
    repeats = duplicate_score(held_out, fake, fresh, plain, label_of(feature_extractor))
    halved = [
        half_samples_of(_values_of_rows, held_out.rows, heap.rows, times=HALVES, seed=seed)
        for heap in (fake, fresh)
    ]
    scores: list[Score] = []
    for at, (name, (_, better, least, most)) in enumerate(METRICS.items()):
        value, floor, baseline = (each[at] for each in values)
        reach, floor_reach = (STUDENT * spread(each[at]) for each in halved)
        called = "fid" if name == "frechet" and feature_extractor.name == "inception" else name
        scores.append(
            Score(
                name=f"{called}[{label_of(feature_extractor)}]",
                value=value,
                low=max(value - reach, least),
                high=min(value + reach, most),
                reference=floor,
                reference_low=max(floor - floor_reach, least),
                reference_high=min(floor + floor_reach, most),
                samples=len(fake),
                better=better,
                baseline=baseline,
                half_sample_values=halved[0][at],
                **ABOUT[called],
            )
        )
    return [*scores, repeats]


def _values(real: FeatureSet, fake: FeatureSet) -> list[float]:
    return [rated.function(real, fake) for rated in METRICS.values()]


def _values_of_rows(real: Tensor, fake: Tensor) -> list[float]:
    return _values(FeatureSet(real), FeatureSet(fake))


def two_sample_score(made: EvaluationSamples | SampleFeatures, seed: int, steps: int) -> Score:
    """Accuracy of a fresh critic on the samples themselves, or on features."""
    evaluation = (
        {"features": IdentityFeatures(made.feature_extractor.width)}
        if isinstance(made, SampleFeatures)
        else {"modality": made.modality}
    )
    discriminator = partial(
        classifier_two_sample_test, made.held_out, seed=seed, steps=steps, **evaluation
    )
    found, floor, plain = (
        discriminator(made.fake),
        discriminator(made.real_reference),
        discriminator(made.baseline_samples),
    )
    looked = (
        label_of(made.feature_extractor) if isinstance(made, SampleFeatures) else found.features
    )
    return Score(
        name=f"c2st accuracy[{looked}]",
        value=found.accuracy,
        low=found.low,
        high=found.high,
        reference=floor.accuracy,
        reference_low=floor.low,
        reference_high=floor.high,
        samples=found.tested,
        better="low",
        baseline=plain.accuracy,
        chance=0.5,
        **ABOUT["c2st accuracy"],
    )


@dataclass(frozen=True)
class PredictedClasses:
    """Classes ``(n,)`` that a classifier of reals tells of the heaps of ``EvaluationSamples``."""

    fake: Tensor
    held_out: Tensor
    baseline_samples: Tensor


def predicted_classes(
    classifier: ClassifierFeatures, made: EvaluationSamples, seen: SampleFeatures
) -> PredictedClasses:
    """The classes, from features where the classifier made them."""
    if label_of(seen.feature_extractor) == label_of(classifier):
        return PredictedClasses(
            *map(classifier.told, (seen.fake, seen.held_out, seen.baseline_samples))
        )
    return PredictedClasses(
        *map(classifier.predict, (made.fake, made.held_out, made.baseline_samples))
    )


def class_score(
    made: EvaluationSamples, condition: PredictedClasses, names: Sequence[str]
) -> Score:
    """Share of fakes that a classifier takes for the class they were asked for, and by class."""
    fake, real, plain = condition.fake, condition.held_out, condition.baseline_samples
    shares = [_right(told, made.labels) for told in (fake, real, plain)]
    score = _share("class accuracy", shares[0], shares[1], shares[2], majority(made.labels))
    return score.model_copy(update={"components": by_class(fake, real, made.labels, names)})


def tstr_score(
    made: EvaluationSamples,
    lesson: LabeledSamples,
    usual: Tensor,
    fakes: Tensor,
    train: Callable[[Tensor, Tensor], ClassifierFeatures],
    seed: int,
    names: Sequence[str],
) -> Score:
    """Accuracy on held-out reals of a classifier that learnt from fakes alone, and by class.

    The floor is the same classifier trained on as many reals of the same classes, which told the
    classes ``usual`` of the held-out reals.
    """
    plain = made.gaussian.sample(lesson.labels, seed=seed)
    told, least = (train(each, lesson.labels).predict(made.held_out) for each in (fakes, plain))
    shares = [_right(each, made.labels) for each in (told, usual, least)]
    score = _share("tstr", shares[0], shares[1], shares[2], majority(made.labels))
    return score.model_copy(update={"components": by_class(told, usual, made.labels, names)})


def by_class(
    fake: Tensor, real: Tensor, labels: Tensor, names: Sequence[str]
) -> tuple[Component, ...]:
    """Share of right calls in each class that occurs, those that lose most to reals first.

    Args:
        fake: ``(N,)`` classes told on account of fakes.
        real: ``(N,)`` classes told on account of reals.
        labels: ``(N,)`` the right ones, -1 where not known.
        names: Of the classes.
    """
    parts = [
        Component(
            name=names[number],
            value=float((fake[rows] == number).double().mean()),
            reference=float((real[rows] == number).double().mean()),
        )
        for number in sorted(set(map(int, labels[labels >= 0])))
        for rows in [labels == number]
    ]
    return tuple(sorted(parts, key=lambda part: part.value - part.reference)[:CLASSES])


def _right(condition: Tensor, labels: Tensor) -> tuple[int, int]:
    """Right calls among those with known labels, and how many those are."""
    known = labels >= 0
    return int((condition == labels)[known].sum()), int(known.sum())


TARGETED = (
    "What is scored are answers to held-out inputs. {measures} compare each with what it should "
    "be: their floor is a perfect answer, their baseline the best of the simple methods that are "
    "listed part by part."
)
UNTARGETED = (
    "What is scored are answers to held-out inputs of one side, and the reals are held-out samples "
    "of the other: no answer has a target of its own. Way covered: by how much the energy distance "
    "to the wanted side falls, of that of what is given; it is left out where these are too few to "
    "tell the sides apart. What is said of what is kept: its baseline is the mean of what is given."
)


def protocol_of(
    made: EvaluationSamples,
    scores: Sequence[Score],
    feature_extractor: Features,
    lesson: LabeledSamples | None,
    by: str = "",
    *,
    paired: bool = True,
) -> tuple[str, ...]:
    """How the scores were made, in sentences.

    Args:
        made: What was scored.
        scores: That were made.
        feature_extractor: Features of it.
        lesson: What classifiers learnt from.
        by: A method that answers plainly.
        paired: Whether each answer has a target of its own.
    """
    count = len(made.fake)
    by_class = "of the same classes as" if made.class_conditional else "against"
    said = [
        f"{count} fakes {by_class} {count} reals that training never saw.",
        f"Floor: {count} other reals, from the training data, in place of the fakes; no network "
        "of this evaluation learnt from them.",
        f"Baseline: {by}, in place of the fakes."
        if by
        else "Baseline: a Gaussian around the mean of each class, in place of the fakes.",
        f"Features: {label_of(feature_extractor)}, {feature_extractor.width} numbers. Scores in "
        "other features, or of other "
        "counts, cannot be compared with these.",
        f"Intervals: 95 %. Distances: delete-half jackknife, {HALVES} halves (a bootstrap would "
        "bias them). Shares: Wilson. They cover the choice of samples, not other training runs.",
        "Copies: nearer to one training sample than 99 % of held-out reals are, both in distance "
        f"and in distance over that to the next ten; {min(len(made.remaining), SEARCHED)} "
        "searched.",
        "Repeats: with another fake nearer, in features, than 99 % of held-out reals have another.",
    ]
    said += dict.fromkeys(score.how for score in scores if score.how)
    said += filter(None, [getattr(feature_extractor, "how", "")])
    if made.given is not None:
        named = ", ".join(score.name for score in scores if score.role == "target")
        said.append(
            (TARGETED.format(measures=named) if paired else UNTARGETED)
            + " Diversity: its floor is two different targets, its baseline one answer only. "
            "Intervals of these: bootstrap over samples."
        )
    if lesson is not None:
        said.append(f"Classifiers learnt from {len(lesson.labels)} samples each.")
    if count < 500:
        said.append(f"{count} samples are few: expect wide intervals and a weak critic.")
    return tuple(said)


def _share(
    name: str, value: tuple[int, int], floor: tuple[int, int], plain: tuple[int, int], chance: float
) -> Score:
    (low, high), (floor_low, floor_high) = wilson(*value), wilson(*floor)
    return Score(
        name=name,
        value=value[0] / max(value[1], 1),
        low=low,
        high=high,
        reference=floor[0] / max(floor[1], 1),
        reference_low=floor_low,
        reference_high=floor_high,
        samples=value[1],
        better="high",
        baseline=plain[0] / max(plain[1], 1),
        chance=chance,
        **ABOUT[name],
    )
