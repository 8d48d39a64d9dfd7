"""Auto-configuration: from data, machine and minutes to settings, with reasons and a forecast.

Nothing is looked up in a table of known data sets: time per step and gradient penalty weight are
measured on the actual networks and data; recipes suggest the settings that only they know.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from gannet.core import device as processor
from gannet.core.plugins import gannet_version
from gannet.core.types import Spec
from gannet.data.dataset import Dataset
from gannet.data.doctor.checks import repeated_passes
from gannet.data.doctor.diagnose import diagnose_dataset
from gannet.data.inspect import Findings
from gannet.data.traits import traits_of
from gannet.modalities.findings import Finding
from gannet.modalities.registry import find_modality, modality_of
from gannet.recipes.registry import find_recipe
from gannet.training.autotune import AutoConfig, Clock, choose_settings, planned_epochs

EVALUATIONS = 32
"""Evaluations in a run, unless that would be too often or too seldom."""

MIN_EVAL_INTERVAL = 16
"""Minimum steps between two evaluations where data are few and soon overfitted."""


def default_minutes(cost: float, device: str) -> float:
    """Default time budget of a run, in minutes.

    Ten minutes for samples that cost no more than an image of 32 x 32; beyond that as much longer
    as samples cost more, up to two hours. A quarter of it on a GPU.

    Args:
        cost: Of a sample, from ``Modality.cost``.
        device: Where to train.

    >>> default_minutes(0.77, "cpu"), default_minutes(4.0, "cpu")
    (10.0, 40.0)
    """
    minutes = min(max(10.0 * cost, 10.0), 120.0)
    return round(minutes if device == "cpu" else minutes / 4, 1)


def advise(findings: Findings) -> dict[str, Any]:
    """What training would choose for inspected data, and why."""
    device = processor.best_device()
    cost = find_modality(findings.kind).cost(findings.shape) if findings.shape else 1.0
    minutes = default_minutes(cost, device)
    why = f"on this machine ({processor.hardware(device)}); --minutes changes it"
    return {"minutes": minutes, "why": why, **findings.options}


FORMAT = 2
"""Format of the plan and of the training log."""


class Plan(BaseModel):
    """What a run will do; written before the first step, and changed for more time or steps alone.

    Attributes:
        recipe: Name of the recipe.
        config: Every setting, chosen or given.
        user_settings: The settings that the user gave.
        spec: Sizes of the networks' inputs and outputs.
        label_column: Column of the labels if the user named one, else ``None``.
        options: Options of the kind of data that the user gave.
        budget_seconds: Time budget; 0 when the run is bounded by steps alone.
        step_seconds: Measured time of a step.
        eval_interval: Steps between evaluations.
        reasons: Why each setting is what it is.
        forecast: What to expect, in sentences for users.
        traits: Of the raw data; see ``data.traits``.
        findings: What is wrong with the data, as records of ``Finding``.
        limits: What the time budget has cut, such as the size of samples, in sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    gannet: str
    recipe: str
    data: str
    digest: str
    codecs: dict[str, dict[str, Any]]
    config: dict[str, Any]
    user_settings: dict[str, Any]
    spec: Spec
    seed: int
    auto_adjust: bool
    device: str
    label_column: str | None = None
    options: dict[str, Any] = {}
    budget_seconds: float
    step_seconds: float
    eval_interval: int
    reasons: tuple[str, ...] = ()
    forecast: tuple[str, ...] = ()
    traits: dict[str, list[Any]] = {}
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedData:
    """Data that are ready to train on, and what was chosen for them.

    Attributes:
        dataset: Decoded and split.
        minutes: Time budget of the run; 0 if it is bounded by steps.
        options: Options of the kinds of data that the user gave, as JSON values.
        reason: Why samples have their size; empty where there was no choice.
        data: Where the data are; by default the path of their source.
        limits: What the time budget has cut, in sentences.
    """

    dataset: Dataset
    minutes: float
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    reason: str = ""
    data: str = ""
    limits: tuple[str, ...] = ()


