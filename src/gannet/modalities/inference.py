"""Hooks of a modality for sampling, judging and transforming, with generic defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import GannetError
from gannet.core.frame import Frame
from gannet.core.io.files import writing
from gannet.core.sampling import (
    ConditionRequest,
    LoadedSamples,
    NoOptions,
    SampleSource,
    SampleStream,
    SamplingRequest,
)
from gannet.core.transform import TransformTask
from gannet.modalities.reading import codec_errors, reader_errors

ReadTable = Callable[[Path], Frame]
"""Reads a file of cells as a table."""

AT_ONCE = 256
"""Batch size of sampling."""


def stacked(raws: Sequence[Any], codec: Codec[Any]) -> Any:
    """Raw samples as one array where they have one shape, else as a list."""
    if not raws:
        raws = codec.decode(torch.zeros(1, *codec.shape))
        return stacked(raws, codec)[:0]
    arrays = [np.asarray(raw) for raw in raws]
    same_shape = len({each.shape for each in arrays}) == 1 and arrays[0].dtype.kind in "biuf"
    return np.stack(arrays) if same_shape else list(raws)


def without_condition(_request: ConditionRequest) -> Tensor | None:
    """No condition, unless the recipe derives one from an input."""
    return None


def draw_samples(source: SampleSource, request: SamplingRequest) -> SampleStream:
    """Raw samples one by one, generated in batches."""

    def parts() -> Iterator[Any]:
        for start in range(0, max(request.count, 1), AT_ONCE):
            rows = min(AT_ONCE, request.count - start)
            samples = source.sample(
                rows, seed=request.seed, start=start, **request.condition_options
            )
            yield from source.decode(samples)

    return SampleStream(parts())


def read(codec: Codec[Any], path: Path) -> Any:
    """One raw sample of a file.

    Raises:
        DataError: if it cannot be read, whatever the codec raises.
    """
    with reader_errors(
        lambda error: f"cannot be read: {error}",
        where=str(path),
        remedy="Give a file of the kind that the run was trained on.",
        unchanged=GannetError,
    ):
        return codec.read(path)


def read_file(codec: Codec[Any], path: Path, read_table: ReadTable) -> LoadedSamples:  # noqa: ARG001
    """A file that is one sample."""
    return LoadedSamples(encoded(codec, [read(codec, path)], str(path)), ("",))


def file_of(codec: Codec[Any], given: Any) -> Path | None:
    """The file that an input names; ``None`` for a raw sample.

    A text is a file's name, unless raw samples are texts themselves and there is no such file.
    """
    if not isinstance(given, str | Path):
        return None
    path = Path(given)
    if isinstance(given, Path) or not isinstance(
        codec.decode(torch.zeros(1, *codec.shape))[0], str
    ):
        return path
    with suppress(OSError, ValueError):  # a text may be too long for a name
        return path if path.is_file() else None
    return None


def read_input(codec: Codec[Any], given: Any, read_table: ReadTable) -> Any:  # noqa: ARG001
    """A raw sample, or that of a file, as transforms take it."""
    file = file_of(codec, given)
    return given if file is None else read(codec, file)


def write_output(codec: Codec[Any], raw: Any, path: Path) -> None:
    """Write an output of a transform by its codec."""
    codec.write(raw, path)


def output_value(_codec: Codec[Any], raw: Any) -> Any:
    """An output of a transform, unchanged."""
    return raw


def encode(codec: Codec[Any], raws: Any) -> Tensor:
    """Encode raw samples, some of which may be files."""
    files = [file_of(codec, each) for each in raws]
    loaded = [
        each if file is None else read(codec, file) for each, file in zip(raws, files, strict=True)
    ]
    if not loaded:
        return torch.zeros(0)
    try:
        return codec.encode(loaded)
    except Exception:  # which one is to blame?
        for row, raw in enumerate(loaded):
            encoded(codec, [raw], str(files[row] or f"sample {row}"))
        raise


def encoded(codec: Codec[Any], raws: Sequence[Any], where: str) -> Tensor:
    """Encoded raw samples of one place.

    Raises:
        DataError: if they cannot be encoded, whatever the codec raises.
    """
    with codec_errors("it", "encoded", where):
        return codec.encode(raws)


def transformed(
    task: TransformTask, raw: Any, files: Mapping[str, Any], where: str
) -> Sequence[Any]:
    """One raw output per draw.

    Raises:
        DataError: if the input cannot be encoded, whatever the codec raises.
    """
    try:
        return task(raw, files)
    except GannetError:
        raise
    except Exception:  # the input's fault, or that of the recipe?
        encoded(task.codec, [raw], where)
        raise


def apply_file(
    task: TransformTask,
    given: Path,
    outs: Sequence[Path],
    read_table: ReadTable,  # noqa: ARG001
) -> None:
    """Transform a file into one file per sample, read and written by the codecs."""
    files = {name: read(task.codec, file) for name, file in task.named_files(given).items()}
    outputs = transformed(task, read(task.codec, given), files, str(given))
    for path, each in zip(outs, outputs, strict=True):
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            task.output_codec.write(each, path)


def apply_value(task: TransformTask, given: Any, read_table: ReadTable) -> Sequence[Any]:  # noqa: ARG001
    """Transform a raw sample, or a file, into one output per sample."""
    path = file_of(task.codec, given)
    files = {name: read(task.codec, file) for name, file in task.named_files(path).items()}
    raw = given if path is None else read(task.codec, path)
    return transformed(task, raw, files, str(path or "the input"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceHooks:
    """How samples of a kind are drawn, read and transformed.

    Attributes:
        options: Options of sampling this modality.
        at_once: Batch size of sampling.
        sample: Draws raw samples from a model, with these options.
        stack: Raw samples to what the Python API returns.
        condition_options: Options of conditions of this modality.
        condition: The conditions of samples in this modality; ``None`` for none.
        read_file: The encoded samples of a file, and their names.
        encode: Encodes raw samples in memory.
        apply_file: Transforms an input file into one output file per sample, both of this kind.
        apply_value: Transforms an input in memory, or a file, into one output per sample, both of
            this kind.
        read_input: A file, or an input in memory, as transforms to another kind take it.
        write_output: Writes an output of a transform from another kind.
        output_value: What the Python API returns of such an output.
        editable: Whether `gannet edit` can change samples: what it measures and shows are pictures
            ``(C, H, W)`` in [-1, 1].
    """

    options: type[BaseModel] = NoOptions
    at_once: int = AT_ONCE
    sample: Callable[[SampleSource, SamplingRequest], SampleStream] = draw_samples
    stack: Callable[[Sequence[Any], Codec[Any]], Any] = stacked
    condition_options: type[BaseModel] = NoOptions
    condition: Callable[[ConditionRequest], Tensor | None] = without_condition
    read_file: Callable[[Codec[Any], Path, ReadTable], LoadedSamples] = read_file
    encode: Callable[[Codec[Any], Any], Tensor] = encode
    apply_file: Callable[[TransformTask, Path, Sequence[Path], ReadTable], None] = apply_file
    apply_value: Callable[[TransformTask, Any, ReadTable], Sequence[Any]] = apply_value
    read_input: Callable[[Codec[Any], Any, ReadTable], Any] = read_input
    write_output: Callable[[Codec[Any], Any, Path], None] = write_output
    output_value: Callable[[Codec[Any], Any], Any] = output_value
    editable: bool = False
