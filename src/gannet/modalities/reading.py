"""Optional hooks of a modality for reading data from disk, each with a default."""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import CodecError, DataError, GannetError
from gannet.core.frame import Frame
from gannet.core.io.regular import read_bytes
from gannet.core.source import Source
from gannet.core.types import NO_TABLE, TableLayout

FILE_BYTES = 256 * 2**20
"""Largest file of one sample."""

MIN_SAMPLES = 10
"""Minimum number of different samples for monitoring and for a held-out part."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column of a container, before anything is decoded; modalities claim columns by it.

    Attributes:
        name: Name of the column; empty where there is only one.
        form: ``files`` (paths, or contents with names), ``arrays`` (numbers, a sample per row),
            ``values`` (text, numbers or dates) or ``rows`` (all columns of values together).
        suffixes: For files: count of each suffix, the most frequent first.
        shape: For arrays: shape of one sample. For rows: the number of columns.
        dtype: For arrays: their dtype.
        first: For files of unknown suffix: the first bytes of some.
        cell: Index -> cell.
        names: Names of its cells, where they differ from those of the rows.
        array: All cells, for an array in memory.
        frames: For rows: frames of some rows each; can be iterated repeatedly.
        columns: For rows: names of the columns.
        further: Whether it is offered to conditions rather than to the sample.
    """

    name: str
    form: Literal["files", "arrays", "values", "rows"]
    suffixes: Mapping[str, int] = field(default_factory=dict[str, int])
    shape: tuple[int, ...] = ()
    dtype: str = ""
    first: tuple[bytes, ...] = ()
    cell: Callable[[int], Any] = lambda index: index
    names: Sequence[str] | None = None
    array: NDArray[Any] | None = None
    frames: Iterable[Frame] = ()
    columns: tuple[str, ...] = ()
    further: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim of a modality on a column.

    Attributes:
        confidence: In 0..1; the highest takes the column.
        reason: Text for ``gannet inspect``.
    """

    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on the size of samples: the machine, the time, the recipe.

    Attributes:
        largest: Largest side, length or number of points for this machine.
        crop: Side of the crops that the recipe trains on, at full resolution; 0 for none.
        smallest: Minimum side, length or number for the recipe's networks.
        steps: Shape of an encoded sample -> affordable training steps; infinite without a limit.
        min_steps: Minimum number of steps.
        minutes: Time limit, for messages.
        networks: Name of the networks with that minimum size, for errors.
        beside: Codec of the samples, for conditions that must have their size.
    """

    largest: int = 64
    crop: int = 0
    smallest: int = 1
    steps: Callable[[tuple[int, ...]], float] = lambda _: float("inf")
    min_steps: int = 1_000
    minutes: float = 0.0
    networks: str = "the networks"
    beside: Codec[Any] | None = None


class SampleStore(Protocol):
    """Encoded samples by index.

    Attributes:
        slow: Whether prefetching in another thread pays.
        location: Where they are stored, as text.
    """

    slow: ClassVar[bool]
    location: ClassVar[str]

    def read(self, indices: NDArray[np.int64]) -> Tensor:
        """Samples ``(n, *shape)``."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """All samples of a source, for modalities that do not read them item by item.

    Attributes:
        store: The encoded samples.
        contents: ``(n,)`` fingerprints that order the samples.
        fingerprints: ``(n,)`` fingerprints, equal for duplicates.
        identities: ``(n,)`` fingerprints, equal for equal samples, even where these are no
            duplicates but coincidences; by default ``fingerprints``.
    """

    store: SampleStore
    contents: NDArray[np.uint64]
    fingerprints: NDArray[np.uint64]
    identities: NDArray[np.uint64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Dataset report of a modality.

    Attributes:
        indices: Indices of the readable items.
        fingerprints: Fingerprint of each of them, equal for duplicates.
        broken: Names of unreadable items, with reasons.
        details: Details of this modality, as a record for JSON.
        lines: Lines of text about the samples.
        lines_after_duplicates: Lines of text that follow the duplicates.
        warnings: Warnings before training.
        learnable: Whether the samples have anything to learn, whatever their number.
        copies: Whether equal samples are duplicates, of which only one counts.
        why: Why the recipe fits, as text.
        shape: Shape of an encoded sample in training; empty if unknown.
        size: The same as text, with the reason.
        options: Options that training would choose.
    """

    indices: Sequence[int]
    fingerprints: Sequence[int] | NDArray[np.uint64]
    broken: tuple[tuple[str, str], ...] = ()
    details: BaseModel | None = None
    lines: tuple[str, ...] = ()
    lines_after_duplicates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    learnable: bool = True
    copies: bool = True
    why: str = ""
    shape: tuple[int, ...] = ()
    size: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """How inputs and targets of pairs are found in one file, or derived.

    Attributes:
        derived: Name -> inputs made from the targets themselves, such as their edges.
        halves: Splits files that hold both: from a source and the input side (empty for the
            default) to targets and inputs.
        sides: Whether all files of a folder hold both; refuses a mixture.
        check: Refuses pairs of targets and inputs that do not fit each other.
    """

    derived: Mapping[str, Callable[[Source], Source]] = field(
        default_factory=dict[str, Callable[[Source], Source]]
    )
    halves: Callable[[Source, str], tuple[Source, Source]] | None = None
    sides: Callable[[Sequence[Path], Path], bool] = lambda _files, _folder: False
    check: Callable[[Source, Source], None] = lambda _targets, _given: None


