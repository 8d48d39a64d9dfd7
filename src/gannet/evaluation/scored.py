"""Score a model: with the evaluation of its modality, or with the general one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.seeding import derive_seed
from gannet.core.types import Batch
from gannet.evaluation.evaluate import (
    ConditionalGenerator,
    EvaluationSamples,
    evaluate,
    evaluation_samples,
)
from gannet.evaluation.report.examples import (
    OUTPUTS,
    EvaluationResult,
    neighbors_grid,
    with_examples,
)
from gannet.evaluation.report.markdown import SplitData, split_sentences
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.modalities.hooks import (
    Data,
    LabeledRows,
    SampleGrid,
    Sampler,
    WholeEvaluation,
)
from gannet.modalities.registry import modality_of

EXTRA_OUTPUTS = 2
"""Further outputs that a report shows beside the first."""

NEIGHBORS = "{name} shows the fakes nearest to training samples, each above its nearest one."
"""Protocol sentence of a report with an image grid of nearest neighbours."""


@dataclass(frozen=True)
class OutputsFor:
    """The outputs of a conditional generator for held-out inputs, as samples.

    Attributes:
        generator: The generator.
        held_out: Samples with their inputs.
    """

    generator: ConditionalGenerator
    held_out: LabeledRows

    @property
    def classes(self) -> tuple[str, ...]:
        """None: it is told inputs."""
        return ()

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:  # noqa: ARG002
        """One output for each input, in their order, from the first again if there are too few."""
        given = self.held_out.take([at % len(self.held_out) for at in range(count)])
        return self.generator.transform(given, seed=seed)[1]


def score(  # noqa: PLR0913  # what a report depends on
    sampler: Sampler,
    dataset: SplitData,
    codecs: Mapping[str, Codec[Any]],
    *,
    count: int = 2_000,
    seed: int = 0,
    conditional_generator: ConditionalGenerator | None = None,
    transform: Callable[[Any, int], Sequence[Any]] | None = None,
    cache: Path | None = None,
    sheets: bool = True,
    unseen: bool = False,
    options: Mapping[str, Any] | None = None,
) -> EvaluationResult:
    """Score a model against held-out data.

    Args:
        sampler: The model.
        dataset: The data that it was trained on, and those held out.
        codecs: Codecs of the model, by role.
        count: Samples on each side.
        seed: Seed of all random choices.
        conditional_generator: For conditional generation: the generator and its reference methods.
        transform: A raw input and a number of draws to raw outputs, for a model that transforms.
        cache: Folder in which features are cached; ``None`` for none.
        sheets: Whether to create image grids beside the report.
        unseen: Whether no part of the run has seen the held-out rows, calibration included.
        options: ``artifact`` and ``data``, their names in the report, ``two_sample``, the test of
            that name, and further options of ``evaluate``, or of the modality's own evaluation.

    Raises:
        GannetError: if too little was held out, or an option does not suit the data.
    """
    codec, options = codecs["sample"], dict(options or {})
    modality = modality_of(codec.kind)
    whole = modality.evaluation.whole
    test = options.pop("two_sample", None) or GeneratorTest(modality, codec, seed=seed)
    if whole is not None:
        if conditional_generator is not None:
            sampler = OutputsFor(conditional_generator, dataset.held_out)
        request = WholeEvaluation(
            sampler, dataset, codec, count, seed, transform, test, options, unseen=unseen
        )
        return _with_split_protocol(EvaluationResult(whole(request)), dataset, codec)
    conditional = conditional_generator
    samples = _samples(sampler, dataset, count, seed, conditional)
    options |= {"count": count, "seed": seed, "samples": samples, "cache": cache}
    report = evaluate(
        sampler, dataset, conditional_generator=conditional, two_sample=test, **options
    )
    others = [] if conditional is None else _resampled_outputs(conditional, samples, seed)
    given = "grid" if conditional is None else conditional.given
    report, examples = with_examples(report, samples, dataset, codecs, others, given=given)
    result = _with_split_protocol(EvaluationResult(report, examples), dataset, codec)
    return _with_sheets(result, samples, dataset, codec) if sheets else result


def _samples(
    sampler: Sampler,
    dataset: Data,
    count: int,
    seed: int,
    conditional_generator: ConditionalGenerator | None,
) -> EvaluationSamples:
    """The samples that are compared; outputs for held-out inputs of a conditional generator."""
    conditional_sampler = (
        None
        if conditional_generator is None
        else partial(conditional_generator.transform, seed=seed)
    )
    return evaluation_samples(
        sampler, dataset, count=count, seed=seed, conditional_sampler=conditional_sampler
    )


def _with_split_protocol(
    result: EvaluationResult, dataset: SplitData, codec: Codec[Any]
) -> EvaluationResult:
    """Add how samples were read and split to the protocol."""
    protocol = (*result.report.protocol, *split_sentences(dataset, codec))
    return EvaluationResult(
        result.report.model_copy(update={"protocol": protocol}), result.examples
    )


def _with_sheets(
    result: EvaluationResult, samples: EvaluationSamples, data: Data, codec: Codec[Any]
) -> EvaluationResult:
    sheets: dict[str, SampleGrid] = {}
    report = result.report
    neighbors = neighbors_grid(report, samples, data, codec)
    if neighbors is not None:
        sheets["neighbors"] = neighbors
        sentence = NEIGHBORS.format(name=f"neighbors{neighbors.suffix}")
        report = report.model_copy(update={"protocol": (*report.protocol, sentence)})
    if result.examples.grid is not None:
        sheets["sheet"] = result.examples.grid
    return EvaluationResult(report, result.examples, sheets)


def _resampled_outputs(
    conditional_generator: ConditionalGenerator, samples: EvaluationSamples, seed: int
) -> list[Tensor]:
    """Further outputs for the first inputs, the same that diversity is measured on."""
    if samples.given is None:
        return []
    given: Batch = samples.given[:OUTPUTS]
    return [
        conditional_generator.resample(given, seed=derive_seed(seed, 8, number))
        for number in range(EXTRA_OUTPUTS)
    ]