def _eval_interval(chosen: AutoConfig) -> int:
    """Steps between evaluations; shorter where few data are soon overfitted.

    Such data are then evaluated after a few epochs, however few they are.
    """
    config, together = chosen.config, chosen.config.discriminator_interval
    monitor = modality_of(chosen.spec.kind).monitor
    usual = eval_interval(config.steps, monitor.evaluations, together=together)
    epochs = monitor.max_epochs_between_evaluations
    if math.isinf(epochs):
        return usual
    steps = math.ceil(epochs * len(chosen.dataset.train) / config.batch)
    return min(usual, together * math.ceil(max(steps, MIN_EVAL_INTERVAL) / together))


def eval_interval(steps: int, evaluations: int = EVALUATIONS, *, together: int = 1) -> int:
    """Steps between evaluations: about thirty a run, 25 to 500 steps apart.

    Args:
        steps: Of the run.
        evaluations: About how many.
        together: Discriminator update interval; the result is a multiple of it.

    >>> (
    ...     eval_interval(200),
    ...     eval_interval(4000),
    ...     eval_interval(10**6),
    ...     eval_interval(200, together=8),
    ... )
    (25, 125, 500, 32)
    """
    return together * math.ceil(min(max(steps // evaluations, 25), 500) / together)


def forecast(chosen: AutoConfig, step: float) -> list[str]:
    """What to expect of the run, in sentences for users."""
    config, rows = chosen.config, len(chosen.dataset.train)
    if chosen.recipe.training.fit is not None:
        return [f"fitted at once to {rows} training samples, without adversarial training"]
    sample_count = config.steps * config.batch
    epochs, _ = planned_epochs(chosen)
    sentences = [
        f"{config.steps} steps of {config.batch} samples: each of the {rows} training samples is "
        f"learnt from about {epochs:.1f} times",
        f"about {config.steps * step / 60:.1f} minutes of training",
    ]
    modality = modality_of(chosen.spec.kind)
    if sample_count < modality.monitor.rough_below:
        sentences.append(
            f"only {sample_count} {modality.noun[1]} will be generated in training: expect rough "
            "shapes, "
            "little detail; more minutes help most"
        )
    return sentences


def _few_samples(chosen: AutoConfig) -> Iterator[Finding]:
    """Whether so few samples are seen so often that they may be learnt by heart."""
    modality = modality_of(chosen.spec.kind)
    if chosen.recipe.training.fit is None and modality.monitor.near_copies:
        yield from repeated_passes(len(chosen.dataset.train), *planned_epochs(chosen), modality)


def make_plan(
    prepared: PreparedData,
    *,
    recipe: str,
    given: Mapping[str, Any],
    seed: int,
    auto_adjust: bool,
    device: str,
    label: str | None = None,
    clock: Clock = time.perf_counter,
) -> Plan:
    """Choose all settings that are open, with reasons.

    Args:
        prepared: The data, with the time budget.
        recipe: Name of the recipe.
        given: Settings that the user gave, with ``steps`` if there is no time budget.
        seed: Of everything.
        auto_adjust: Whether the controller may change settings during training.
        device: Where to train.
        label: Column of the labels that the user named.
        clock: Returns the time in seconds.
    """
    dataset, seconds = prepared.dataset, 60 * prepared.minutes
    chosen, step = choose_settings(
        find_recipe(recipe), dataset, given, seconds=seconds, seed=seed, device=device, clock=clock
    )
    codecs = {
        role: {"kind": codec.kind, "state": codec.model_dump(mode="json")}
        for role, codec in dataset.codecs.items()
    }
    return Plan(
        gannet=gannet_version(),
        recipe=recipe,
        data=prepared.data or str(dataset.source.path),
        digest=dataset.digest,
        codecs=codecs,
        config=chosen.config.model_dump(mode="json"),
        user_settings=chosen.user_settings,
        spec=chosen.spec,
        seed=seed,
        auto_adjust=auto_adjust,
        device=device,
        label_column=label,
        options=prepared.options,
        budget_seconds=seconds,
        step_seconds=step,
        eval_interval=_eval_interval(chosen),
        reasons=(*filter(None, (prepared.reason,)), *chosen.reasons),
        forecast=tuple(forecast(chosen, step)),
        traits=traits_of(dataset.source),
        findings=(*diagnose_dataset(dataset), *_few_samples(chosen)),
        limits=prepared.limits,
    )
