"""What a report shows of samples: in the form that suits their kind, or as cells to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.types import Batch
from gannet.evaluation.evaluate import EvaluationSamples, NearestPair, Report
from gannet.modalities.hooks import Data, Exhibit, Sheet
from gannet.modalities.modality import Modality
from gannet.modalities.registry import modality_of

OUTPUTS = 6
"""Inputs whose answers are shown."""

ExhibitPair = tuple[Exhibit, Exhibit]
"""A fake and its nearest training sample."""


@dataclass(frozen=True)
class Examples:
    """Samples of the pairs that a report names, as a page shows them; none of those that are read.

    Attributes:
        examples: Fake and nearest training sample of each pair in the report's ``examples``.
        suspects: The same of its ``suspects``.
        outputs: Of each input that is answered: what was given, answers, what they should be.
        grid: These in one file; ``None`` without answers.
    """

    examples: tuple[ExhibitPair, ...] = ()
    suspects: tuple[ExhibitPair, ...] = ()
    outputs: tuple[tuple[Exhibit, ...], ...] = ()
    grid: Sheet | None = None


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation leaves: the report, and what belongs beside it.

    Attributes:
        report: Of the scores.
        examples: Of its pairs.
        sheets: Files by their names without suffix.
    """

    report: Report
    examples: Examples = field(default_factory=Examples)
    sheets: Mapping[str, Sheet] = field(default_factory=dict[str, Sheet])


def with_examples(
    report: Report,
    made: EvaluationSamples,
    data: Data,
    codecs: Mapping[str, Codec[Any]],
    others: Sequence[Tensor] = (),
) -> tuple[Report, Examples]:
    """Show the pairs that a report names, in the way that suits the data.

    What is looked at or listened to becomes files; what is read is told in the report itself.

    Args:
        report: Names the pairs.
        made: The material of the same count and seed, whose fakes they are.
        data: The same data.
        codecs: By role.
        others: Where fakes are answers, further ones to the first ``OUTPUTS`` inputs.
    """
    codec, modality = codecs["sample"], made.modality
    profiles = modality.evaluation.profiles(codec, made.held_out, made.fake)
    report = report.model_copy(update={"histograms": (*report.histograms, *profiles)})
    shown, closest = (
        _raws(pairs, made, data, codec) for pairs in (report.examples, report.suspects)
    )
    if is_read(modality, codec, made.fake):
        return _with_cells(report, codec, modality, shown, closest), Examples()
    examples = Examples(_exhibited(modality, shown), _exhibited(modality, closest))
    if made.given is None:
        return report, examples
    given, answers = made.given[:OUTPUTS], [made.fake[:OUTPUTS], *others]
    compared = modality.presentation.compared
    rows = (
        _compared(modality, codecs, given, answers)
        if compared is None
        else compared(given, answers)
    )
    sheet = modality.presentation.comparison(given, answers, 1)
    return report, Examples(examples.examples, examples.suspects, tuple(rows), sheet)


def is_read(modality: Modality, codec: Codec[Any], samples: Tensor) -> bool:
    """Whether samples ``(n, *shape)`` are shown in words."""
    return modality.presentation.exhibit(codec.decode(samples[:1])[0]).form == "text"


def neighbors_sheet(
    report: Report, made: EvaluationSamples, data: Data, codec: Codec[Any]
) -> Sheet | None:
    """The fakes nearest to training samples, each above its nearest, if that can be shown.

    Args:
        report: Names the pairs.
        made: The material of the same count and seed, whose fakes they are.
        data: The same data.
        codec: Of the samples.
    """
    fakes, reals = _raws(report.suspects, made, data, codec)
    if not fakes or is_read(made.modality, codec, made.fake):
        return None
    half = -(-len(fakes) // 2)
    # Two bands, each of fakes above reals; the second is filled up so that columns match.
    blank = codec.decode(made.fake.new_ones(2 * half - len(fakes), *made.fake.shape[1:]))
    fakes, reals = [*fakes, *blank], [*reals, *blank]
    bands = [*fakes[:half], *reals[:half], *fakes[half:], *reals[half:]]
    return made.modality.presentation.sheet(bands, half)


RawPairs = tuple[list[Any], list[Any]]
"""Raw fakes, and the training samples nearest to them."""


def _raws(
    pairs: Sequence[NearestPair], made: EvaluationSamples, data: Data, codec: Codec[Any]
) -> RawPairs:
    fakes = made.fake[[pair.fake for pair in pairs]]
    reals = data.train.take([pair.train for pair in pairs]).real.float()
    return codec.decode(fakes), codec.decode(reals)


def _exhibited(modality: Modality, raws: RawPairs) -> tuple[ExhibitPair, ...]:
    exhibit = modality.presentation.exhibit
    return tuple((exhibit(fake), exhibit(real)) for fake, real in zip(*raws, strict=True))


def _compared(
    modality: Modality, codecs: Mapping[str, Codec[Any]], given: Batch, answers: Sequence[Tensor]
) -> list[tuple[Exhibit, ...]]:
    """What was given, where there is a codec of it, answers, and what they should be."""
    real = codecs["sample"]
    columns = [
        [modality.presentation.exhibit(raw) for raw in real.decode(each)]
        for each in (*answers, given.real)
    ]
    told = codecs.get("grid")
    before = (
        [Exhibit("text", b"") for _ in range(len(given))]
        if told is None
        else [
            modality_of(told.kind).presentation.exhibit(raw)
            for raw in told.decode(given.condition.grid)
        ]
    )
    return list(zip(before, *columns, strict=True))


def _with_cells(
    report: Report, codec: Codec[Any], modality: Modality, shown: RawPairs, closest: RawPairs
) -> Report:
    """The report whose pairs tell what they hold."""
    update: dict[str, Any] = {
        "examples": _told(report.examples, shown, modality),
        "suspects": _told(report.suspects, closest, modality),
    }
    update["columns"] = _names(codec, update["examples"])
    return report.model_copy(update=update)


def _told(
    pairs: Sequence[NearestPair], raws: RawPairs, modality: Modality
) -> tuple[NearestPair, ...]:
    cells = modality.presentation.describe
    return tuple(
        pair.model_copy(update={"fake_cells": cells(fake), "train_cells": cells(real)})
        for pair, fake, real in zip(pairs, *raws, strict=True)
    )


def _names(codec: Codec[Any], pairs: Sequence[NearestPair]) -> tuple[str, ...]:
    """Of the cells: the codec's own, where it has as many."""
    width = len(pairs[0].fake_cells) if pairs else 0
    known = tuple(map(str, getattr(codec, "names", ())))
    return known if len(known) == width else tuple(f"column {at + 1}" for at in range(width))
