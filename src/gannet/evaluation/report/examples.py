"""Examples of a report: samples as files of their modality, or as cells of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gannet.core.codec import Codec
from gannet.evaluation.evaluate import EvaluationSamples, NearestPair, Report
from gannet.modalities.hooks import Data, Exhibit, SampleGrid
from gannet.modalities.modality import Modality
from gannet.modalities.registry import modality_of

OUTPUTS = 6
"""Inputs whose outputs are shown."""

ExhibitPair = tuple[Exhibit, Exhibit]
"""A fake and its nearest training sample."""


@dataclass(frozen=True)
class Examples:
    """Samples of the pairs in a report, as a page shows them; empty if they are shown as cells.

    Attributes:
        examples: Fake and nearest training sample of each pair in the report's ``examples``.
        suspects: The same of its ``suspects``.
        outputs: For each input: the input, the outputs, and the target.
        grid: These in one image; ``None`` without conditional outputs.
    """

    examples: tuple[ExhibitPair, ...] = ()
    suspects: tuple[ExhibitPair, ...] = ()
    outputs: tuple[tuple[Exhibit, ...], ...] = ()
    grid: SampleGrid | None = None


@dataclass(frozen=True)
class EvaluationResult:
    """Result of an evaluation: the report and its files.

    Attributes:
        report: The scores.
        examples: Samples of its pairs.
        sheets: Files by name without suffix.
    """

    report: Report
    examples: Examples = field(default_factory=Examples)
    sheets: Mapping[str, SampleGrid] = field(default_factory=dict[str, SampleGrid])


def with_examples(
    report: Report,
    samples: EvaluationSamples,
    data: Data,
    codecs: Mapping[str, Codec[Any]],
    others: Sequence[Tensor] = (),
    *,
    given: str = "grid",
) -> tuple[Report, Examples]:
    """Add examples of the pairs that a report lists.

    Images, sounds and videos become files; samples that are text are written into the report.

    Args:
        report: Lists the pairs.
        samples: Evaluated samples of the same count and seed.
        data: The same data.
        codecs: Codecs by role.
        others: For conditional generation, further outputs for the first ``OUTPUTS`` inputs.
        given: The role of these inputs; without a codec of its own they are of the samples' kind.
    """
    codec, modality = codecs["sample"], samples.modality
    histograms = modality.evaluation.profiles(codec, samples.held_out, samples.fake)
    report = report.model_copy(update={"histograms": (*report.histograms, *histograms)})
    raw_examples, raw_suspects = (
        _decoded_pairs(pairs, samples, data, codec) for pairs in (report.examples, report.suspects)
    )
    if is_read(modality, codec, samples.fake):
        return _with_cells(report, codec, modality, raw_examples, raw_suspects), Examples()
    examples = Examples(_exhibited(modality, raw_examples), _exhibited(modality, raw_suspects))
    if samples.given is None:
        return report, examples
    shown, outputs = samples.given[:OUTPUTS], [samples.fake[:OUTPUTS], *others]
    inputs, targets = shown.condition.slot(given), shown.real
    given_modality = modality_of(codecs.get(given, codec).kind)
    compared = modality.presentation.compared
    if compared is None or given_modality.name != modality.name:
        rows = _output_rows(modality, codecs, (given, inputs), outputs, targets)
        return report, Examples(examples.examples, examples.suspects, tuple(rows))
    rows = compared(inputs, outputs, targets)
    grid = modality.presentation.comparison(inputs, outputs, targets, 1)
    return report, Examples(examples.examples, examples.suspects, tuple(rows), grid)


def is_read(modality: Modality, codec: Codec[Any], samples: Tensor) -> bool:
    """Whether samples ``(n, *shape)`` are shown as text."""
    first = modality.presentation.exhibit(codec.decode(samples[:1])[0])
    return first.form == "text"


def neighbors_grid(
    report: Report, samples: EvaluationSamples, data: Data, codec: Codec[Any]
) -> SampleGrid | None:
    """The fakes nearest to training samples, each above its nearest one; ``None`` for text.

    Args:
        report: Lists the pairs.
        samples: Evaluated samples of the same count and seed.
        data: The same data.
        codec: Codec of the samples.
    """
    fakes, reals = _decoded_pairs(report.suspects, samples, data, codec)
    if not fakes or is_read(samples.modality, codec, samples.fake):
        return None
    half = -(-len(fakes) // 2)
    # Two bands of fakes above reals; the second is padded so that columns match.
    blank = codec.decode(samples.fake.new_ones(2 * half - len(fakes), *samples.fake.shape[1:]))
    fakes, reals = [*fakes, *blank], [*reals, *blank]
    bands = [*fakes[:half], *reals[:half], *fakes[half:], *reals[half:]]
    return samples.modality.presentation.grid(bands, half)


RawPairs = tuple[list[Any], list[Any]]
"""Raw fakes, and the training samples nearest to them."""


def _decoded_pairs(
    pairs: Sequence[NearestPair], samples: EvaluationSamples, data: Data, codec: Codec[Any]
) -> RawPairs:
    fakes = samples.fake[[pair.fake for pair in pairs]]
    reals = data.train.take([pair.train for pair in pairs]).real.float()
    return codec.decode(fakes), codec.decode(reals)


def _exhibited(modality: Modality, raws: RawPairs) -> tuple[ExhibitPair, ...]:
    exhibit = modality.presentation.exhibit
    return tuple((exhibit(fake), exhibit(real)) for fake, real in zip(*raws, strict=True))


def _output_rows(
    modality: Modality,
    codecs: Mapping[str, Codec[Any]],
    given: tuple[str, Tensor],
    outputs: Sequence[Tensor],
    targets: Tensor,
) -> list[tuple[Exhibit, ...]]:
    """Rows of input (empty without a codec for it), outputs and target."""
    sample_codec = codecs["sample"]
    columns = [
        [modality.presentation.exhibit(raw) for raw in sample_codec.decode(each)]
        for each in (*outputs, targets)
    ]
    role, tensor = given
    given_codec = codecs.get(role)
    inputs = (
        [Exhibit("text", b"") for _ in range(len(tensor))]
        if given_codec is None
        else [
            modality_of(given_codec.kind).presentation.exhibit(raw)
            for raw in given_codec.decode(tensor)
        ]
    )
    return list(zip(inputs, *columns, strict=True))


def _with_cells(
    report: Report,
    codec: Codec[Any],
    modality: Modality,
    raw_examples: RawPairs,
    raw_suspects: RawPairs,
) -> Report:
    """Write the cells of the samples into the pairs of the report."""
    update: dict[str, Any] = {
        "examples": _with_descriptions(report.examples, raw_examples, modality),
        "suspects": _with_descriptions(report.suspects, raw_suspects, modality),
    }
    update["columns"] = _names(codec, update["examples"])
    return report.model_copy(update=update)


def _with_descriptions(
    pairs: Sequence[NearestPair], raws: RawPairs, modality: Modality
) -> tuple[NearestPair, ...]:
    cells = modality.presentation.describe
    return tuple(
        pair.model_copy(update={"fake_cells": cells(fake), "train_cells": cells(real)})
        for pair, fake, real in zip(pairs, *raws, strict=True)
    )


def _names(codec: Codec[Any], pairs: Sequence[NearestPair]) -> tuple[str, ...]:
    """Names of the cells: the codec's own if their number matches."""
    width = len(pairs[0].fake_cells) if pairs else 0
    names = tuple(map(str, getattr(codec, "names", ())))
    return names if len(names) == width else tuple(f"column {at + 1}" for at in range(width))
