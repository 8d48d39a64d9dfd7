"""What a report shows of samples: pictures to look at, or cells to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from gannet.core.codec import Codec
from gannet.evaluation.evaluate import Material, Pair, Report
from gannet.evaluation.samples import Data
from gannet.modalities.image.grid import answers_sheet, beside, bounded, sheet
from gannet.modalities.table.evaluation.histograms import row_profiles

PngFile = bytes
"""A PNG file."""

PAIR_PX, ANSWER_PX = 128, 192
"""Largest side of pictures in pairs, and of answers: larger ones are shrunk, so that a page stays
below 12 MB whatever the data hold."""

ANSWERED = 6
"""Pictures whose answers are shown."""


@dataclass(frozen=True)
class Exhibits:
    """Pictures of the pairs that a report names; none for data that are read.

    Attributes:
        shown: Fake and nearest training sample of each pair in the report's ``shown``.
        closest: The same of its ``closest``.
        answers: Of each picture that is answered: what was given, answers, what they should be.
        sheet: These as one PNG, in their own size; empty without answers.
    """

    shown: tuple[tuple[PngFile, PngFile], ...] = ()
    closest: tuple[tuple[PngFile, PngFile], ...] = ()
    answers: tuple[tuple[PngFile, ...], ...] = ()
    sheet: PngFile = b""


def with_exhibits(
    report: Report,
    made: Material,
    data: Data,
    codec: Codec[Any],
    others: Sequence[Tensor] = (),
) -> tuple[Report, Exhibits]:
    """Show the pairs that a report names, in the way that suits the data.

    Pictures become PNG files; anything else is decoded and told in the report itself.

    Args:
        report: Names the pairs.
        made: The material of the same count and seed, whose fakes they are.
        data: The same data.
        codec: Of the samples.
        others: Where fakes are answers, further ones to the first ``ANSWERED`` pictures.
    """
    if codec.kind == "image":
        shown, closest = (_pictures(pairs, made, data) for pairs in (report.shown, report.closest))
        if made.given is None:
            return report, Exhibits(shown, closest)
        given, answers = made.given[:ANSWERED], [made.fake[:ANSWERED], *others]
        columns = [bounded(each, ANSWER_PX) for each in beside(given, answers)]
        rows = tuple(tuple(sheet(each[None]) for each in row) for row in zip(*columns, strict=True))
        return report, Exhibits(shown, closest, rows, answers_sheet(given, answers))
    shown, closest = (_told(pairs, made, data, codec) for pairs in (report.shown, report.closest))
    names = _names(codec, shown)
    update: dict[str, Any] = {"shown": shown, "closest": closest, "columns": names}
    if _is_row(codec.decode(made.fake[:1])[0]):
        real, fake = (np.stack(codec.decode(each)) for each in (made.held_out, made.fake))
        update["profiles"] = (*report.profiles, *row_profiles(names, real, fake))
    return report.model_copy(update=update), Exhibits()


def _pictures(
    pairs: Sequence[Pair], made: Material, data: Data
) -> tuple[tuple[PngFile, PngFile], ...]:
    fakes, reals = _tensors(pairs, made, data)
    return tuple(
        (sheet(fake[None]), sheet(real[None]))
        for fake, real in zip(bounded(fakes, PAIR_PX), bounded(reals, PAIR_PX), strict=True)
    )


def _told(pairs: Sequence[Pair], made: Material, data: Data, codec: Codec[Any]) -> tuple[Pair, ...]:
    fakes, reals = (codec.decode(each) for each in _tensors(pairs, made, data))
    return tuple(
        pair.model_copy(update={"fake_cells": _cells(fake), "train_cells": _cells(real)})
        for pair, fake, real in zip(pairs, fakes, reals, strict=True)
    )


def _tensors(pairs: Sequence[Pair], made: Material, data: Data) -> tuple[Tensor, Tensor]:
    fakes = made.fake[[pair.fake for pair in pairs]]
    return fakes, data.train.take([pair.train for pair in pairs]).real.float()


def _cells(raw: Any) -> tuple[str, ...]:
    """A raw sample in words: a text as it is, a row number by number, of others the shape."""
    if isinstance(raw, str):
        return (raw,)
    if _is_row(raw):
        return tuple(f"{float(each):.6g}" for each in raw)
    return (" × ".join(map(str, np.shape(raw))) or str(raw),)


def _is_row(raw: Any) -> bool:
    return isinstance(raw, np.ndarray) and raw.ndim == 1 and raw.dtype.kind in "fiu"


def _names(codec: Codec[Any], pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Of the cells: the codec's own, where it has as many."""
    width = len(pairs[0].fake_cells) if pairs else 0
    known = tuple(map(str, getattr(codec, "names", ())))
    return known if len(known) == width else tuple(f"column {at + 1}" for at in range(width))
