"""``gannet sample``: samples written to files of any format of their modality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gannet.core.errors import ConfigError
from gannet.core.io.writers import write_files
from gannet.core.sampling import SampleStream, SamplingRequest, WriteRequest
from gannet.inference.options import sample_models, sorted_options
from gannet.inference.sampler import TrainedSampler
from gannet.modalities.modality import Modality, Writer

LARGEST = 10_000_000
"""Maximum number of samples of one call; catches typing errors."""


def request_of(
    artifact: TrainedSampler, count: int, seed: int, options: Mapping[str, object]
) -> SamplingRequest:
    """The sampling request, with validated options.

    Raises:
        ConfigError: naming all options that are unknown to this run or out of range.
    """
    artifact.check_can_sample(count, seed)
    output = artifact.recipe.inference.output
    parsed = sorted_options(options, sample_models(artifact.recipe, artifact.codecs))
    own = parsed.pop(output)
    condition_options = {name: value for each in parsed.values() for name, value in each}
    artifact.check_given(condition_options)
    return SamplingRequest(count, seed, own, condition_options)


def draw_samples(
    artifact: TrainedSampler, count: int, *, seed: int = 0, **options: object
) -> SampleStream:
    """New raw samples, drawn lazily.

    Args:
        artifact: The trained run.
        count: How many.
        seed: Sample n depends on the seed and on n alone.
        options: Options of the run's modality and of its conditions.

    Raises:
        ConfigError: if an option is not known, or the count is negative; see ``request_of``.
    """
    return artifact.modality.inference.sample(artifact, request_of(artifact, count, seed, options))


def write_samples(
    artifact: TrainedSampler,
    *,
    count: int,
    out: Path,
    seed: int = 0,
    **options: object,
) -> str:
    """Make samples and write them; the suffix of ``out`` chooses the format.

    Args:
        artifact: The trained run.
        count: How many.
        out: A file, or a folder.
        seed: Sample n depends on the seed and on n alone.
        options: As for ``draw_samples``.

    Returns:
        A message: where they are, and notes for the user.

    Raises:
        ConfigError: if the count is out of range, an option or the format is unknown, or the
            folder holds other samples.
    """
    if not 1 <= count <= LARGEST:
        raise ConfigError(f"--count: must lie between 1 and {LARGEST}, got {count}")
    modality, suffix = artifact.modality, "" if out.is_dir() else out.suffix.lower()
    write, path = _writer(modality, suffix, out)
    request = request_of(artifact, count, seed, options)
    to = WriteRequest(
        path=path,
        count=count,
        codec=artifact.codec,
        labels=labels_of(artifact, request),
        classes=artifact.classes,
        options=request.options,
        facts=artifact.facts,
    )
    notes = write(modality.inference.sample(artifact, request), to) or ()
    where = str(path) if suffix or path != out else f"in {out}"
    return "\n  ".join([where, *notes])


def labels_of(artifact: TrainedSampler, request: SamplingRequest) -> Sequence[str]:
    """The class of each sample, empty for unlabeled; ``()`` for models without classes."""
    if not artifact.classes:
        return ()
    vectors = artifact.conditions(
        request.count, seed=request.seed, start=0, **request.condition_options
    ).vector
    return [name or "" for name in artifact.codecs["vector"].decode(vectors)]


def _writer(modality: Modality, suffix: str, out: Path) -> tuple[Writer, Path]:
    """The writer for a suffix, and the path that it writes to.

    Raises:
        ConfigError: if this modality has no such format.
    """
    if writer := modality.writers.get(suffix):
        return writer, out
    if suffix:
        *others, last = (each for each in modality.writers if each)
        forms = f"{', '.join(others)} or {last}" if others else last
        raise ConfigError(
            f"--out: {modality.noun[1]} cannot be written to {out}: there is no format for "
            f"{suffix!r}",
            remedy=f"Use {forms}, or give a folder.",
        )
    if not modality.item_suffix:  # a folder for one file
        usual = next(iter(modality.writers))
        return modality.writers[usual], out / f"samples{usual}"

    def folder(samples: Iterable[Any], to: WriteRequest) -> None:
        suffixes = tuple(modality.readers)
        write_files(samples, to, modality.item_suffix, suffixes=suffixes)

    return folder, out
