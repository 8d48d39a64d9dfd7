"""The data that a run is scored on: its own, or others of the same make, and what is held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import DataError, GannetError
from gannet.core.source import SAMPLE, Source
from gannet.data import dataset
from gannet.data.dataset import Dataset, Rows
from gannet.data.split import split
from gannet.data.traits import differing, traits_of
from gannet.inference.artifact import Artifact
from gannet.inference.training_samples import TrainingSamples
from gannet.modalities.registry import find_modality
from gannet.training.inputs import source_for
from gannet.training.loop import training_samples_of
from gannet.training.resume import read_plan

OTHER_DATA = (
    "The data or labels are not those of training, and which samples that saw is unknown: samples "
    "held out here may have been trained on, which makes scores look better than they are."
)
"""Note of a report if nothing tells which samples the run was trained on."""

THIRD = 1 / 3
"""Fraction held out of data without those of training: as many are compared on each side."""

ALIKE = 0.9
"""Share of different samples below which equal ones are coincidences, not copies."""

MAX_NAMED = 5
"""Most samples that a note names."""


@dataclass(frozen=True)
class EvaluationData:
    """Data to score a run on.

    Attributes:
        dataset: Its held-out part is scored; its training part is the reference.
        own: Whether these are the run's own data, split as in training.
        trained_on: Whether the training part is what the run was trained on.
        notes: What the reader must know of them.
    """

    dataset: Dataset
    own: bool
    trained_on: bool
    notes: tuple[str, ...] = ()


def name_of(data: Any) -> str:
    """What data are called in reports."""
    return Path(data).name if isinstance(data, str | Path) else "data in memory"


def own_path(artifact: Artifact, folder: Path) -> Path:
    """Where the run's own data are.

    Raises:
        DataError: if that is not known, or nothing is there any more.
    """
    remedy = "Name the data: gannet evaluate RUN DATA."
    plan = read_plan(folder)
    if plan is None:
        name = artifact.card.data.get("name") or "its data"
        raise DataError(
            f"plan.json is missing, which says where {name} are", where=str(folder), remedy=remedy
        )
    if not Path(plan.data).is_absolute():
        raise DataError(
            "the run was trained on data in memory, which are not kept",
            where=str(folder),
            remedy=remedy,
        )
    if not Path(plan.data).exists():
        raise DataError(
            "the data that the run was trained on are no longer there",
            where=plan.data,
            remedy=f"Bring them back, or say where they are now. {remedy}",
        )
    return Path(plan.data)


def evaluation_data(
    artifact: Artifact,
    folder: Path,
    data: Path | str | Any,
    *,
    label: str | None = None,
    anyway: bool = False,
    seed: int = 0,
) -> EvaluationData:
    """The data to score a run on; nothing is written.

    Of the run's own data the part is held out that training held out. Of others every sample counts
    as held out that the run was not trained on.

    Args:
        artifact: Of the run.
        folder: Of the run.
        data: A path, or data in memory.
        label: Column of the classes; by default the one that the run was trained with.
        anyway: Whether data of another size, class set or other columns are scored all the same.
        seed: Of a split, where there is nothing else to compare with.

    Raises:
        DataError: if they differ from those of training in more than their samples, cannot be
            encoded as those were, or all of them were trained on.
    """
    chosen = artifact.card.data.get("label") if label is None else label
    given = _loaded(artifact, folder, data, chosen, anyway=anyway)
    if given.digest == artifact.card.data.get("digest"):
        return EvaluationData(given, own=True, trained_on=True)
    own = _own(artifact, folder)
    training = TrainingSamples.load(folder) if own is None else training_samples_of(own)
    unseen, notes = _unseen(given, training)
    rows = _rows(given, unseen)
    noun, name = find_modality(given.source.kind).noun[1], name_of(data)
    if own is not None:
        held_out = rows if given.classes == own.classes else _unlabeled(rows)
        notes += (
            f"Other data than those of training: all {len(rows):,} {noun} of {name} that the run "
            "was not trained on count as held out. Reference and baseline come from its own "
            f"training data, {own.source.path.name}.",
        )
        merged = replace(own, source=given.source, held_out=held_out, digest=given.digest)
        return EvaluationData(merged, own=False, trained_on=True, notes=notes)
    train, held_out = _split(given, unseen, seed)
    notes += (
        f"Other data than those of training, which are not at hand: {len(held_out):,} {noun} of "
        f"{name} are held out, and the other {len(train):,} stand for the training data in "
        "reference and baseline. Whether training data were memorised cannot be scored.",
    )
    parts = replace(given, train=train, held_out=held_out)
    return EvaluationData(parts, own=False, trained_on=False, notes=notes)


def check_alike(artifact: Artifact, source: Source) -> None:
    """Refuse data that differ from those of training in more than their samples.

    Raises:
        DataError: naming the size, columns, colours and classes that differ.
    """
    differences = differing(artifact.card.data.get("traits", {}), traits_of(source))
    known = artifact.data_classes
    if known and (strange := [name for name in source.classes if name not in known]):
        differences.append(
            f"classes that the model does not know: {', '.join(strange[:MAX_NAMED])}; it knows "
            f"{', '.join(known[:20])}"
        )
    if differences:
        raise DataError(
            "not like the data that the run was trained on\n  " + "\n  ".join(differences),
            where=str(source.path),
            remedy="Give data like those of training; to score these all the same, add --anyway "
            "(in Python anyway=True).",
        )


def _loaded(
    artifact: Artifact, folder: Path, data: Any, label: str | None, *, anyway: bool
) -> Dataset:
    """Data with the codecs and classes of a run; its cache is read and never written."""
    codec = artifact.codecs["sample"]
    source = source_for(data, label, artifact.card.recipe, artifact.config, kind=codec.kind)
    if not anyway:
        check_alike(artifact, source)
    source = _known(source, artifact.codecs)
    if artifact.data_classes:
        source = _aligned(source, artifact.data_classes)
    cache = dataset.cache_of(source, codec, folder / "cache")
    return dataset.load(source, artifact.codecs, cache=cache, seed=0)


def _known(source: Source, codecs: Mapping[str, Codec[Any]]) -> Source:
    """The same source without what the codecs of a run do not know, in every role."""
    roles = {
        role: find_modality(each.kind).reading.known(each, codecs[role])
        for role, each in source.roles.items()
        if role in codecs
    }
    known = find_modality(source.kind).reading.known(source, codecs[SAMPLE])
    return replace(known, roles={**source.roles, **roles})


def _aligned(source: Source, classes: Sequence[str]) -> Source:
    """The same source with the classes of a run; samples of others count as unlabelled."""
    number = {name: at for at, name in enumerate(classes)}
    numbers = np.array([*(number.get(name, -1) for name in source.classes), -1], np.int64)
    return replace(source, classes=tuple(classes), labels=numbers[source.labels])


def _own(artifact: Artifact, folder: Path) -> Dataset | None:
    """The run's own data, if they are still there and unchanged."""
    with suppress(GannetError):
        plan = read_plan(folder)
        if plan is not None:
            path = own_path(artifact, folder)
            own = _loaded(artifact, folder, path, plan.label_column, anyway=True)
            if own.digest == artifact.card.data.get("digest"):
                return own
    return None


