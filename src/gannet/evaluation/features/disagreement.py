"""Do features of different makes say the same of the fakes?"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gannet.core.io.names import enumerated
from gannet.core.scores import ABOUT, FeatureFitness, Score
from gannet.evaluation.features import SampleFeatures
from gannet.evaluation.features.choice import FeatureChoice
from gannet.evaluation.samples import EvaluationSamples
from gannet.metrics import METRICS
from gannet.metrics.confidence import half_samples_of, std
from gannet.metrics.pairwise import FeatureSet
from gannet.networks.features import Features

COMPARED = ("frechet", "kid", "coverage")
"""Scores that makes of features are compared by."""

ROWS = 250
"""Most samples of a set for this: a pretrained network on a processor takes seconds for them."""

HALVES = 12
"""Half-samples of each score."""

STUDENT = 2.201
"""97.5 % point of Student's t for a standard error from 12 half-samples."""


def with_scores(
    choice: FeatureChoice, samples: EvaluationSamples, embedded: SampleFeatures, seed: int
) -> tuple[FeatureFitness, ...]:
    """What all makes could tell, with few scores of the fakes in each that is fit.

    Args:
        choice: Fit features.
        samples: Reals and fakes.
        embedded: The same in the first of these features.
        seed: Of the half-samples; the rows are the same for all makes.
    """
    if len(choice.fit) < 2:
        return choice.fitness
    found: list[FeatureFitness] = []
    others = iter(choice.fit)
    for fitness in choice.fitness:
        if not fitness.fit:
            found.append(fitness)
            continue
        features = next(others)
        scores = _scores(features, _sides(features, samples, embedded), seed)
        found.append(fitness.model_copy(update={"scores": scores}))
    return tuple(found)


def _sides(
    features: Features, samples: EvaluationSamples, embedded: SampleFeatures
) -> tuple[Tensor, Tensor, Tensor]:
    """Features of some held-out reals, fakes and reference reals."""
    if features is embedded.feature_extractor:
        return embedded.held_out[:ROWS], embedded.fake[:ROWS], embedded.real_reference[:ROWS]
    sides = (samples.held_out, samples.fake, samples.real_reference)
    held_out, fake, reference = (features(each[:ROWS]) for each in sides)
    return held_out, fake, reference


def _scores(
    features: Features, sides: tuple[Tensor, Tensor, Tensor], seed: int
) -> tuple[Score, ...]:
    held_out, fake, reference = (FeatureSet(each) for each in sides)
    values = [_values(held_out, each) for each in (fake, reference)]
    widths = [
        [
            STUDENT * std(each)
            for each in half_samples_of(
                lambda one, other: _values(FeatureSet(one), FeatureSet(other)),
                held_out.rows,
                other.rows,
                times=HALVES,
                seed=seed,
            )
        ]
        for other in (fake, reference)
    ]
    scores: list[Score] = []
    for at, name in enumerate(COMPARED):
        _, better, least, most = METRICS[name]
        ends = [
            (max(value[at] - width[at], least), min(value[at] + width[at], most))
            for value, width in zip(values, widths, strict=True)
        ]
        scores.append(
            Score(
                name=f"{name}[{features.name}:{features.hash}]",
                value=values[0][at],
                low=ends[0][0],
                high=ends[0][1],
                reference=values[1][at],
                reference_low=ends[1][0],
                reference_high=ends[1][1],
                samples=len(fake),
                better=better,
                **ABOUT[name],
            )
        )
    return tuple(scores)


def _values(real: FeatureSet, fake: FeatureSet) -> list[float]:
    return [METRICS[name].function(real, fake) for name in COMPARED]


def disagreements(fitness: Sequence[FeatureFitness]) -> list[str]:
    """Sentences on scores that are like those of reals in some features and not in others."""
    scored = [each for each in fitness if each.scores]
    sentences: list[str] = []
    for name in COMPARED:
        here = [(each, score) for each in scored for score in each.scores if _is(score, name)]
        alike = [_short(each, score) for each, score in here if score.at_reference]
        different = [_short(each, score) for each, score in here if not score.at_reference]
        if alike and different:
            sentences.append(
                f"{name} is like that of reals in {enumerated(alike)}, and differs in "
                f"{enumerated(different)}"
            )
    return sentences


def feature_warnings(fitness: Sequence[FeatureFitness]) -> list[str]:
    """What a summary must say of the features; nothing where they see, and agree."""
    if fitness and not any(each.fit for each in fitness):
        return [f"**{NOT_JUDGED[:10]}**{NOT_JUDGED[10:]}"]
    found = disagreements(fitness)
    return [f"**Features disagree**: {'; '.join(found)}."] if found else []


def feature_sentences(fitness: Sequence[FeatureFitness]) -> list[str]:
    """Which features were examined, what they tell, which are used and why, where they disagree."""
    if not fitness:
        return []
    lines = [
        f"Features were examined on {fitness[0].samples} reals that none was fitted to, before "
        "any fake: whether they tell the classes, and the reals from copies of them made worse.",
        *map(_sentence, fitness),
    ]
    if not any(each.fit for each in fitness):
        return [*lines, NOT_JUDGED]
    scored = [each for each in fitness if each.scores]
    if len(scored) < 2:
        return lines
    found = disagreements(fitness)
    count = scored[0].scores[0].samples
    if found:
        return [*lines, f"Features disagree, on {count} fakes: {'; '.join(found)}."]
    names = enumerated([each.name.partition(":")[0] for each in scored])
    return [*lines, f"Features agree, on {count} fakes, in {enumerated(list(COMPARED))}: {names}."]


NOT_JUDGED = (
    "Not judged by distances: no features can see these samples, so no score that is measured in "
    "features is given."
)
"""What a report says where no features are fit."""


def _sentence(fitness: FeatureFitness) -> str:
    if not fitness.fit:
        return f"Features {fitness.name} are not used: {fitness.reason}."
    detected = enumerated(list(fitness.detected))
    missed = f", and not {enumerated(list(fitness.missed))}" if fitness.missed else ""
    word = "are used" if fitness.used else "are fit, too"
    return f"Features {fitness.name} {word}: they tell {detected}{missed}."


def _is(score: Score, name: str) -> bool:
    return score.name.partition("[")[0] == name


def _short(fitness: FeatureFitness, score: Score) -> str:
    make = fitness.name.partition(":")[0]
    return f"{make} ({score.value:.3g}, reals {score.reference:.3g})"
