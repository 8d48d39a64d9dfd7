"""The results of a run: sample grids, the two-sample test (C2ST) and the model card."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.io.files import write_whole, writing
from gannet.core.seeding import derive_seed, latents_at, random_subset
from gannet.core.types import Batch, Condition
from gannet.data.dataset import Dataset, Rows
from gannet.evaluation.two_sample_test import FEWEST, classifier_two_sample_test
from gannet.inference.artifact import Artifact
from gannet.inference.calibration import within_memory
from gannet.inference.model_card import model_card
from gannet.modalities.hooks import Sheet, columns, no_sheet
from gannet.modalities.modality import as_seen
from gannet.modalities.registry import codec_of, modality_of
from gannet.training.plan import Plan
from gannet.training.trainer import Trainer

FIT_ROWS = 50_000
"""Maximum rows of each split for a fit after training."""

SHOWN = 64
"""Samples in a grid."""

ANSWERS = 12
"""Held-out inputs in a grid of conditional outputs."""

FEW = 8
"""Maximum files, for kinds of data without a grid."""

ACROSS = 3
"""Inputs per row in a grid of conditional outputs."""


@torch.no_grad()
def preview(
    trainer: Trainer[Any], plan: Plan, out: Path, given: Batch, count: int = SHOWN
) -> Path | None:
    """Samples of the EMA generator, from the same noise at every call.

    Args:
        trainer: The networks.
        plan: Of the run.
        out: Folder of the run.
        given: Held-out samples with their conditions. Conditional recipes show some of them: the
            input, the output and the target.
        count: Samples shown.

    Returns:
        ``samples/step-000500.png``, or ``None`` if this kind of data cannot be shown.
    """
    if not _can_show(plan.spec.kind):
        return None
    if trainer.recipe.inputs.conditional:
        given = given[: count // ACROSS]
        count, told = len(given), given.condition
    else:
        told = grid_conditions(plan.spec.shape, plan.spec.vector, count)
    noise = latents_at(plan.seed, range(count), trainer.config.latent_dim)
    network, told_there = trainer.sampler(averaged=True), told.to(trainer.device)
    made = trainer.recipe.sampling(network, noise.to(trainer.device), told_there, trainer.config)
    place = out / "samples" / f"step-{trainer.step:06d}"
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    codec = codec_of(**plan.codecs["sample"])
    conditional = trainer.recipe.inputs.conditional
    return show(made.float().cpu(), codec, place, given if conditional else None)


def show(
    samples: Tensor, codec: Codec[Any], place: Path, given: Batch | None = None
) -> Path | None:
    """Write samples in a format suited to their kind of data.

    Args:
        samples: ``(n, *shape)``.
        codec: Of the samples.
        place: Path of the file, without its suffix.
        given: For conditional outputs, their inputs and targets.

    Returns:
        The file, the first of several, or ``None`` if this kind of data cannot be shown.
    """
    modality = modality_of(codec.kind)
    sheet: Sheet | None = None
    if given is not None:
        sheet = modality.presentation.comparison(given, [samples], ACROSS)
    if sheet is None:
        raws = codec.decode(samples)
        sheet = modality.presentation.sheet(raws, columns(len(raws)))
        if sheet is None:
            return _one_by_one(raws, codec, place) if modality.item_suffix else None
    path = place.with_suffix(sheet.suffix)
    write_whole(path, sheet.content)
    return path


def _one_by_one(raws: list[Any], codec: Codec[Any], place: Path) -> Path | None:
    """A few samples, a file for each."""
    suffix = modality_of(codec.kind).item_suffix
    paths = [place.with_name(f"{place.name}-{n}{suffix}") for n in range(len(raws[:FEW]))]
    for raw, path in zip(raws, paths, strict=False):
        codec.write(raw, path)
    return next(iter(paths), None)


def _can_show(kind: str) -> bool:
    """Whether samples of this kind of data can be shown."""
    modality = modality_of(kind)
    return modality.presentation.sheet is not no_sheet or bool(modality.item_suffix)


def grid_conditions(shape: tuple[int, ...], classes: int, count: int) -> Condition:
    """Conditions that go through the classes in turn, sample by sample."""
    blank = Condition.none(torch.zeros(count, *shape))
    vector = torch.zeros(count, classes)
    if classes:
        vector[torch.arange(count), torch.arange(count) % classes] = 1
    return Condition(vector, blank.grid, blank.tokens)


def with_fit_after_training(artifact: Artifact, dataset: Dataset) -> Artifact:
    """The same artifact with the extra state that its recipe fits after training."""
    settle = artifact.recipe.inference.fit_after_training
    if settle is None:
        return artifact
    seed = artifact.card.seed
    train = dataset.train.take(sorted(random_subset(len(dataset.train), FIT_ROWS, seed)))
    # Every other held-out row; the rest stays unseen for evaluation.
    half = range(0, len(dataset.held_out), 2)
    held_out = dataset.held_out.take(
        [half[at] for at in sorted(random_subset(len(half), FIT_ROWS, seed))]
    )
    return replace(artifact, extra_state=settle(artifact.trained, train, held_out, seed))


def with_two_sample_test(artifact: Artifact, dataset: Dataset) -> Artifact:
    """The same artifact with the classifier two-sample test (C2ST) on its card.

    The discriminator of training proves nothing, since it may be weak. The test trains a new
    classifier on half of held-out reals and fakes and tests it on the other half.
    """
    modality = modality_of(artifact.card.spec.kind)
    test = modality.two_sample
    most = within_memory(test.samples, artifact.card.spec.shape)
    count, seed = min(len(dataset.held_out), most), artifact.card.seed
    if count < FEWEST:
        return artifact
    held_out = dataset.held_out.take(random_subset(len(dataset.held_out), count, seed))
    real, fresh = artifact.embed(held_out.real), derive_seed(seed, 2)
    fake = artifact.embed(artifact.fakes_like(held_out, seed=fresh))
    seen = as_seen(modality, held_out.real, real)
    found = classifier_two_sample_test(real, fake, seed=seed, steps=test.steps, modality=seen)
    return replace(
        artifact, card=artifact.card.model_copy(update={"two_sample_test": asdict(found)})
    )


def _samples(artifact: Artifact, out: Path) -> Path | None:
    seed, classes = artifact.card.seed, len(artifact.classes)
    told = (
        grid_conditions(artifact.card.spec.shape, classes, SHOWN)
        if classes
        else artifact.conditions(SHOWN, seed=seed)
    )
    return show(artifact.fakes(told, seed=seed), artifact.codecs["sample"], out / "grid")


def _answers(artifact: Artifact, held_out: Rows, out: Path) -> Path | None:
    some = held_out.take(random_subset(len(held_out), ANSWERS, artifact.card.seed))
    given = artifact.recipe.with_evaluation_condition(some, artifact.card.spec)
    made = artifact.fakes(given.condition, seed=artifact.card.seed)
    return show(made, artifact.codecs["sample"], out / "grid", given)


def finalize(artifact: Artifact, out: Path, held_out: Rows | None = None) -> Artifact:
    """Save the artifact, a grid of samples and the model card.

    Conditional recipes need ``held_out`` for the inputs of their grid.
    """
    shown: Path | None = None
    if _can_show(artifact.codecs["sample"].kind):
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        if not artifact.recipe.inputs.conditional:
            shown = _samples(artifact, out)
        elif held_out is not None:
            shown = _answers(artifact, held_out, out)
    artifact.save(out)
    name = shown.name if shown is not None and shown.suffix == ".png" else ""
    write_whole(out / "README.md", model_card(artifact, out.resolve().name, name).encode())
    return artifact