@contextmanager
def reader_errors(
    describe: Callable[[Exception], str],
    *,
    where: str,
    remedy: str,
    unchanged: type[GannetError] = DataError,
) -> Generator[None]:
    """Turn any exception of a reader, which may be of another package, into a ``DataError``.

    Args:
        describe: The exception to the error's message.
        where: What is read.
        remedy: What to do about it.
        unchanged: Errors that pass as they are.

    Raises:
        DataError: in place of any other exception.
    """
    try:
        yield
    except unchanged:
        raise
    except Exception as error:  # noqa: BLE001  # readers of other packages may raise anything
        raise DataError(describe(error), where=where, remedy=remedy) from None


def reason_of(error: Exception) -> str:
    """Why a codec cannot use a sample: what it says, else what it raised."""
    if isinstance(error, GannetError):
        return error.problem
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@contextmanager
def codec_errors(noun: str, what: str, where: str = "") -> Generator[None]:
    """Turn any exception of a codec into a ``CodecError``.

    Args:
        noun: What is encoded or decoded, for the message.
        what: What cannot be done with it.
        where: Name of the sample, or of the option.

    Raises:
        CodecError: in place of any exception that is no ``GannetError``.
    """
    try:
        yield
    except GannetError:
        raise
    except Exception as error:  # noqa: BLE001  # codecs of other packages may raise anything
        raise CodecError(
            f"{noun} cannot be {what} ({reason_of(error)})",
            where=where,
            remedy="Correct it, or the package of that kind of data.",
        ) from None


def source_unchanged(source: Source, _column: ColumnView) -> Source:
    """Use cells as samples unchanged."""
    return source


def content_of(cell: Any, name: str) -> bytes:
    """The content of a cell as bytes, for fingerprints.

    Raises:
        DataError: if a file cannot be read or is too large.
    """
    if isinstance(cell, np.ndarray) and not cell.dtype.hasobject:
        return np.ascontiguousarray(cell).tobytes()  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(cell, bytes):
        return cell
    if not isinstance(cell, Path):
        return repr(_plain(cell)).encode()
    try:
        return read_bytes(cell, FILE_BYTES)
    except FileNotFoundError:
        raise DataError("does not exist", where=name, remedy="Check the path.") from None
    except PermissionError:
        raise DataError(
            "no permission to read it", where=name, remedy="Check its access rights."
        ) from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise DataError(str(error.strerror), where=name, remedy="Save it smaller.") from None
        raise DataError(
            f"cannot be read ({error.strerror})", where=name, remedy="Remove it or fetch it again."
        ) from None


def content_of_raw(raw: Any) -> bytes:
    """The content of a raw sample as bytes, equal for equal samples of any type.

    >>> content_of_raw({"b": 1, "a": [2, {3}]}) == content_of_raw({"a": [2, {3}], "b": 1})
    True
    """
    with suppress(ValueError):  # lists of different lengths are no array
        array = np.asarray(raw)
        if not array.dtype.hasobject:
            return f"{array.dtype} {array.shape}".encode() + array.tobytes()
    return repr(_plain(raw)).encode()


