"""Read and encode rows of files, frames and pandas data frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.frame import as_frame
from gannet.core.sampling import LoadedSamples
from gannet.modalities.inference import ReadTable
from gannet.modalities.table.codec import TableCodec


def read_file(codec: Codec[Any], path: Path, read_table: ReadTable) -> LoadedSamples:
    """Read and encode all rows of a file.

    Raises:
        DataError: if it cannot be read, or has other columns than training's.
    """
    frame = read_table(path)
    names = tuple(f"row {frame.first + row}" for row in range(len(frame)))
    return LoadedSamples(encode(codec, frame), names)


def encode(codec: Codec[Any], rows: Any) -> Tensor:
    """Encode a frame or a pandas data frame.

    Raises:
        DataError: if it has other columns than training's.
    """
    assert isinstance(codec, TableCodec)
    frame = as_frame(rows)
    codec.check_columns(frame)
    return codec.encode_frame(frame)
