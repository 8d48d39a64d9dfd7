"""``gannet apply``: transform an input into an output, by any recipe that can."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gannet.core.config import either, flag
from gannet.core.errors import ConfigError, DataError, GannetError
from gannet.core.io.files import writing
from gannet.core.io.names import is_sample_name
from gannet.core.io.regular import real_path
from gannet.core.seeding import seed_fault
from gannet.core.transform import Transform, TransformTask
from gannet.data.containers.folders import tree_of_folder
from gannet.data.containers.frames import read_frame
from gannet.inference import archives
from gannet.inference.options import sorted_options, transform_of
from gannet.inference.sampler import TrainedSampler
from gannet.modalities.inference import apply_file as apply_by_codec
from gannet.modalities.inference import file_of, transformed, write_output
from gannet.modalities.modality import Modality
from gannet.modalities.registry import find_modality

MAX_SAMPLES = 1_000
"""Largest number of samples per input; catches typing errors."""


def _ignore_progress(_done: int, _all: int) -> None:
    pass


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What an input is to be transformed into.

    Attributes:
        samples: Outputs per input.
        seed: Seed of the samples.
        options: Options of the recipe's transform, by name; for a folder of inputs, an option that
            is a file may be a folder of files with the names of the inputs.
        transform: Name of the transform, for a recipe that has several; by default the first.
        on_progress: Called with the number of inputs done and the number of all.
        warn: Called with a message about what was lost of an input that could still be used.
    """

    samples: int = 1
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    transform: str = ""
    on_progress: Callable[[int, int], None] = _ignore_progress
    warn: Callable[[str], None] = _warn


def apply_file(
    artifact: TrainedSampler, given: Path, out: Path, request: ApplyRequest
) -> list[Path]:
    """Transform one file, or each file of a folder, into one output file per sample.

    Args:
        artifact: The trained run.
        given: The input.
        out: The output; with several samples, ``filled.csv`` becomes ``filled-1.csv`` and so on.
        request: Number of samples, seed and options.

    Returns:
        The files written.

    Raises:
        GannetError: if the run or the input cannot be used, or the output cannot be written. For
            a folder it is raised after all other files are done.
    """
    task, kinds = task_of(artifact, request)
    for path in numbered(out, request.samples):
        if real_path(path) == real_path(given):
            raise ConfigError(f"--out: {path} is the input", remedy="Name another file.")
    if given.is_dir():
        return _folder(task, kinds, given, out, request)
    if archives.holds_many(kinds.given, task.codec, given):
        return _archive(task, kinds, given, out, request)
    _check_format(kinds.output, out)
    return _one(task, kinds, given, out)


def apply_value(artifact: TrainedSampler, given: Any, request: ApplyRequest) -> Sequence[Any]:
    """Transform an input in memory, or a file, into one output per sample.

    Raises:
        GannetError: if the run or the input cannot be used.
    """
    task, kinds = task_of(artifact, request)
    if kinds.one_kind:
        return kinds.given.inference.apply_value(task, given, read_frame)
    return [
        kinds.output.inference.output_value(task.output_codec, each)
        for each in _crossed(task, kinds, given)
    ]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Modalities of the inputs and of the outputs of a transform."""

    given: Modality
    output: Modality

    @property
    def one_kind(self) -> bool:
        """Whether outputs are of the inputs' kind, which may then keep what is not changed."""
        return self.given.name == self.output.name


def task_of(artifact: TrainedSampler, request: ApplyRequest) -> tuple[TransformTask, Kinds]:
    """Check a request against a run; return its task and the modalities of both sides.

    Raises:
        ConfigError: naming every option that the run does not support.
    """
    kind = artifact.codecs["sample"].kind
    transform = transform_of(artifact.recipe, artifact.card.recipe, request.transform, kind)
    check_samples(request.samples, request.seed)
    in_memory = {name: v for name, v in request.options.items() if _is_array(v)}
    named = {name: v for name, v in request.options.items() if name not in in_memory}
    _check_in_memory(transform, in_memory)
    parsed = sorted_options(
        named, {"transform": transform.options}, remedy="Change what is named here."
    )
    options = transform.options.model_validate(parsed["transform"])
    _check_fixed(artifact, transform, options)
    transform.check(artifact.trained, options)
    codec, output_codec = (
        artifact.codecs.get(role, artifact.codecs["sample"])
        for role in (transform.given, transform.output)
    )
    task = TransformTask(
        transform=transform,
        trained=artifact.trained,
        codec=codec,
        output_codec=output_codec,
        options=options,
        samples=request.samples,
        seed=request.seed,
        recipe=artifact.card.recipe,
        warn=request.warn,
        in_memory=in_memory,
    )
    return task, Kinds(find_modality(codec.kind), find_modality(output_codec.kind))


def _is_array(value: object) -> bool:
    """Whether an option is an array or a picture in memory."""
    return hasattr(value, "__array_interface__") or hasattr(value, "__array__")


def _check_in_memory(transform: Transform[Any], in_memory: Mapping[str, object]) -> None:
    """Refuse arrays for options that do not name a file.

    Raises:
        ConfigError: naming each.
    """
    fields = transform.options.model_fields
    wrong = [n for n in in_memory if n not in fields or "Path" not in str(fields[n].annotation)]
    if wrong:
        raise ConfigError(
            f"{', '.join(wrong)}: got an array", remedy="Give an array only where a file is taken."
        )