def _plain(value: Any) -> Any:
    """A value of nested parts whose ``repr`` holds all that is in it, and no address."""
    match value:
        case Mapping():
            parts = cast(Mapping[Any, Any], value).items()
            return sorted((repr(_plain(key)), _plain(part)) for key, part in parts)
        case set() | frozenset():
            return sorted(repr(_plain(part)) for part in cast(set[Any], value))
        case list() | tuple():
            return [_plain(part) for part in cast(Sequence[Any], value)]
        case np.ndarray() | Tensor():
            array = np.asarray(cast(Any, value))
            return array.dtype.str, array.shape, array.tolist()
        case _ if type(value).__repr__ is object.__repr__:
            return type(value).__qualname__, _plain(_fields(value))
        case _:
            return value


def _fields(value: Any) -> dict[str, Any]:
    slots = [name for each in type(value).__mro__ for name in getattr(each, "__slots__", ())]
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return held | getattr(value, "__dict__", {})


Traits = Mapping[str, Sequence[Any]]
"""Name -> ``[lowest, highest]`` number, or names."""


def as_given(source: Source, _codec: object) -> Source:
    """The source itself."""
    return source


def no_layout(_codec: object) -> TableLayout:
    """Samples are not rows of a table."""
    return NO_TABLE


def no_crops(source: Source, _side: int) -> Source:
    """Refuse crops: samples of this modality are used whole."""
    raise DataError("cannot be cropped", where=str(source.path), remedy="Use another recipe.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Optional hooks of a modality for reading data from disk.

    Attributes:
        adopt: Turns a claimed column into samples: rows of a table into arrays of numbers, numbers
            of any range into 8 bit.
        arrays: Accepted shapes of arrays, as text for errors.
        own_labels: Whether a column of classes is separate from the samples.
        load: A cell (path, content or array), its name and the target codec, to a raw sample; by
            default through ``readers``.
        content: The content of a cell as bytes, for fingerprints.
        decoder: Version of the decoder; differs where a file may be decoded to other numbers.
        store: All samples at once, from a source, a codec, a cache folder for data larger than
            memory and the bytes that memory may hold; ``None`` to read them item by item.
        table: Layout of encoded samples that are rows of a table.
        crop: Cuts samples into crops of some side, at full resolution.
        codec: The codec for a source, with options and a budget, and the reason; by default
            ``codec.fit`` on raw samples.
        inspect: Dataset report of a source, with its options, a budget and a maximum of items.
        pseudo_classes: Whether unlabeled data may be clustered into pseudo-classes, by thumbnails.
        pairing: How pairs are found in one file.
        traits: What given data must share with those of training, see ``data.traits``; by
            default names of columns, or the ranges of the axes of raw samples.
        known: From a source and a codec to a source without what the codec does not know, such as
            further columns.
        unread: Suffix of files of this kind that cannot be read -> what they are, and the remedy.
        options_of: Options that lead to a codec, whatever the data, such as a resolution.
    """

    adopt: Callable[[Source, ColumnView], Source] = source_unchanged
    arrays: str = ""
    own_labels: bool = True
    load: Callable[[Any, str, Any], Any] | None = None
    content: Callable[[Any, str], bytes] = content_of
    decoder: str = ""
    store: Callable[[Source, Any, Path | None, int], StoredSamples] | None = None
    table: Callable[[Any], TableLayout] = no_layout
    crop: Callable[[Source, int], Source] = no_crops
    codec: Callable[[Source, Any, Budget], tuple[Codec[Any], str]] | None = None
    inspect: Callable[[Source, Any, Budget, int], Inspection] | None = None
    pseudo_classes: bool = False
    pairing: Pairing = Pairing()
    traits: Callable[[Source], Traits] | None = None
    known: Callable[[Source, Any], Source] = as_given
    unread: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    options_of: Callable[[Any], Mapping[str, object]] = lambda _: {}


ITEM_BY_ITEM = Reading()
"""Defaults: samples are read item by item, unchanged."""
