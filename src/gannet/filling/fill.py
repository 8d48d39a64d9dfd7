"""Holes of a frame to filled frames, by a network of cells and what was fitted beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet import device
from gannet.chance import noise_at, seed_at
from gannet.codecs.table import TableCodec
from gannet.columns.category import CategoryColumn
from gannet.columns.values import cells_from, gone, values_of
from gannet.filling.terms import CellConfig
from gannet.frames import Cells, Frame
from gannet.networks.fields import FieldGenerator, told
from gannet.recipe import Trained
from gannet.types import Batch, Condition

TOGETHER = 16_384
"""Rows that are filled at once."""

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]


def turn(trained: Trained[CellConfig], given: Any, draws: int, seed: int) -> Sequence[Frame]:
    """Fill a frame's missing cells; all others come back as they are.

    Args:
        trained: Of a recipe that fills cells.
        given: A `Frame` with the columns of training.
        draws: With one, numbers get their conditional mean, brought to the column's grid and
            bounds, words the most probable one. With more, each is drawn at random.
        seed: Of the draws. Draw k of row n depends on the seed, on k and on n alone.

    Raises:
        DataError: naming each column that differs from training's.
    """
    codec = trained.codecs["real"]
    assert isinstance(codec, TableCodec)
    assert isinstance(given, Frame)
    codec.check_columns(given)
    holes = holes_of(given, codec)
    found: list[Frame] = []
    for draw in range(draws):
        values = np.concatenate(
            [
                filled(
                    trained, given[at : at + TOGETHER], holes[at : at + TOGETHER], draw, seed, at
                )
                if draws > 1
                else best(trained, given[at : at + TOGETHER], holes[at : at + TOGETHER])
                for at in range(0, len(given), TOGETHER)
            ]
        )
        found.append(patched(given, codec, holes, values))
    return found


def holes_of(frame: Frame, codec: TableCodec) -> Mask:
    """Which cells of the columns that are learnt are missing, ``(N, C)`` in the codec's order."""
    return np.stack(
        [gone(column, frame.column(column.name)) & bool(column.sizes) for column in codec.columns],
        1,
    )


def patched(frame: Frame, codec: TableCodec, holes: Mask, values: Values) -> Frame:
    """The frame with values ``(N, C)`` in its holes, and every other cell as it was."""
    columns = dict(zip(frame.names, frame.columns, strict=True))
    for at, column in enumerate(codec.columns):
        rows = np.flatnonzero(holes[:, at])
        if len(rows):
            cells: Cells = columns[column.name].copy()
            cells[rows] = cells_from(column, values[rows, at], frame.column(column.name))
            columns[column.name] = cells
    return replace(frame, columns=tuple(columns[name] for name in frame.names))


def best(trained: Trained[CellConfig], frame: Frame, holes: Mask) -> Values:
    """The single best value of each cell ``(N, C)``."""
    codec = trained.codecs["real"]
    assert isinstance(codec, TableCodec)
    rows, known = encoded(frame, codec, holes)
    return expected(trained, codec, rows, known)


def encoded(frame: Frame, codec: TableCodec, holes: Mask) -> tuple[Tensor, Tensor]:
    """Rows ``(N, F)`` and which of their fields are known."""
    owner = [field.column for field in codec.fields]
    return codec.encode_frame(frame), torch.from_numpy(~holes[:, owner]).float()


@torch.no_grad()
def expected(
    trained: Trained[CellConfig], codec: TableCodec, rows: Tensor, known: Tensor
) -> Values:
    """What the network expects of each cell given the known ones: a mean, or the likeliest word."""
    product = trained.product
    assert isinstance(product, FieldGenerator)
    vector = told(rows, known)
    blank = vector[:, :0]
    with device.autocast(vector.device.type, trained.config.precision):
        shares = product.layout.shares(product.logits(Condition(vector, blank, blank)))
    made = np.full((len(rows), len(codec.columns)), np.nan)
    for at, (column, span) in enumerate(zip(codec.columns, codec.spans, strict=True)):
        if not column.sizes:
            continue
        own = shares[:, product.layout.parts[span.start]].double().numpy()
        if isinstance(column, CategoryColumn):
            made[:, at] = own.argmax(1) - column.absent.symbols
        else:
            made[:, at] = own @ column.representatives
    return made


@torch.no_grad()
def filled(
    trained: Trained[CellConfig], frame: Frame, holes: Mask, draw: int, seed: int, start: int
) -> Values:
    """One draw of each cell ``(N, C)``."""
    codec = trained.codecs["real"]
    assert isinstance(codec, TableCodec)
    rows, known = encoded(frame, codec, holes)
    numbers = range(start, start + len(rows))
    noise = noise_at(seed_at(seed, draw), numbers, trained.config.noise)
    vector = told(rows, known)
    with device.autocast(vector.device.type, trained.config.precision):
        made = trained.product(noise, Condition(vector, vector[:, :0], vector[:, :0]))
    drawn = codec.decode_frame(made)
    return np.stack(
        [
            values_of(column, drawn.column(column.name))
            if column.sizes
            else np.full(len(rows), 0.0)
            for column in codec.columns
        ],
        1,
    )


def settle(
    trained: Trained[CellConfig], train: Batch, held_out: Batch, seed: int
) -> Mapping[str, Tensor]:
    """Fit what stands beside the network."""
    return {}