def _check_fixed(artifact: TrainedSampler, transform: Transform[Any], options: object) -> None:
    """Refuse options that differ from a setting fixed in training.

    Raises:
        ConfigError: naming each.
    """
    faults: list[str] = []
    for name in transform.fixed:
        value, trained = getattr(options, name), getattr(artifact.config, name)
        if value not in (None, trained):
            faults.append(
                f"{flag(name)}: this run was trained for {trained}, not for {value}; leave it out, "
                f"or give a run that was trained with {flag(name)} {value}"
            )
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")


def check_samples(samples: int, seed: int) -> None:
    """Refuse numbers that are out of range.

    Raises:
        ConfigError: naming both.
    """
    faults: list[str] = []
    if not 1 <= samples <= MAX_SAMPLES:
        faults.append(f"--samples: must lie between 1 and {MAX_SAMPLES}, got {samples}")
    faults += filter(None, [seed_fault(seed)])
    if faults:
        raise ConfigError("\n".join(faults))


def _check_format(modality: Modality, out: Path) -> None:
    """Refuse a file of a suffix that the kind does not know, unless it writes in its own way.

    Raises:
        ConfigError: naming the suffixes that it knows.
    """
    hooks, suffixes = modality.inference, archives.suffixes_of(modality)
    own = hooks.write_output is not write_output or hooks.apply_file is not apply_by_codec
    if suffixes and not own and out.suffix.lower() not in suffixes:
        raise ConfigError(
            f"--out: {modality.noun[0]} cannot be written to {out}: there is no format for "
            f"{out.suffix!r}",
            remedy=f"Use {either(*sorted(suffixes))}.",
        )


def numbered(out: Path, samples: int) -> list[Path]:
    """The output file of each sample.

    >>> [path.name for path in numbered(Path("filled.csv"), 2)]
    ['filled-1.csv', 'filled-2.csv']
    """
    if samples == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{draw + 1}{out.suffix}") for draw in range(samples)]


def _one(task: TransformTask, kinds: Kinds, given: Path, out: Path) -> list[Path]:
    outs = numbered(out, task.samples)
    if kinds.one_kind:
        kinds.given.inference.apply_file(task, given, outs, read_frame)
        return outs
    for path, each in zip(outs, _crossed(task, kinds, given), strict=True):
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            kinds.output.inference.write_output(task.output_codec, each, path)
    return outs


def _crossed(task: TransformTask, kinds: Kinds, given: Any) -> Sequence[Any]:
    """Raw outputs of another kind than the input, which is a file or in memory."""
    read_input = kinds.given.inference.read_input
    path = file_of(task.codec, given)
    files = {
        name: read_input(task.codec, file, read_frame)
        for name, file in task.named_files(path).items()
    }
    raw = read_input(task.codec, given, read_frame)
    return transformed(task, raw, files, str(path or "the input"))


def _folder(
    task: TransformTask, kinds: Kinds, given: Path, out: Path, request: ApplyRequest
) -> list[Path]:
    """Transform each file of a folder; failures are reported after all others are done.

    Outputs have the usual suffix of their own kind.
    """
    modality = kinds.given
    noun = modality.noun[1]
    if not modality.item_suffix:
        raise DataError("a folder, expected one file", where=str(given), remedy="Give it a file.")
    if real_path(out) == real_path(given):
        raise ConfigError(f"--out: {out} is the input", remedy="Name another folder.")
    if out.is_file():
        raise ConfigError(f"--out: {out} is a file", remedy="Name a folder for a folder.")
    below = (given / each.name for each in tree_of_folder(given).members)
    files = [each for each in below if _is_input(modality, each) and out not in each.parents]
    if not files:
        raise DataError(f"no {noun} in it", where=str(given), remedy="Give a folder that has some.")
    return _each(task, kinds, files, given, out, request)


def _archive(
    task: TransformTask, kinds: Kinds, given: Path, out: Path, request: ApplyRequest
) -> list[Path]:
    """Transform each sample of an archive into a file of the folder ``out``."""
    with (
        archives.unpacked(kinds.given, task.codec, given) as samples,
        archives.named_after(given, samples),
    ):
        if out.is_file() or (out.suffix and not out.is_dir()):
            raise ConfigError(
                f"--out: {out} is one file, and {given} holds many {kinds.given.noun[1]}",
                remedy="Name a folder.",
            )
        return _each(task, kinds, [each.file for each in samples], given, out, request)


def _each(
    task: TransformTask,
    kinds: Kinds,
    files: Sequence[Path],
    given: Path,
    out: Path,
    request: ApplyRequest,
) -> list[Path]:
    """Transform files into a folder; failures are reported after all others are done.

    Outputs of files in folders below lie in folders of the same names.
    """
    suffix = kinds.output.item_suffix or next(iter(kinds.output.writers))
    noun = kinds.given.noun[1]
    stems = Counter(each.with_suffix("") for each in files)
    written: list[Path] = []
    failed: list[str] = []
    for number, file in enumerate(files):
        # The outputs of a.jpg and a.png must not overwrite each other.
        name = file.stem if stems[file.with_suffix("")] == 1 else file.name
        inside = file.parent.relative_to(given) if given in file.parents else Path()
        if inside.parts:
            (out / inside).mkdir(parents=True, exist_ok=True)
        try:
            written += _one(task, kinds, file, out / inside / f"{name}{suffix}")
        except GannetError as error:
            failed.append(str(error))
        request.on_progress(number + 1, len(files))
    if failed:
        raise DataError(
            f"{len(failed)} of {len(files)} {noun} failed, the others are done:\n  "
            + "\n  ".join(failed),
            where=str(given),
            remedy="Fix what is named here, and apply the run to these alone.",
        )
    return written


def _is_input(modality: Modality, file: Path) -> bool:
    return is_sample_name(file.name, {modality.item_suffix, *modality.readers})
