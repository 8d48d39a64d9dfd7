"""The README of a run's folder: a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gannet.core.io.names import harmless, printable, without_html
from gannet.core.io.training_log import TrainingLog, read_training_log
from gannet.core.scores.diagnosis import RunDiagnosis, diagnose_run
from gannet.core.scores.evidence import evidence_of_card
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.options import given_modality, given_options
from gannet.metrics.two_sample import TwoSampleResult
from gannet.modalities.registry import modality_of


def model_card(
    artifact: Artifact, name: str, preview: str = "", training_log: TrainingLog | None = None
) -> str:
    """The README of the folder ``name``, a model card as the Hugging Face hub reads it.

    Args:
        artifact: The trained run.
        name: Name of its folder.
        preview: Name of an image of samples in the folder; empty for none.
        training_log: Of the run, where there is one.
    """
    card, fitted = artifact.card, artifact.recipe.training.fit is not None
    codec = artifact.codecs["sample"]
    modality = modality_of(codec.kind)
    presentation, size = modality.presentation, "x".join(str(side) for side in card.spec.shape)
    what = without_html(presentation.contents(codec)) or f"{modality.noun[1]} of {size}"
    notes = list(map(without_html, presentation.notes(codec)))
    lines = [
        "---",
        "library_name: gannet",
        *([f"pipeline_tag: {pipeline}"] if (pipeline := _pipeline(artifact)) else []),
        f"tags: [{', '.join(('gan', 'gannet', *presentation.tags))}]",
        "---",
        "",
        f"# {harmless(str(card.data.get('name') or 'samples'))}: a generator made with gannet",
        "",
        f"Recipe `{card.recipe}`, {'fitted at once' if fitted else _steps(card)}, "
        f"seed {card.seed}, gannet {card.gannet}. Trained on {card.data['train']} {what}; "
        f"{card.data['held_out']} were held out.",
        "",
        *([f"![samples]({preview})", ""] if preview else []),
        without_html(_result(card, training_log)),
        "",
        *(f"{without_html(str(each))}." for each in card.data.get("limits", ())),
        f"A baseline: {card.diagnosis['name']}. {card.diagnosis['evidence']}."
        if fitted
        else f"When training ended: {card.diagnosis['name']}. {card.diagnosis['evidence']}. "
        f"Stopped because: {card.diagnosis['stopped']}.",
        "",
        _distance(card.energy_distance),
        "",
        two_sample_sentence(card),
        "",
        "## Use",
        "",
        "```python",
        "import gannet",
        "",
        f"model = gannet.load({json.dumps(name)})",
        _usage(artifact),
        "```",
        "",
        "It was fitted without a discriminator, so it cannot judge samples."
        if fitted
        else _judged(card),
    ]
    if artifact.classes:
        lines += ["", "Classes: " + ", ".join(map(harmless, artifact.classes)) + "."]
    lines += ["", *notes] if notes else []
    return printable("\n".join(lines) + "\n")


def training_log_of(artifact: Artifact, folder: Path) -> TrainingLog:
    """The log of a run in its folder, with what its card says of the whole run."""
    card = artifact.card
    return read_training_log(
        folder,
        recipe=card.recipe,
        diagnosis=card.diagnosis,
        controls=artifact.recipe.training.controls,
        steps=card.trained_steps,
        batch=int(card.config.get("batch", 0)),
    )


def diagnose_card(card: Card, training_log: TrainingLog | None = None) -> RunDiagnosis:
    """What is known at the end of training, in one diagnosis; a report adds its scores."""
    record = card.two_sample_test
    test = TwoSampleResult.of(record) if record else None
    evidence = evidence_of_card(card.model_dump(), two_sample=test, training_log=training_log)
    return diagnose_run(evidence)


def _result(card: Card, training_log: TrainingLog | None) -> str:
    """Grade, why, and what to do, in a sentence each."""
    diagnosis = diagnose_card(card, training_log)
    grade, _, why = diagnosis.sentence.partition(":")
    return f"**{grade}:**{why} {diagnosis.advice}".rstrip()


def _steps(card: Card) -> str:
    """How many steps were trained, and after which of them the model was taken."""
    trained = max(card.trained_steps, card.steps)
    taken = "" if card.steps == trained else f" (the best model, after {card.steps:,}, is kept)"
    return f"{trained:,} steps{taken}"


def _judged(card: Card) -> str:
    """What the judge of the run can tell, in a sentence or two."""
    judge = card.judge
    if judge is None or judge.missing:
        why = f"There is no judge: {judge.missing}. " if judge else ""
        return (
            f"{why}The discriminator's probabilities are fitted on held-out data and on fakes of "
            "this very generator; they say little about fakes from elsewhere."
        )
    detected = [f"{each.name} ({each.auc:.2f})" for each in judge.controls if each.detected]
    sentence = f"Its judge tells from held-out reals (AUC): {', '.join(detected) or 'nothing'}."
    return (
        f"{sentence} It cannot tell: {', '.join(judge.undetected)}."
        if judge.undetected
        else sentence
    )


def _usage(artifact: Artifact) -> str:
    """A line of Python that uses the model."""
    recipe, codecs = artifact.recipe, artifact.codecs
    if recipe.inference.transform is not None:
        codec = codecs.get(recipe.inference.transform.given, codecs["sample"])
        given = modality_of(codec.kind)
        suffix = given.item_suffix or next(iter(given.readers), "")
        return f'output = model.apply("input{suffix}")  # samples=5 for five different ones'
    options = "".join(f", {name}=..." for name in given_options(recipe, codecs))
    return f"samples = model.sample(16, seed=0{options})"


def _pipeline(artifact: Artifact) -> str:
    """The task by the hub's name, such as ``text-to-image``; empty if it has none."""
    given = given_modality(artifact.recipe, artifact.codecs)
    presentation = modality_of(artifact.codecs["sample"].kind).presentation
    if given is None:
        return presentation.pipeline
    ends = (given.presentation.hub_name, presentation.hub_name)
    return "-to-".join(ends) if all(ends) else ""


def _distance(measured: Mapping[str, Any]) -> str:
    if measured["value"] is None:
        return "Distance to held-out data: not measured, the run was stopped before an evaluation."
    value, error, reference = (
        "not known" if measured[name] is None else f"{measured[name]:.3g}"
        for name in ("value", "error", "reference")
    )
    return (
        f"Distance to held-out data ({measured['name']}): {value}, standard error {error}; "
        f"reference (real against real): {reference}."
    )


def two_sample_sentence(card: Card) -> str:
    """The result of the classifier two-sample test (C2ST), in a sentence."""
    if not card.two_sample_test:
        return "Too little was held out for a classifier two-sample test (C2ST)."
    result = TwoSampleResult.of(card.two_sample_test)
    if card.steps == 0 and result.outcome != "difference":
        return "Nothing was trained, so the two-sample test (C2ST) claims nothing."
    brief = " The run was short, and so was the test; an evaluation tests in full."
    return f"Two-sample test (C2ST): {result.sentence()}{brief if result.brief else ''}"
