"""What a kind of data may say about the way from the disk to tensors, each with a default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.core.source import Source
from gannet.core.types import NO_TABLE, TableLayout

FILE_BYTES = 256 * 2**20
"""Largest file of one sample."""

FEWEST = 10
"""Different samples below which neither health nor a held-out part would mean anything."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as a container shows it to the kinds of data, before anything is decoded.

    Attributes:
        name: Of the column; empty where there is only one.
        form: ``files`` (paths, or contents with names), ``arrays`` (numbers, a sample per row),
            ``values`` (words, numbers or dates) or ``rows`` (all columns of values together).
        suffixes: Of files: how many end in what, the most frequent first.
        shape: Of arrays: of one sample. Of rows: how many columns there are.
        dtype: Of arrays.
        first: Of files whose suffixes are not known, the first bytes of some.
        cell: Its cells by number.
        names: Of its cells, where they have others than the rows.
        array: All cells of an array that lies in memory.
        frames: Of rows, some at a time, as often as they are walked through.
        columns: Of rows, their names.
        further: Whether it is offered to roles beside the sample rather than to the sample.
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
    """That a column is of this kind.

    Attributes:
        confidence: In 0..1; the highest takes the column.
        reason: In words, for ``gannet inspect``.
    """

    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What limits the size of samples: the machine, the time, the recipe.

    Attributes:
        largest: Largest side, length or number of points that this machine trains on.
        crop: Side of the crops that the recipe trains on, at the size that they have; 0 for none.
        smallest: Least side, length or number that the recipe's networks can see.
        steps: Shape of an encoded sample to the steps there is time for; infinite if nobody asked.
        fewest: Steps that should be possible.
        minutes: That the steps take, for reasons in words.
        networks: Whose least size it is, as errors call them.
        beside: Codec of the samples, where what belongs to them is to have their size.
    """

    largest: int = 64
    crop: int = 0
    smallest: int = 1
    steps: Callable[[tuple[int, ...]], float] = lambda _: float("inf")
    fewest: int = 1_000
    minutes: float = 0.0
    networks: str = "the networks"
    beside: Codec[Any] | None = None


class SampleStore(Protocol):
    """Encoded samples by place.

    Attributes:
        slow: Whether fetching ahead, in another thread, pays.
        words: Where they lie, for people.
    """

    slow: ClassVar[bool]
    words: ClassVar[str]

    def read(self, places: NDArray[np.int64]) -> Tensor:
        """Samples ``(n, *shape)``."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """All samples of a source, by a kind that does not read them item by item.

    Attributes:
        store: That holds them.
        contents: ``(n,)`` fingerprints that order the samples.
        looks: ``(n,)`` fingerprints that are equal for samples that are copies of each other.
    """

    store: SampleStore
    contents: NDArray[np.uint64]
    looks: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a kind says of data that were looked at.

    Attributes:
        places: Numbers of the items that could be read.
        looks: Of each of them, a fingerprint that is equal for equal samples.
        broken: Names of items that cannot be read, and why.
        details: All that is special to this kind, as a record for JSON.
        words: Lines for people about the samples.
        after: Lines for people that come after the duplicates.
        warnings: What to know before training.
        learnable: Whether there is anything to learn in them, however many there are.
        copies: Whether equal samples are copies, of which only one counts.
        why: Why the recipe fits, in words.
        shape: Of an encoded sample as training would have it; empty if that is not known.
        size: The same in words, with the reason.
        options: Options that training would choose.
    """

    places: Sequence[int]
    looks: Sequence[int] | NDArray[np.uint64]
    broken: tuple[tuple[str, str], ...] = ()
    details: BaseModel | None = None
    words: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    learnable: bool = True
    copies: bool = True
    why: str = ""
    shape: tuple[int, ...] = ()
    size: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Ways in which what is given and what it shall become may lie in one file.

    Attributes:
        derived: Name -> what is given, made from the targets themselves, such as their edges.
        halves: Cuts files that hold both, from a source and the side that is given (empty for the
            usual one) to targets and what is given for them.
        sides: Whether all files of a folder hold both; refuses those of which some do.
        check: Refuses pairs that do not fit each other, from targets and what is given.
    """

    derived: Mapping[str, Callable[[Source], Source]] = field(
        default_factory=dict[str, Callable[[Source], Source]]
    )
    halves: Callable[[Source, str], tuple[Source, Source]] | None = None
    sides: Callable[[Sequence[Path], Path], bool] = lambda _files, _folder: False
    check: Callable[[Source, Source], None] = lambda _targets, _given: None


def as_found(source: Source, _column: ColumnView) -> Source:
    """Cells are samples as they are."""
    return source


def content_of(cell: Any, name: str) -> bytes:
    """The bytes that make a cell what it is, for fingerprints.

    Raises:
        DataError: if a file cannot be read or is too large.
    """
    if isinstance(cell, np.ndarray):
        return np.ascontiguousarray(cell).tobytes()  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(cell, bytes):
        return cell
    if not isinstance(cell, Path):
        return repr(cell).encode()
    try:
        if cell.stat().st_size > FILE_BYTES:
            raise DataError(
                f"larger than {FILE_BYTES // 2**20} MiB", where=name, remedy="Save it smaller."
            )
        return cell.read_bytes()
    except FileNotFoundError:
        raise DataError("does not exist", where=name, remedy="Check the path.") from None
    except PermissionError:
        raise DataError(
            "no permission to read it", where=name, remedy="Check its access rights."
        ) from None
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=name, remedy="Remove it or fetch it again."
        ) from None


def no_layout(_codec: object) -> TableLayout:
    """Samples are no rows of a table."""
    return NO_TABLE


def no_crops(source: Source, _side: int) -> Source:
    """Samples of this kind are taken whole."""
    raise DataError(
        "cannot be cut into pieces", where=str(source.path), remedy="Use another recipe."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What few kinds of data need to say about the way from the disk to tensors.

    Attributes:
        adopt: Makes samples of a column that this kind has claimed: from rows of a table to arrays
            of numbers, from numbers of any range to 8 bit.
        arrays: What shapes of arrays it takes, in words, for errors.
        own_labels: Whether a column of classes stands apart from the samples.
        load: A cell (a path's content, or an array), its name and the codec that it is read for,
            to a raw sample; by default through ``readers``.
        content: The bytes that make a cell what it is, for fingerprints.
        decoder: Differs where the same file may be decoded to other numbers.
        store: All samples at once, from a source, a codec, a folder for what is larger than memory
            and the bytes that may be held there; ``None`` to read them item by item.
        table: What the fields of encoded samples are, of rows of a table.
        crop: Cuts samples into pieces of some side, at the size that they have.
        codec: The codec that suits a source, with these options and within a budget, and why; by
            default what ``codec.fit`` makes of raw samples.
        inspect: A look at a source: its options, a budget, and how many items to look at.
        pseudo_classes: Whether data without classes may be sorted into some, by their thumbnails.
        pairing: Ways in which two samples that belong together may lie in one file.
    """

    adopt: Callable[[Source, ColumnView], Source] = as_found
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


ITEM_BY_ITEM = Reading()
"""Nothing to say: samples are read item by item, as they are."""
