"""Fitting the judge at the end of a run: on training reals, calibrated on held-out ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet.core.errors import CodecError
from gannet.core.seeding import derive_seed, random_subset
from gannet.data.dataset import Dataset, Rows
from gannet.inference.artifact import Artifact
from gannet.inference.calibration import (
    MIN_LABELED,
    QUANTILES,
    calibration_of,
    within_memory,
)
from gannet.inference.card import Calibration, ControlAuc, JudgeCard
from gannet.inference.judge.judge import Judge, network_of, odds, views_of
from gannet.inference.judge.network import ONE_REPLACED, OWN_FAKES, Groups, Refill, trained_network
from gannet.inference.judge.novelty import Novelty
from gannet.metrics.auc import auc
from gannet.modalities.corruption import one_replaced
from gannet.modalities.modality import Modality
from gannet.modalities.reading import codec_errors
from gannet.modalities.registry import find_modality
from gannet.networks.features import in_chunks

TRAIN = 10_000
"""Maximum training reals."""

FAKES = 2_000
"""Maximum own fakes to learn from; fewer where a sample is expensive."""

HELD_OUT = 2_000
"""Maximum held-out reals, and samples of each control."""

CALIBRATION = 500
"""Held-out reals, at most, that test the threshold of strangers; it is from twice as many."""

LEAST = 16
"""Held-out reals below which there is no judge."""

RAWS = 64
"""Raw training samples whose facts are read."""

FOURTH = 4
"""One earlier fake in so many is kept for testing."""

LEAST_EFFORT = 0.25
"""Fraction of the effort below which there is no judge either."""

ANOTHER = "another class"
"""Name of the control of reals that claim another class than theirs."""


@dataclass(frozen=True)
class Labeled:
    """Encoded reals, or fakes, with their classes.

    Attributes:
        samples: ``(n, *shape)``.
        labels: ``(n,)`` class numbers, -1 where unknown; of fakes those that were asked for.
    """

    samples: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.samples)

    def part(self, rows: slice) -> Labeled:
        """Some of them."""
        return Labeled(self.samples[rows], self.labels[rows])


def with_judge(
    artifact: Artifact, dataset: Dataset, earlier: Tensor | None = None, *, effort: float = 1.0
) -> Artifact:
    """The same artifact with a judge.

    Its network learns to tell training reals from fakes of this generator, fakes of earlier
    moments of the run, baselines, corrupted reals and samples of other kinds. Held-out reals say
    which of these it can tell, turn its log-odds into probabilities, and set what a stranger is.

    Args:
        artifact: A trained run.
        dataset: The data that it was trained on.
        earlier: ``(n, *shape)`` fakes of earlier moments of the run, the earliest first.
        effort: Fraction of the full effort that the end of a run is worth: there is no judge of a
            run that ended when it had hardly begun.
    """
    if effort < LEAST_EFFORT:
        return _with(artifact, JudgeCard(missing="training was too short to fit a judge"), None)
    if len(dataset.held_out) < LEAST:
        missing = f"{len(dataset.held_out)} held-out samples are too few to calibrate a judge on"
        return _with(artifact, JudgeCard(missing=missing), None)
    try:
        return _with_fitted_judge(artifact, dataset, earlier, effort)
    except CodecError as error:  # a fault of a codec must not cost the run
        return _with(artifact, JudgeCard(missing=error.problem), None)


def _with_fitted_judge(
    artifact: Artifact, dataset: Dataset, earlier: Tensor | None, effort: float
) -> Artifact:
    """The same artifact with a judge; see ``with_judge``.

    Raises:
        CodecError: if the codec cannot decode samples and encode them again.
    """
    seed, shape = derive_seed(artifact.card.seed, 21), artifact.card.spec.shape
    modality = find_modality(artifact.codecs["sample"].kind)
    train = _reals(artifact, dataset.train, within_memory(TRAIN, shape), seed)
    held_out = _reals(artifact, dataset.held_out, within_memory(HELD_OUT, shape), seed)
    cost = max(modality.cost(shape), 1.0)
    count = min(within_memory(FAKES, shape), max(int(FAKES / cost), 128))
    if earlier is not None and len(earlier):
        earlier = as_delivered(artifact, earlier)
    groups = _groups(artifact, dataset, train, earlier, count, seed)
    classes = len(artifact.classes)
    network = trained_network(
        train.samples,
        train.labels,
        classes,
        groups,
        build=network_of(modality),
        steps=int(effort * modality.judging.steps / math.sqrt(cost)),
        batch=modality.judging.batch,
        learning_rate=modality.judging.learning_rate,
        seed=seed,
    )
    novelty = Novelty.fitted(
        views_of(modality, network, shape),
        train.samples[:HELD_OUT],
        held_out.samples[: 2 * CALIBRATION : 2],
        seed=seed,
    )
    others = held_out.samples[1 : 2 * CALIBRATION : 2]
    card = JudgeCard(
        classes=classes,
        groups=groups.names,
        sizes=groups.sizes,
        facts=_facts(dataset, modality),
        strangers=float((novelty(others).amax(1) > 1).float().mean()),
    )
    novelty = novelty.calibrated(held_out.samples[: 2 * CALIBRATION])
    fakes, labels = _test_fakes(artifact, dataset, groups, earlier, held_out, seed)
    card = _calibrated(Judge(card, network, novelty), held_out, fakes, labels, seed)
    return _with(artifact, card, Judge(card, network, novelty))


def _with(artifact: Artifact, card: JudgeCard, judge: Judge | None) -> Artifact:
    updated = artifact.card.model_copy(update={"judge": card})
    return replace(artifact, card=updated, judge=judge)


def _reals(artifact: Artifact, rows: Rows, count: int, seed: int) -> Labeled:
    chosen = random_subset(len(rows), min(len(rows), count), seed)
    samples = rows.take(chosen).real
    if not artifact.classes:
        return Labeled(samples, torch.full((len(samples),), -1))
    return Labeled(samples, torch.from_numpy(rows.labels[np.asarray(chosen)].astype(np.int64)))


def _own(artifact: Artifact, rows: Rows, count: int, seed: int) -> Labeled:
    """Fakes of the generator under the conditions of some reals."""
    parts: list[Tensor] = []
    labels: list[Tensor] = []
    part = within_memory(256, artifact.card.spec.shape)
    for number, start in enumerate(range(0, count, part)):
        size = min(part, count - start)
        some = random_subset(len(rows), min(size, len(rows)), derive_seed(seed, number))
        real, part_seed = rows.take(some), derive_seed(seed, 1, number)
        parts.append(artifact.fakes_like(real, seed=part_seed))
        if artifact.classes:
            classes = artifact.held_out_conditions(real, seed=part_seed).vector
            labels.append(torch.where(classes.any(1), classes.argmax(1), -1))
        else:
            labels.append(torch.full((len(some),), -1))
    return Labeled(as_delivered(artifact, torch.cat(parts)), torch.cat(labels))


def as_delivered(artifact: Artifact, samples: Tensor) -> Tensor:
    """Generated samples as they come back from a file: rounded to what their codec writes.

    Dates are whole days and pixels whole numbers in all that anybody will ask a judge about; from
    raw outputs it would learn the digits that are lost.

    Raises:
        CodecError: if the codec cannot decode them and encode them again.
    """
    codec, called = artifact.codecs["sample"], type(artifact.codecs["sample"]).__qualname__
    what = f"decoded and encoded again by {type(codec).__module__}.{called}"
    with codec_errors(find_modality(codec.kind).noun[1], what):
        return codec.encode(codec.decode(samples)).to(samples.dtype)


def _groups(
    artifact: Artifact,
    dataset: Dataset,
    train: Labeled,
    earlier: Tensor | None,
    count: int,
    seed: int,
) -> Groups:
    """The population of fakes to learn from."""
    spec, modality = artifact.card.spec, find_modality(artifact.codecs["sample"].kind)
    stored: dict[str, Tensor] = {}
    if earlier is not None and len(earlier) >= 2 * FOURTH:
        learnt = torch.arange(len(earlier)) % FOURTH > 0
        stored["earlier fakes"] = earlier[learnt]
    some = train.part(slice(count))
    for name, baseline in modality.judging.baselines.items():
        stored[name] = baseline(some.samples, some.labels, spec, derive_seed(seed, 3))
    generated: dict[str, Refill] = dict(modality.evaluation.corruptions)
    generated["other kinds"] = modality.judging.others
    own = _own(artifact, dataset.train, count, derive_seed(seed, 4))
    columns = math.prod(spec.shape) if modality.judging.columns else 0
    return Groups(own.samples, stored, generated, columns=columns)


def _test_fakes(
    artifact: Artifact,
    dataset: Dataset,
    groups: Groups,
    earlier: Tensor | None,
    held_out: Labeled,
    seed: int,
) -> tuple[dict[str, Tensor], Tensor]:
    """New fakes of each group, as many as held-out reals where there are; classes of own ones."""
    spec, modality = artifact.card.spec, find_modality(artifact.codecs["sample"].kind)
    rng = torch.Generator().manual_seed(derive_seed(seed, 5))
    count = min(len(held_out), len(groups.own))
    own = _own(artifact, dataset.held_out, count, derive_seed(seed, 6))
    found = {OWN_FAKES: own.samples}
    for name in groups.stored:
        if name in modality.judging.baselines:
            generated = modality.judging.baselines[name]
            found[name] = generated(held_out.samples, held_out.labels, spec, derive_seed(seed, 7))
        elif earlier is not None:
            found[name] = earlier[torch.arange(len(earlier)) % FOURTH == 0]
    found |= {name: make(held_out.samples, rng) for name, make in groups.generated.items()}
    if groups.columns:
        found[ONE_REPLACED], _ = one_replaced(held_out.samples, rng)
    return found, own.labels


def _calibrated(
    judge: Judge, held_out: Labeled, fakes: Mapping[str, Tensor], own_labels: Tensor, seed: int
) -> JudgeCard:
    """The card with controls and calibrations, from samples that the network never saw."""
    card = judge.card
    kinds = card.reals
    real = _logits(judge, held_out.samples)
    others = {name: _logits(judge, each) for name, each in fakes.items()}
    alone: dict[str, ControlAuc] = {}
    for name in card.groups:
        pair = (odds(each, kinds, card.logits_of(name)) for each in (real, others[name]))
        alone[name] = _control(name, *pair)
    detected = tuple(name for name, control in alone.items() if control.detected)
    indices = card.logits_of(*detected)
    real_odds = odds(real, kinds, indices)
    fake = {name: odds(each, kinds, indices) for name, each in others.items()}
    # What is printed rests on all told groups together, so that is what is reported of each.
    together = {name: _control(name, real_odds, fake[name]) for name in detected}
    controls = tuple(together.get(name, control) for name, control in alone.items())
    update: dict[str, Any] = {"controls": controls, "detected": detected}
    if detected:
        update["calibration"] = _calibration(real_odds, fake, detected)
    if card.classes > 1:
        own, wrong = _by_class(real, held_out.labels, kinds, indices, seed)
        if len(own) >= MIN_LABELED:
            labeled = own_labels >= 0
            rows = others[OWN_FAKES][labeled] if OWN_FAKES in detected else real[:0]
            of_fakes = odds(rows, kinds, indices, own_labels[labeled][: len(rows)])
            update["controls"] = (*controls, _control(ANOTHER, own, wrong))
            update["class_calibration"] = _class_calibration(own, wrong, of_fakes)
    return card.model_copy(update=update)


def _by_class(
    real: Tensor, labels: Tensor, kinds: int, indices: list[int], seed: int
) -> tuple[Tensor, Tensor]:
    """Log-odds of labeled reals as their own class, and as a random other one."""
    rows, mine = real[labels >= 0], labels[labels >= 0]
    rng = torch.Generator().manual_seed(derive_seed(seed, 8))
    moved = (mine + torch.randint(1, kinds, mine.shape, generator=rng)) % kinds
    return odds(rows, kinds, indices, mine), odds(rows, kinds, indices, moved)


def _logits(judge: Judge, samples: Tensor) -> Tensor:
    return in_chunks(lambda part: judge.network(part.float()), samples, 256)


def _control(name: str, above: Tensor, below: Tensor) -> ControlAuc:
    area = auc(above.double().numpy(), below.double().numpy())
    figures = (round(each, 4) for each in area)
    value, low, high = figures
    return ControlAuc(name=name, auc=value, low=low, high=high, detected=area.low > 0.5)


def _calibration(
    real: Tensor, fake: Mapping[str, Tensor], detected: tuple[str, ...]
) -> Calibration:
    """Calibrated on as many fakes as reals: half of them own fakes, if those are told at all.

    The usual range of fakes is that of own fakes.
    """
    rest = [name for name in detected if name != OWN_FAKES]
    half = len(real) // 2 if OWN_FAKES in detected and rest else len(real)
    parts = [_cycled(fake[OWN_FAKES], half)] if OWN_FAKES in detected else []
    per_group = max((len(real) - half * len(parts)) // max(len(rest), 1), 1)
    parts += [_cycled(fake[name], per_group) for name in rest]
    scale = calibration_of(real, torch.cat(parts))
    return scale.model_copy(update={"fake": _usual(fake[OWN_FAKES], scale)})


def _class_calibration(own: Tensor, wrong: Tensor, fake: Tensor) -> Calibration:
    """Calibrated against both ways not to be a real of a class: to be a fake, and of another class.

    Args:
        own: Log-odds ``(n,)`` of reals as their own class.
        wrong: ``(n,)`` of the same reals as another class.
        fake: ``(m,)`` of own fakes as the class that was asked for; none if they are not told.
    """
    if not len(fake):
        scale = calibration_of(own, wrong)
        return scale.model_copy(update={"fake": (), "other": scale.fake})
    half = len(own) // 2
    scale = calibration_of(own, torch.cat([_cycled(fake, half), wrong[half:]]))
    return scale.model_copy(update={"fake": _usual(fake, scale), "other": _usual(wrong, scale)})


def _usual(values: Tensor, scale: Calibration) -> tuple[float, ...]:
    """Probabilities of log-odds ``(n,)`` at the quantiles of a calibration."""
    quantiles = (values * scale.weight + scale.bias).sigmoid().quantile(torch.tensor(QUANTILES))
    found: list[float] = quantiles.tolist()
    return tuple(round(each, 4) for each in found)


def _cycled(values: Tensor, count: int) -> Tensor:
    return values[torch.arange(count) % len(values)]


def _facts(dataset: Dataset, modality: Modality) -> dict[str, tuple[float, float]]:
    """Lowest and highest of each fact of some raw samples."""
    found: dict[str, tuple[float, float]] = {}
    facts = modality.judging.facts
    if facts is None:
        return found
    for raw in islice(modality.raws(dataset.source, RAWS), RAWS):
        for name, fact in facts(raw).items():
            low, high = found.get(name, (fact.value, fact.value))
            found[name] = (min(low, fact.value), max(high, fact.value))
    return found
