"""Score a model: with the evaluation of its modality, or with the general one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    neighbors_sheet,
    with_examples,
)
from gannet.evaluation.report.markdown import SplitData, held_out_words
from gannet.modalities.hooks import Data, Sampler, Sheet, WholeEvaluation
from gannet.modalities.registry import modality_of

AGAIN = 2
"""Further outputs that a report shows beside the first."""

NEIGHBORS = "{name} shows the fakes nearest to training samples, each above its nearest one."
"""Protocol sentence of a report with an image grid of nearest neighbours."""


def score(
    sampler: Sampler,
    dataset: SplitData,
    codecs: Mapping[str, Codec[Any]],
    *,
    count: int = 2_000,
    seed: int = 0,
    answers: ConditionalGenerator | None = None,
    transform: Callable[[Any, int], Sequence[Any]] | None = None,
    cache: Path | None = None,
    sheets: bool = True,
    options: Mapping[str, Any] | None = None,
) -> EvaluationResult:
    """Score a model against held-out data.

    Args:
        sampler: The model.
        dataset: The data that it was trained on, and those held out.
        codecs: Codecs of the model, by role.
        count: Samples on each side.
        seed: Seed of all random choices.
        answers: For conditional generation: the generator and its reference methods.
        transform: A raw input and a number of draws to raw outputs, for a model that transforms.
        cache: Folder in which features are cached; ``None`` for none.
        sheets: Whether to create image grids beside the report.
        options: ``artifact`` and ``data``, their names in the report, and further options of
            ``evaluate``, or of the modality's own evaluation.

    Raises:
        GannetError: if too little was held out, or an option does not suit the data.
    """
    codec, options = codecs["sample"], dict(options or {})
    modality = modality_of(codec.kind)
    whole = modality.evaluation.whole
    if whole is not None:
        asked = WholeEvaluation(sampler, dataset, codec, count, seed, transform, options)
        return _explained(EvaluationResult(whole(asked)), dataset, codec)
    answering = None if answers is None else partial(answers.transform, seed=seed)
    made = evaluation_samples(sampler, dataset, count=count, seed=seed, answering=answering)
    report = evaluate(
        sampler,
        dataset,
        count=count,
        seed=seed,
        made=made,
        answers=answers,
        cache=cache,
        **options,
    )
    others = [] if answers is None else _answered_again(answers, made, seed)
    report, examples = with_examples(report, made, dataset, codecs, others)
    found = _explained(EvaluationResult(report, examples), dataset, codec)
    return _with_sheets(found, made, dataset, codec) if sheets else found


def _explained(found: EvaluationResult, dataset: SplitData, codec: Codec[Any]) -> EvaluationResult:
    """Add how samples were read and split to the protocol."""
    said = (*found.report.protocol, *held_out_words(dataset, codec))
    return EvaluationResult(found.report.model_copy(update={"protocol": said}), found.examples)


def _with_sheets(
    found: EvaluationResult, made: EvaluationSamples, data: Data, codec: Codec[Any]
) -> EvaluationResult:
    sheets: dict[str, Sheet] = {}
    report = found.report
    near = neighbors_sheet(report, made, data, codec)
    if near is not None:
        sheets["neighbors"] = near
        said = NEIGHBORS.format(name=f"neighbors{near.suffix}")
        report = report.model_copy(update={"protocol": (*report.protocol, said)})
    if found.examples.grid is not None:
        sheets["sheet"] = found.examples.grid
    return EvaluationResult(report, found.examples, sheets)


def _answered_again(
    answers: ConditionalGenerator, made: EvaluationSamples, seed: int
) -> list[Tensor]:
    """Further outputs for the first inputs, the same that diversity is measured on."""
    if made.given is None:
        return []
    given: Batch = made.given[:OUTPUTS]
    return [answers.resample(given, seed=derive_seed(seed, 8, number)) for number in range(AGAIN)]
