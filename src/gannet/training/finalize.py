"""The results of a run: sample grids, the two-sample test (C2ST) and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import CodecError
from gannet.core.io.files import write_whole, writing
from gannet.core.io.regular import real_path
from gannet.core.recipe import Recipe
from gannet.core.seeding import derive_seed, latents_at, random_subset
from gannet.core.types import Batch, Condition, Spec
from gannet.data.dataset import Dataset, Rows
from gannet.evaluation.report.outdated import remove_outdated
from gannet.evaluation.two_sample.generator import most_samples, two_sample_test
from gannet.evaluation.two_sample.test import MIN_SAMPLES
from gannet.inference.artifact import Artifact
from gannet.inference.card import read_card
from gannet.inference.model_card import model_card, training_log_of
from gannet.inference.options import given_codec
from gannet.modalities.hooks import SampleGrid, columns, no_grid
from gannet.modalities.reading import codec_errors
from gannet.modalities.registry import codec_of, modality_of
from gannet.training.plan import Plan
from gannet.training.trainer import Trainer

FULL_SAMPLES = 16_384
"""Samples that training has processed from which on nothing is spared at its end."""

FULL_STEPS = 250
"""Steps of training from which on nothing is spared either, however large batches are."""

FIT_ROWS = 50_000
"""Maximum rows of each split for a fit after training."""

GRID_SAMPLES = 64
"""Samples in a grid."""

COMPARISON_INPUTS = 12
"""Held-out inputs in a grid of conditional outputs."""

MAX_FILES = 8
"""Maximum files, for kinds of data without a grid."""

INPUTS_PER_ROW = 3
"""Inputs per row in a grid of conditional outputs."""


@torch.no_grad()
def preview(
    trainer: Trainer[Any], plan: Plan, out: Path, given: Batch, count: int = GRID_SAMPLES
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
        ``samples/step-000500.png``, or ``None`` if these samples cannot be shown.
    """
    if not _can_show(plan.spec.kind):
        return None
    if trainer.recipe.inputs.conditional:
        given = given[: count // INPUTS_PER_ROW]
        count, condition = len(given), given.condition
    else:
        condition = grid_conditions(plan.spec, count)
    noise = latents_at(plan.seed, range(count), trainer.config.latent_dim)
    network, device_condition = trainer.sampler(averaged=True), condition.to(trainer.device)
    samples = trainer.recipe.sampling(
        network, noise.to(trainer.device), device_condition, trainer.config
    )
    base_path = out / "samples" / f"step-{trainer.step:06d}"
    with writing(base_path):
        base_path.parent.mkdir(parents=True, exist_ok=True)
    codecs = {role: codec_of(**each) for role, each in plan.codecs.items()}
    shown = _inputs_of(trainer.recipe, codecs, given)
    with suppress(CodecError):  # training goes on; ``finalize`` says what is wrong with the codec
        return show(samples.float().cpu(), codecs["sample"], base_path, shown)
    return None


@dataclass(frozen=True, slots=True)
class ShownInputs:
    """Inputs and targets that are shown beside conditional outputs.

    Attributes:
        inputs: ``(n, ...)``.
        targets: ``(n, *shape)``.
        codec: Of the inputs.
    """

    inputs: Tensor
    targets: Tensor
    codec: Codec[Any]


def _inputs_of(
    recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]], given: Batch
) -> ShownInputs | None:
    """The inputs and targets of a conditional recipe; ``None`` for all others."""
    codec = given_codec(recipe, codecs)
    if codec is None:
        return None
    return ShownInputs(given.condition.slot(recipe.inputs.given), given.real, codec)


