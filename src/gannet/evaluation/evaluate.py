"""Scores of a generator against held-out reals, each with interval, floor and trivial baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from torch import Tensor

from gannet.core.plugins import gannet_version
from gannet.core.scores import Pair, Part, Profile, Report, Score
from gannet.core.seeding import seed_at
from gannet.core.types import Batch
from gannet.evaluation.feature_cache import KeptFeatures
from gannet.evaluation.features import Seen, eye_of, seen_by
from gannet.evaluation.memorization import copy_score
from gannet.evaluation.mode_coverage import class_profile, heap_profile
from gannet.evaluation.paired import ASKED, answer_scores, diversity
from gannet.evaluation.samples import Material, ask, material
from gannet.evaluation.scores import (
    Lesson,
    Told,
    class_score,
    critic_score,
    distribution_scores,
    lesson_of,
    lesson_score,
    protocol_of,
    told_by,
)
from gannet.evaluation.unpaired import unpaired_scores
from gannet.modalities.hooks import Data, Sampler
from gannet.networks.classifier import ClassifierFeatures, train_classifier
from gannet.networks.features import Features

__all__ = [
    "Answers",
    "Data",
    "Material",
    "Pair",
    "Part",
    "Report",
    "Sampler",
    "Score",
    "evaluate",
    "material",
]


class Answers(Protocol):
    """How inputs are answered."""

    @property
    def plainly(self) -> Mapping[str, Callable[[Batch], Tensor]]:
        """By simple methods, by name."""
        ...

    @property
    def paired(self) -> bool:
        """Whether each has a target of its own."""
        ...

    def answer(self, given: Batch, *, seed: int) -> tuple[Batch, Tensor]:
        """By the generator; with what it was told."""
        ...

    def again(self, told: Batch, *, seed: int) -> Tensor:
        """Further answers to what was told."""
        ...


@dataclass(frozen=True)
class Setting:
    """What all scores of an evaluation share.

    Attributes:
        made: Samples.
        lesson: What classifiers of classes learn from; ``None`` without classes.
        classifier: That learnt from it.
        eye: Features.
        kept: The same, worked out once.
        seen: What these make of the samples.
        classes: Names of the classes.
        seed: Of everything.
        steps: Batches that each classifier learns from.
    """

    made: Material
    lesson: Lesson | None
    classifier: ClassifierFeatures | None
    eye: Features
    kept: Features
    seen: Seen
    classes: tuple[str, ...]
    seed: int
    steps: int

    def train(self, samples: Tensor, labels: Tensor) -> ClassifierFeatures:
        """A classifier that learnt from some samples."""
        return _classifier(self.made, self.classes, self.seed, self.steps)(samples, labels)


def _classifier(
    made: Material, classes: tuple[str, ...], seed: int, steps: int
) -> Callable[[Tensor, Tensor], ClassifierFeatures]:
    build = made.modality.classifier
    return partial(train_classifier, classes=len(classes), seed=seed, steps=steps, build=build)


def _prepared(  # as for ``evaluate``
    made: Material,
    dataset: Data,
    features: str | Features,
    cache: Path | None,
    seed: int,
    steps: int,
) -> Setting:
    """Classifier and features, and what these make of the samples."""
    lesson, classes = lesson_of(dataset, made), dataset.classes
    train = _classifier(made, classes, seed, steps)
    classifier = None if lesson is None else train(lesson.samples, lesson.labels)
    eye = eye_of(features, classifier, dataset, made)
    kept = eye if cache is None else KeptFeatures(eye, cache)
    seen = seen_by(kept, made)
    return Setting(made, lesson, classifier, eye, kept, seen, classes, seed, steps)


def _drawn(answers: Answers, told: Batch, seed: int, number: int) -> Tensor:
    return answers.again(told, seed=seed_at(seed, 8, number))


def _of_answers(
    answers: Answers, given: Batch, plainly: Mapping[str, Tensor], shared: Setting
) -> list[Score]:
    """Scores of answers: beside their targets, or beside the heap that they shall be like."""
    seed, eye, fake, modality = shared.seed, shared.kept, shared.made.fake, shared.made.modality
    again = partial(_drawn, answers, given[:ASKED], seed)
    if answers.paired:
        targets = given.real.float()
        return answer_scores(fake, targets, plainly, eye, again, modality=modality, seed=seed)
    seen = eye(given.real.float()), eye(given.condition.grid.float()), eye(fake)
    kept = modality.evaluation.preserved
    found = unpaired_scores(fake, given, seen, shared.classes, preserved=kept, seed=seed)
    return [*found, diversity(seen[0], eye, again, seed=seed)]


def _of_any(shared: Setting) -> list[Score]:
    """Scores that samples of any kind have, and those of their kind."""
    made, seed = shared.made, shared.seed
    scores = distribution_scores(shared.seen, seed)
    scores += [critic_score(each, seed, shared.steps * 3 // 2) for each in (made, shared.seen)]
    heaps = (made.held_out, made.fake, made.fresh, made.plain)
    return [*scores, *made.modality.evaluation.scores(*heaps)]


def _of_classes(shared: Setting, told: Told | None, sampler: Sampler, dataset: Data) -> list[Score]:
    """Scores of a generator that was asked for classes."""
    made, lesson = shared.made, shared.lesson
    if lesson is None or told is None or not made.asked:
        return []
    fakes = ask(sampler, dataset, lesson.labels, seed=seed_at(shared.seed, 2))
    usual, names = told.held_out, shared.classes
    taught = lesson_score(made, lesson, usual, fakes, shared.train, shared.seed, names)
    return [class_score(made, told, names), taught]


def _profiles(shared: Setting, told: Told | None) -> tuple[Profile, ...]:
    """How samples are spread over classes, or over clusters where classes are not known."""
    if told is not None:
        return (class_profile(told.held_out, told.fake, shared.classes),)
    seen = shared.seen
    return heap_profile(seen.fresh, seen.held_out, seen.fake, seed=shared.seed)


def _compared(
    sampler: Sampler,
    dataset: Data,
    made: Material | None,
    answers: Answers | None,
    count: int,
    seed: int,
) -> tuple[Material, Mapping[str, Tensor], str]:
    """The samples that are compared, answers of simple methods, and the method that is baseline."""
    by = "" if answers is None else next(iter(answers.plainly), "")
    answering = None if answers is None else partial(answers.answer, seed=seed)
    made = made or material(sampler, dataset, count=count, seed=seed, answering=answering)
    if answers is None or made.given is None:
        return made, {}, by
    plainly = {name: method(made.given) for name, method in answers.plainly.items()}
    return replace(made, plain=plainly[by].float()) if by else made, plainly, by


def evaluate(  # noqa: PLR0913  # what a report depends on
    sampler: Sampler,
    dataset: Data,
    *,
    count: int = 2_000,
    features: str | Features = "auto",
    seed: int = 0,
    steps: int = 200,
    artefact: str = "",
    data: str = "",
    made: Material | None = None,
    cache: Path | None = None,
    answers: Answers | None = None,
) -> Report:
    """Score a generator.

    Args:
        sampler: The generator.
        dataset: The data that it was trained on, and those held out.
        count: Samples on each side; fewer if fewer were held out.
        features: ``auto`` (classifier if there are labels, else the best network that is there for
            data of this kind, else random), ``classifier``, ``random``, what else the kind of data
            knows (pictures: ``efficientnet``, or a path to Inception weights), or features of your
            own.
        seed: Of fakes, subsets and critics; equal arguments give an equal report.
        steps: Batches that each classifier learns from; half as many again for critics.
        artefact: How the report calls the generator.
        data: How it calls the data.
        made: What ``material`` gave for the same arguments, if it is needed for more than this.
        cache: Folder that keeps features, by content, for the next time; ``None`` for none.
        answers: Of a generator whose samples are answers, how it and simple methods answer.

    Raises:
        DataError: if fewer than 8 samples were held out.
        ConfigError: if the features are unknown or do not suit the data.
    """
    made, plainly, by = _compared(sampler, dataset, made, answers, count, seed)
    shared = _prepared(made, dataset, features, cache, seed, steps)
    scores = _of_any(shared)
    if answers is not None and made.given is not None:
        scores += _of_answers(answers, made.given, plainly, shared)
    copied, seen = copy_score(made, dataset), shared.seen
    scores.append(copied.score)
    told = None if shared.classifier is None else told_by(shared.classifier, made, seen)
    scores += _of_classes(shared, told, sampler, dataset)
    paired = answers is None or answers.paired
    return Report(
        artefact=artefact,
        data=data,
        scores=tuple(scores),
        closest=copied.closest,
        seed=seed,
        gannet=gannet_version(),
        protocol=protocol_of(made, scores, shared.eye, shared.lesson, by, paired=paired),
        baseline=by or "Gaussian",
        answers=answers is not None,
        shown=copied.shown,
        closeness=copied.closeness,
        profiles=_profiles(shared, told),
    )