def _unseen(
    given: Dataset, training: TrainingSamples | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which samples were not trained on, and notes on the others.

    Raises:
        DataError: if all of them were trained on.
    """
    if training is None:
        return np.arange(len(given.identities)), (OTHER_DATA,)
    leaked = training.trained_on(given.identities)
    source, noun = given.source, find_modality(given.source.kind).noun[1]
    if leaked.all():
        raise DataError(
            f"the run was trained on all of these {len(leaked):,} {noun}, so nothing is left to "
            "score",
            where=str(source.path),
            remedy="Give others, or leave the data out: the run knows which of its own it held "
            "out.",
        )
    if not leaked.any():
        return np.arange(len(leaked)), ()
    names = [str(source.names[at]) for at in np.flatnonzero(leaked)[:MAX_NAMED]]
    named = "" if given.skipped else f": {', '.join(names)}"
    named += ", ..." if named and leaked.sum() > MAX_NAMED else ""
    return np.flatnonzero(~leaked), (
        f"Left out, since the run was trained on them: {leaked.sum():,} of {len(leaked):,} {noun}"
        f"{named}.",
    )


def _rows(given: Dataset, indices: NDArray[np.int64]) -> Rows:
    """Samples of either part, by their indices in the store."""
    labels = np.full(len(given.identities), -1, np.int64)
    for part in (given.train, given.held_out):
        labels[part.indices] = part.labels
    return replace(given.train, indices=indices, labels=labels[indices])


def _unlabeled(rows: Rows) -> Rows:
    """The same samples without classes, of which the run knows none."""
    return replace(rows, labels=np.full(len(rows), -1, np.int64), label_codec=None)


def _split(given: Dataset, unseen: NDArray[np.int64], seed: int) -> tuple[Rows, Rows]:
    """Two parts of samples that were not trained on; equal ones stay together."""
    rows, prints = _rows(given, unseen), given.identities[unseen]
    if len(np.unique(prints)) < ALIKE * len(prints):
        prints = np.arange(len(prints), dtype=np.uint64)
    parts = split(prints, prints, rows.labels, fraction=THIRD, seed=seed)
    first, second = (_rows(given, unseen[part]) for part in parts)
    return first, second
