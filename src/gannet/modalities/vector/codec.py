"""Vectors (rows of numbers) <-> standardised ``(B, V)`` floats."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor

from gannet.core.errors import DataError, no_permission
from gannet.core.io.arrays import UNREADABLE_ARRAY, read_npy
from gannet.modalities.vector.files import cells_of, harmless, has_header

VectorRow = NDArray[np.float64]
"""``(columns,)`` numbers in their own units."""


class VectorCodec(BaseModel):
    """Standardizes rows of one width: each column to mean 0 and standard deviation 1.

    ``tolerance`` is relative to the size of a column: encoded numbers are float32, so a round trip
    keeps about seven digits.

    Attributes:
        names: Names of the columns.
        mean: Mean of each column.
        deviation: Standard deviation of each column; 0 for a constant one, which decodes to its
            mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    kind: ClassVar[str] = "vector"
    tolerance: ClassVar[float] = 1e-5

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @model_validator(mode="after")
    def _one_width(self) -> Self:
        if not len(self.names) == len(self.mean) == len(self.deviation) > 0:
            raise ValueError("names, mean and deviation need one entry per column")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded row, ``(V,)``."""
        return (len(self.names),)

    @classmethod
    def fit(cls, raws: Iterable[VectorRow], *, names: Sequence[str] = ()) -> Self:
        """Measure mean and deviation of each column.

        Args:
            raws: Rows, or one array ``(n, V)``.
            names: Names of the columns; numbered if not given.

        Raises:
            DataError: if there is no row, no column, or a number that is not finite.
        """
        rows = _stacked(raws)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            raise DataError(
                f"{rows[row, column]}, expected a finite number",
                where=f"row {row + 1}, column {column + 1}",
                remedy="Fix the cell or leave the row out.",
            )
        size = np.abs(rows).max(0)
        size[size == 0] = 1  # dividing first avoids overflow of squares
        mean = (rows / size).mean(0) * size
        deviation = np.where(np.ptp(rows / size, 0) > 0, (rows / size).std(0) * size, 0.0)
        return cls(
            names=tuple(names) or tuple(f"column_{i + 1}" for i in range(rows.shape[1])),
            mean=tuple(mean.tolist()),
            deviation=tuple(deviation.tolist()),
        )

    def read(self, path: Path) -> VectorRow:
        """Load the one row of a .csv or .npy file.

        Raises:
            DataError: if the file does not hold one row of this width.
        """
        rows = self.read_rows(path)
        if len(rows) != 1:
            raise DataError(f"holds {len(rows)} rows, expected one", where=str(path))
        return rows[0]

    def write(self, raw: VectorRow, path: Path) -> None:
        """Save one row as .csv or .npy."""
        self.write_rows([raw], path)

    def read_rows(self, path: Path) -> NDArray[np.float64]:
        """Load rows ``(n, V)`` from a .csv with or without header, or a .npy file.

        Columns are selected by name if the file has them all, so that it may have others, such as
        the class.

        Raises:
            DataError: if the file cannot be read as rows of this width.
        """
        width = len(self.names)
        try:
            if path.suffix.lower() == ".npy":
                rows = np.atleast_2d(read_npy(path)).astype(np.float64)
            else:
                rows = np.array(self._cells(cells_of(path)), dtype=np.float64)
        except PermissionError:
            raise no_permission(path, DataError) from None
        except (csv.Error, *UNREADABLE_ARRAY) as error:
            raise DataError(f"no rows of numbers ({error})", where=str(path)) from None
        if rows.ndim != 2 or rows.shape[1] != width or not np.isfinite(rows).all():
            raise DataError(f"expected rows of {width} finite numbers", where=str(path))
        return rows

    def _cells(self, lines: list[list[str]]) -> list[list[str]]:
        """The cells of this codec's columns, without the header."""
        if not lines:
            return []
        if not has_header(lines):
            return lines
        columns = [cell.strip() for cell in lines[0]]
        headers = [harmless(name) if harmless(name) in columns else name for name in self.names]
        if not set(headers) <= set(columns):
            return lines[1:]
        positions = [columns.index(name) for name in headers]
        return [[line[position] for position in positions] for line in lines[1:]]

    def write_rows(self, raws: Sequence[VectorRow], path: Path) -> None:
        """Save rows as .csv, with a header and every digit, or as .npy.

        Raises:
            DataError: if the suffix is neither.
        """
        suffix = path.suffix.lower()
        if suffix not in {".csv", ".npy"}:
            raise DataError(
                "rows can be written as .csv or .npy", where=str(path), remedy="Change the suffix."
            )
        rows = np.array(list(raws), dtype=np.float64).reshape(len(raws), len(self.names))
        if suffix == ".npy":
            np.save(path, rows)
            return
        path.write_bytes(self.to_csv(raws))

    def to_csv(
        self, raws: Sequence[VectorRow], beside: Mapping[str, Sequence[str]] | None = None
    ) -> bytes:
        """Rows as the content of a .csv, with a header and every digit.

        Args:
            raws: Rows.
            beside: Further columns by name, such as the class of each row.
        """
        rows = np.array(list(raws), dtype=np.float64).reshape(len(raws), len(self.names))
        further = beside or {}
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([harmless(name) for name in (*self.names, *further)])
        writer.writerows(
            [*row, *cells] for row, *cells in zip(rows.tolist(), *further.values(), strict=True)
        )
        return text.getvalue().encode()

    def encode(self, raws: Sequence[VectorRow]) -> Tensor:
        """Rows to ``(n, V)`` of mean 0 and deviation 1."""
        rows = np.array(raws, dtype=np.float64).reshape(len(raws), len(self.names))
        scale = np.where(np.array(self.deviation) > 0, self.deviation, 1.0)
        return torch.from_numpy(((rows - self.mean) / scale).astype(np.float32))

    def decode(self, samples: Tensor) -> list[VectorRow]:
        """Rows in their own units, 64 bit."""
        rows = samples.detach().cpu().double().numpy()
        return list(rows * np.array(self.deviation) + np.array(self.mean))

    def squash(self, output: Tensor) -> Tensor:
        """Identity: any finite number is valid."""
        return output


def _stacked(raws: Iterable[VectorRow]) -> NDArray[np.float64]:
    rows = np.asarray(raws if isinstance(raws, np.ndarray) else list(raws), dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise DataError(
            "no rows of numbers found", remedy="Give at least one row with at least one column."
        )
    return rows
