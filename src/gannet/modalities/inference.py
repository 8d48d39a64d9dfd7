"""What sampling, judging and applying ask of a kind of data; each with an answer for any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError, GannetError
from gannet.core.frame import Frame
from gannet.core.io.files import writing
from gannet.core.sampling import (
    ConditionRequest,
    DrawnSamples,
    LoadedSamples,
    NoOptions,
    SampleSource,
    SamplingRequest,
)
from gannet.core.transform import TransformTask

ReadTable = Callable[[Path], Frame]
"""A file of cells to a table; kinds of data read none themselves."""

AT_ONCE = 256
"""Samples that are made at once."""


def stacked(raws: Sequence[Any], codec: Codec[Any]) -> Any:
    """Raw samples as one array where they have one shape, else as a list."""
    if not raws:
        raws = codec.decode(torch.zeros(1, *codec.shape))
        return stacked(raws, codec)[:0]
    arrays = [np.asarray(raw) for raw in raws]
    alike = len({each.shape for each in arrays}) == 1 and arrays[0].dtype.kind in "biuf"
    return np.stack(arrays) if alike else list(raws)


def without_condition(_request: ConditionRequest) -> Tensor | None:
    """Samples are told nothing in such a slot unless it is derived from an input."""
    return None


def drawn(source: SampleSource, request: SamplingRequest) -> DrawnSamples:
    """One raw sample after the other, made some at a time."""

    def parts() -> Iterator[Any]:
        for start in range(0, max(request.count, 1), AT_ONCE):
            rows = min(AT_ONCE, request.count - start)
            made = source.sample(rows, seed=request.seed, start=start, **request.asked)
            yield from source.decode(made)

    return DrawnSamples(parts())


def read(codec: Codec[Any], path: Path) -> Any:
    """One raw sample of a file.

    Raises:
        DataError: if it cannot be read, whatever the codec raises.
    """
    try:
        return codec.read(path)
    except GannetError:
        raise
    except Exception as error:  # noqa: BLE001  # readers of other packages may raise anything
        raise DataError(
            f"cannot be read: {error}",
            where=str(path),
            remedy="Give a file of the kind that the run was trained on.",
        ) from None


def read_file(codec: Codec[Any], path: Path, read_table: ReadTable) -> LoadedSamples:  # noqa: ARG001
    """A file that is one sample."""
    return LoadedSamples(codec.encode([read(codec, path)]), ("",))


def encode(codec: Codec[Any], raws: Any) -> Tensor:
    """Raw samples, of which some may be files."""
    held = [read(codec, Path(each)) if isinstance(each, str | Path) else each for each in raws]
    return codec.encode(held) if held else torch.zeros(0)


def apply_file(
    task: TransformTask,
    given: Path,
    outs: Sequence[Path],
    read_table: ReadTable,  # noqa: ARG001
) -> None:
    """A file to one for each draw, as the codec reads and writes them."""
    files = {name: read(task.codec, file) for name, file in task.named_files(given).items()}
    made = task(read(task.codec, given), files)
    for path, each in zip(outs, made, strict=True):
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            task.codec.write(each, path)


def apply_value(task: TransformTask, given: Any, read_table: ReadTable) -> Sequence[Any]:  # noqa: ARG001
    """A raw sample, or a file, to one for each draw."""
    place = Path(given) if isinstance(given, str | Path) else None
    files = {name: read(task.codec, file) for name, file in task.named_files(place).items()}
    return task(given if place is None else read(task.codec, place), files)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceHooks:
    """How samples of a kind are drawn, read and transformed.

    Attributes:
        options: What may be asked for when samples of this kind are made.
        at_once: How many are made at once.
        sample: Draws raw samples from a model, as its options ask.
        stack: Raw samples as Python gives them back.
        condition_options: What may be asked for where samples are told something of this kind.
        condition: What samples are told in a slot of this kind; ``None`` for nothing.
        read_file: Samples of a file, encoded, and what each is called.
        encode: Raw samples in memory, encoded.
        apply_file: Transforms an input file into an output file for each draw.
        apply_value: Transforms an input in memory, or a file, into an output for each draw.
    """

    options: type[BaseModel] = NoOptions
    at_once: int = AT_ONCE
    sample: Callable[[SampleSource, SamplingRequest], DrawnSamples] = drawn
    stack: Callable[[Sequence[Any], Codec[Any]], Any] = stacked
    condition_options: type[BaseModel] = NoOptions
    condition: Callable[[ConditionRequest], Tensor | None] = without_condition
    read_file: Callable[[Codec[Any], Path, ReadTable], LoadedSamples] = read_file
    encode: Callable[[Codec[Any], Any], Tensor] = encode
    apply_file: Callable[[TransformTask, Path, Sequence[Path], ReadTable], None] = apply_file
    apply_value: Callable[[TransformTask, Any, ReadTable], Sequence[Any]] = apply_value