def show(
    samples: Tensor, codec: Codec[Any], base_path: Path, given: ShownInputs | None = None
) -> Path | None:
    """Write samples in a format suited to their kind of data.

    Args:
        samples: ``(n, *shape)``.
        codec: Of the samples.
        base_path: Path of the file, without its suffix.
        given: For conditional outputs, their inputs and targets.

    Returns:
        The file, the first of several, or ``None`` if this kind of data cannot be shown.

    Raises:
        CodecError: naming the method of the codec, or the hook, that raised something.
    """
    modality = modality_of(codec.kind)
    grid: SampleGrid | None = None
    if given is not None and given.codec.kind == codec.kind:
        with codec_errors(modality.noun[1], f"shown by the hook comparison of {modality.name}"):
            grid = modality.presentation.comparison(
                given.inputs, [samples], given.targets, INPUTS_PER_ROW
            )
    if grid is None:
        raws, grid = _decoded_grid(samples, codec)
        if given is not None and grid is not None:
            _show_inputs(given, base_path, beside=grid)
        if grid is None:
            return _write_files(raws, codec, base_path) if modality.item_suffix else None
    path = base_path.with_suffix(grid.suffix)
    write_whole(path, grid.content)
    return path


def _decoded_grid(samples: Tensor, codec: Codec[Any]) -> tuple[list[Any], SampleGrid | None]:
    """Raw samples, and all of them in one file where the kind of data has such a file."""
    modality = modality_of(codec.kind)
    with codec_errors(modality.noun[1], f"decoded by {_method(codec, 'decode')}"):
        raws = codec.decode(samples)
    with codec_errors(modality.noun[1], f"shown by the hook grid of {modality.name}"):
        return raws, modality.presentation.grid(raws, columns(len(raws)))


def _method(codec: Codec[Any], name: str) -> str:
    """A method of a codec with the package that it comes from."""
    return f"{type(codec).__module__}.{type(codec).__qualname__}.{name}"


def _show_inputs(given: ShownInputs, base_path: Path, *, beside: SampleGrid) -> None:
    """Write inputs of another kind than the outputs, in the same order, if they fit in a file."""
    _, grid = _decoded_grid(given.inputs, given.codec)
    if grid is not None and grid.suffix != beside.suffix:
        write_whole(base_path.with_suffix(grid.suffix), grid.content)


def _write_files(raws: list[Any], codec: Codec[Any], base_path: Path) -> Path | None:
    """A few samples, a file for each."""
    suffix = modality_of(codec.kind).item_suffix
    paths = [
        base_path.with_name(f"{base_path.name}-{n}{suffix}") for n in range(len(raws[:MAX_FILES]))
    ]
    for raw, path in zip(raws, paths, strict=False):
        with codec_errors(modality_of(codec.kind).noun[0], f"written by {_method(codec, 'write')}"):
            codec.write(raw, path)
    return next(iter(paths), None)


def _can_show(kind: str) -> bool:
    """Whether samples of this kind of data can be shown."""
    modality = modality_of(kind)
    return modality.presentation.grid is not no_grid or bool(modality.item_suffix)


def grid_conditions(spec: Spec, count: int) -> Condition:
    """Conditions that go through the classes in turn, sample by sample; else blank."""
    condition = spec.blank(count)
    if spec.vector:
        condition.vector[torch.arange(count), torch.arange(count) % spec.vector] = 1
    return condition


def effort_after(samples: int, steps: int = FULL_STEPS) -> float:
    """Fraction of the full effort, up to 1, that the end of a run is worth.

    Counted in samples and steps, not in seconds: results do not depend on a machine's speed.

    Args:
        samples: Steps times the batch size: a sample counts each time training processes it.
        steps: Steps of training.

    >>> effort_after(100 * 16, 100), effort_after(20 * 1_000, 20), effort_after(1_000 * 64, 1_000)
    (0.09765625, 0.08, 1.0)
    """
    return min(samples / FULL_SAMPLES, steps / FULL_STEPS, 1.0)


def with_fit_after_training(artifact: Artifact, dataset: Dataset) -> Artifact:
    """The same artifact with the extra state that its recipe fits after training."""
    fit = artifact.recipe.inference.fit_after_training
    if fit is None:
        return artifact
    seed = artifact.card.seed
    train = dataset.train.take(sorted(random_subset(len(dataset.train), FIT_ROWS, seed)))
    # Every other held-out row; the rest stays unseen for evaluation.
    half = range(0, len(dataset.held_out), 2)
    held_out = dataset.held_out.take(
        [half[at] for at in sorted(random_subset(len(half), FIT_ROWS, seed))]
    )
    return replace(artifact, extra_state=fit(artifact.trained, train, held_out, seed))


