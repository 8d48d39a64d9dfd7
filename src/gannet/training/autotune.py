"""Settings that the user left open, chosen by measuring on the actual networks and data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, repeat
from typing import Any

import torch

from gannet.core import device as processor
from gannet.core.config import Config, parse
from gannet.core.recipe import Recipe
from gannet.core.seeding import random_subset
from gannet.core.source import SAMPLE
from gannet.core.types import Batch, Condition, Spec
from gannet.data.dataset import LABEL, Dataset
from gannet.modalities.registry import modality_of
from gannet.recipes.common.memory import check_memory
from gannet.training.trainer import Trainer

PROBE_SECONDS = 5.0
"""Maximum duration of a timing probe, however few steps it took."""

BFLOAT16_TIME_RATIO = 0.9
"""Maximum ratio of step times, bfloat16 to float32, at which bfloat16 is used."""

MANY_SAMPLES = 1_000_000
"""Assumed number of samples when timing steps, so that settings for few samples do not apply."""

PROBE_SAMPLES = 512
"""Samples that a recipe suggests settings from."""

REPEATS = 2.5
"""Times that each sample may be seen, for each sample that there is, without augmentation: 5,000
times of 2,000 samples, 500 times of 200."""

AUGMENTATION = 0.3
"""Augmentation probability at first where samples are seen more often than that."""

Clock = Callable[[], float]


class AutoConfig:
    """Chooses the settings that the user left open and records why."""

    def __init__(
        self,
        recipe: Recipe[Any],
        dataset: Dataset,
        given: Mapping[str, Any],
        seed: int,
        device: str,
    ) -> None:
        self.recipe, self.dataset, self.seed, self.device = recipe, dataset, seed, device
        self.user_settings = dict(given)
        self.reasons: list[str] = []
        self.config: Config = parse(recipe.config, self.user_settings)
        one, rng = dataset.train.take([0]), torch.Generator().manual_seed(seed)
        self.spec = Spec.of(recipe.training.corrupt(one, rng, self.config))
        check_memory(recipe, self.config, self.spec, device, self.user_settings)

    def choose(self, reason: str, **settings: object) -> None:
        """Apply settings, except those that the user gave or the recipe does not have."""
        fields = self.recipe.config.model_fields
        free = {
            name: value
            for name, value in settings.items()
            if name in fields and name not in self.user_settings
        }
        if free:
            self.config = parse(self.recipe.config, self.config.model_dump() | free)
            description = ", ".join(f"{name} {_short(value)}" for name, value in free.items())
            self.reasons.append(f"{description}: {reason}")

    def trainer(self, **settings: object) -> Trainer[Any]:
        """A new trainer with the settings so far."""
        config = parse(self.recipe.config, self.config.model_dump() | settings)
        return Trainer(self.recipe, config, self.spec, seed=self.seed, device=self.device)

    def time_step(
        self, steps: int = 4, clock: Clock = time.perf_counter, **settings: object
    ) -> float:
        """Seconds per step: the median of a few, after one warm-up step.

        Args:
            steps: How many; multiplied by the discriminator update interval.
            clock: Returns the time in seconds.
            settings: Changes to the settings so far.
        """
        every = settings.get("discriminator_interval", self.config.discriminator_interval)
        assert isinstance(every, int)
        trainer = self.trainer(steps=(steps + 1) * every, **settings)
        batches = self.dataset.train.batches(trainer.config.batch, seed=self.seed)
        return _timed(trainer, batches, clock)


def _timed(trainer: Trainer[Any], batches: Iterator[Batch], clock: Clock) -> float:
    """Seconds per step: the median over all steps but the first, of few if they are slow.

    Measured from one discriminator update to the next.
    """
    interval = trainer.config.discriminator_interval
    marks: list[float] = []
    for progress in trainer.run(batches):
        if progress.step % interval:
            continue
        processor.wait_for(trainer.device)  # else it is the asking that is timed
        marks.append(clock())
        if len(marks) > 1 and marks[-1] - marks[0] > PROBE_SECONDS:
            break
    durations = sorted(after - before for before, after in pairwise(marks))
    return max(durations[len(durations) // 2] / interval, 1e-6)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def steps_in(
    shape: tuple[int, ...],
    *,
    kind: str,
    recipe: Recipe[Any],
    given: Mapping[str, Any],
    seconds: float,
    device: str,
    clock: Clock = time.perf_counter,
    classes: int = 0,
) -> float:
    """How many steps there is time for with samples of some shape.

    Steps are measured on one thread, with the smallest networks on blank samples. Infinity if the
    recipe needs conditions that cannot be made up.

    Args:
        shape: Of an encoded sample.
        kind: Of data.
        recipe: The recipe.
        given: Settings of the user.
        seconds: Time budget.
        device: Where to train.
        clock: Returns the time in seconds.
        classes: Number of classes, for networks that need a label.
    """
    slots = recipe.inputs.slots
    if slots.keys() - {SAMPLE, LABEL}:
        return math.inf
    config = parse(recipe.config, dict(given) | {"steps": 4})
    check_memory(recipe, config, Spec(tuple(shape), kind=kind), device, given)
    blank = torch.zeros(config.batch, *shape)
    condition = Condition.none(blank)
    if LABEL in slots and not slots[LABEL].optional:
        condition = replace(
            condition, vector=torch.eye(classes)[torch.arange(config.batch) % classes]
        )
    batch = Batch(blank, condition, kind=kind)
    suggested: dict[str, object] = {}
    for _, settings in recipe.training.suggest(batch, MANY_SAMPLES):
        suggested |= settings
    timed = parse(recipe.config, config.model_dump() | suggested | dict(given) | {"steps": 4})
    trainer = Trainer(recipe, timed, Spec.of(batch), device=device)
    with processor.threads(1):
        return seconds / _timed(trainer, repeat(batch), clock)


def choose_settings(
    recipe: Recipe[Any],
    dataset: Dataset,
    given: Mapping[str, Any],
    *,
    seconds: float,
    seed: int,
    device: str,
    clock: Clock = time.perf_counter,
) -> tuple[AutoConfig, float]:
    """Every setting that the user left open, and the measured seconds per step.

    Args:
        recipe: The recipe.
        dataset: Decoded data, to measure on.
        given: Settings that stay as they are.
        seconds: Time budget; 0 if ``given`` bounds the steps.
        seed: Of the probes' networks.
        device: Where to train.
        clock: Returns the time in seconds; processor time for benchmarks.
    """
    chosen = AutoConfig(recipe, dataset, given, seed, device)
    if recipe.training.fit is not None:
        _apply_suggestions(chosen)
        return chosen, 0.0
    _choose_numbers(chosen)
    _choose_threads(chosen)
    _choose_size(chosen, seconds, clock)
    choose_precision(chosen, clock)
    if seconds:
        with processor.threads(chosen.config.threads):
            step = chosen.time_step(clock=clock)
        # The rest is for evaluations and checkpoints; measured on digits, see docs/benchmarks.md.
        steps = max(int(0.93 * seconds / step), 20)
        chosen.choose(f"{seconds:.0f} s at {step * 1e3:.1f} ms a step", steps=steps)
        _choose_augmentation(chosen)
    else:
        with processor.threads(chosen.config.threads):
            step = chosen.time_step(clock=clock)
        _choose_augmentation(chosen)
    return chosen, step


def planned_epochs(chosen: AutoConfig) -> tuple[float, float]:
    """How often training learns from each sample, and how often is too often for so few of them.

    Of adversarial training it is the discriminator that learns from them.
    """
    rows, config = len(chosen.dataset.train), chosen.config
    adversarial = chosen.recipe.training.adversarial(config)
    updates = config.n_critic / config.discriminator_interval if adversarial else 1
    return updates * config.steps * config.batch / rows, REPEATS * rows


def _choose_augmentation(chosen: AutoConfig) -> None:
    """Augment from the start what is seen so often that it would be learnt by heart.

    Later the controller raises and lowers it as the measured gap between training and held-out
    samples asks for.

    Source: Karras et al. 2020, arXiv:2006.06676, fig. 1: the fewer the samples, the earlier the
    discriminator overfits. The limit itself is a rule of thumb.
    """
    name = chosen.recipe.training.controls.augment
    epochs, usual = planned_epochs(chosen)
    copies_matter = modality_of(chosen.spec.kind).monitor.near_copies
    if not name or not copies_matter:
        return
    if epochs > usual and chosen.config.model_dump()[name] < AUGMENTATION:
        rows, many = len(chosen.dataset.train), modality_of(chosen.spec.kind).noun[1]
        chosen.choose(
            f"each of only {rows} {many} will be seen {epochs:.0f} times", **{name: AUGMENTATION}
        )


def _choose_numbers(chosen: AutoConfig) -> None:
    train = chosen.dataset.train
    rows = len(train)
    if "batch" not in chosen.user_settings and rows < chosen.config.batch:
        chosen.choose(f"only {rows} samples to train on", batch=max(2, rows))
    if train.label_codec is not None and train.label_codec.pseudo:
        chosen.choose(
            f"{rows} {modality_of(chosen.spec.kind).noun[1]} without labels, clustered into "
            "pseudo-classes that condition both networks",
            **{chosen.recipe.training.controls.pseudo_classes: len(train.label_codec.classes)},
        )
    _apply_suggestions(chosen)


def _apply_suggestions(chosen: AutoConfig) -> None:
    train = chosen.dataset.train
    some = train.take(random_subset(len(train), PROBE_SAMPLES, chosen.seed))
    for reason, settings in chosen.recipe.training.suggest(some, len(train)):
        chosen.choose(reason, **settings)
    for reason, settings in chosen.recipe.training.presets(chosen.config):
        chosen.choose(reason, **settings)


def _choose_threads(chosen: AutoConfig) -> None:
    if chosen.device != "cpu" or "threads" in chosen.user_settings:
        return
    step_seconds: dict[int, float] = {}
    for count in sorted({1, processor.processors()}):
        with processor.threads(count):
            step_seconds[count] = chosen.time_step(steps=3, discriminator_interval=1)
    best = min(step_seconds, key=lambda count: step_seconds[count])
    description = ", ".join(
        f"{count}: {seconds * 1e3:.0f} ms a step" for count, seconds in step_seconds.items()
    )
    chosen.choose(f"measured ({description})", threads=best)


def _choose_size(chosen: AutoConfig, seconds: float, clock: Clock) -> None:
    """Larger networks and batches only where there is time for enough steps."""
    scaling = chosen.recipe.training.scaling(chosen.spec)
    if not scaling:
        return
    steps = chosen.config.steps
    if seconds:
        with processor.threads(chosen.config.threads):
            steps = int(seconds / chosen.time_step(clock=clock))
    for min_steps, settings in scaling:
        if steps >= min_steps:
            # No batch larger than the training set.
            max_batch = min(settings.get("batch", chosen.config.batch), len(chosen.dataset.train))
            fitting = {**settings, "batch": int(max_batch)}
            chosen.choose(f"time for {steps} steps of the smallest networks", **fitting)
            return


def choose_precision(chosen: AutoConfig, clock: Clock) -> None:
    """Compute in bfloat16 where that is measured to be faster.

    Never for kinds of data whose fine structure its eight bits of mantissa would round away.
    """
    modality = modality_of(chosen.spec.kind)
    if not modality.bfloat16:
        chosen.choose(f"{modality.noun[1]} need full precision", precision="float32")
        return
    if chosen.recipe.training.float32_only:
        chosen.choose("training of this recipe stands still in 16 bit", precision="float32")
        return
    if "precision" in chosen.user_settings or not processor.may_use_bfloat16(chosen.device):
        chosen.choose("16 bit is not faster on this machine", precision="float32")
        return
    with processor.threads(chosen.config.threads):
        wide = chosen.time_step(clock=clock, precision="float32")
        short = chosen.time_step(clock=clock, precision="bfloat16")
    chosen.choose(
        f"measured (32 bit: {wide * 1e3:.1f} ms a step, 16 bit: {short * 1e3:.1f} ms)",
        precision="bfloat16" if short < BFLOAT16_TIME_RATIO * wide else "float32",
    )