def with_two_sample_test(artifact: Artifact, dataset: Dataset, *, effort: float = 1.0) -> Artifact:
    """The same artifact with the classifier two-sample test (C2ST) on its card.

    The discriminator of training proves nothing, since it may be weak. The test trains new
    classifiers on half of held-out reals and fakes and tests them on the other half. Without two
    sets of eight held-out samples nothing is put on the card, and nothing claimed.

    Args:
        artifact: A trained run.
        dataset: The data that it was trained on.
        effort: Fraction of the full effort, see ``effort_after``.
    """
    codec, seed = artifact.codecs["sample"], artifact.card.seed
    modality = modality_of(codec.kind)
    most = partial(most_samples, modality, artifact.card.spec.shape, effort=effort)
    count, others = most(len(dataset.held_out)), most(len(dataset.train))
    if count < MIN_SAMPLES:
        return artifact
    held_out = dataset.held_out.take(random_subset(len(dataset.held_out), count, seed))
    train = dataset.train.take(random_subset(len(dataset.train), others, seed))
    result = two_sample_test(
        held_out.real,
        artifact.fakes_like(held_out, seed=derive_seed(seed, 2)),
        train.real,
        modality=modality,
        codec=codec,
        embed=artifact.embed,
        seed=seed,
        controls=1,
        effort=effort,
    )
    return replace(
        artifact, card=artifact.card.model_copy(update={"two_sample_test": result.record()})
    )


def _write_samples(artifact: Artifact, out: Path) -> Path | None:
    seed = artifact.card.seed
    condition = (
        grid_conditions(artifact.card.spec, GRID_SAMPLES)
        if artifact.classes
        else artifact.conditions(GRID_SAMPLES, seed=seed)
    )
    return show(artifact.fakes(condition, seed=seed), artifact.codecs["sample"], out / "grid")


def _write_comparison(artifact: Artifact, held_out: Rows, out: Path) -> Path | None:
    some = held_out.take(random_subset(len(held_out), COMPARISON_INPUTS, artifact.card.seed))
    given = artifact.recipe.with_evaluation_condition(some, artifact.card.spec)
    outputs = artifact.fakes(given.condition, seed=artifact.card.seed)
    shown = _inputs_of(artifact.recipe, artifact.codecs, given)
    return show(outputs, artifact.codecs["sample"], out / "grid", shown)


def finalize(artifact: Artifact, out: Path, held_out: Rows | None = None) -> Artifact:
    """Save the artifact, a grid of samples and the model card.

    Reports in the folder that are of the model before, which was trained on since, are removed.

    Conditional recipes need ``held_out`` for the inputs of their grid.

    Raises:
        CodecError: if a codec cannot show the samples; the run is saved nevertheless.
    """
    grid_path, fault = None, None
    try:
        grid_path = _write_grid(artifact, out, held_out)
    except CodecError as error:
        fault = error
    artifact.save(out)
    remove_outdated(out, read_card(out).weights)
    name = grid_path.name if grid_path is not None and grid_path.suffix == ".png" else ""
    text = model_card(artifact, real_path(out).name, name, training_log_of(artifact, out))
    write_whole(out / "README.md", text.encode())
    if fault is not None:
        raise CodecError(
            f"the run is complete and saved, but {fault.problem}",
            where=str(out),
            remedy="Correct the package of that kind of data; the run need not be trained anew.",
        )
    return artifact


def _write_grid(artifact: Artifact, out: Path, held_out: Rows | None) -> Path | None:
    """A file of samples, with their inputs and targets for a conditional recipe."""
    if not _can_show(artifact.codecs["sample"].kind):
        return None
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    if not artifact.recipe.inputs.conditional:
        return _write_samples(artifact, out)
    return None if held_out is None else _write_comparison(artifact, held_out, out)
