"""Training steps on a GPU: compared with the processor's, timed, and watched for waits."""

from __future__ import annotations

import io
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet.core import device as processor
from gannet.core.config import parse
from gannet.core.recipe import LossesOf, Recipe
from gannet.core.types import Batch, Losses, Networks, Spec, StepResult
from gannet.data.dataset import Rows
from gannet.data.store import InMemory
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe
from gannet.testing import changed
from gannet.training.session import Session
from gannet.training.trainer import Trainer
from tools.gpu.data import pictures
from tools.gpu.findings import Check, Numbers

TWIN_STEPS = 6
"""Of runs that are compared."""
SIZES, TIMED_STEPS, TIMED_SECONDS = (32, 64, 128, 256), 40, 3.0
"""Sides of the pictures on which steps are timed; most steps, and seconds."""
FIRST, LATER, ALIKE, SAME_CELLS = 2e-3, 5e-2, 2e-3, 0.99
"""How far GPU and processor may be apart: terms of the first step and of later ones, of their size;
numbers of samples and verdicts; and the least share of equal cells in tables."""


class without_tf32:  # noqa: N801  # a context manager, used like a function
    """Compute products of 32-bit numbers with all their bits."""

    def __enter__(self) -> None:
        self.was = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        torch.backends.cudnn.allow_tf32 = self.was


def with_same_chance(recipe: Recipe[Any]) -> Recipe[Any]:
    """The recipe with noise and problems drawn on the processor, so that devices can be compared.

    Their generators draw other numbers from the same seed.
    """
    calls = iter(range(1 << 30))

    def chance() -> torch.Generator:
        return torch.Generator().manual_seed(next(calls))

    def corrupt(batch: Batch, _rng: torch.Generator, config: Any) -> Batch:
        made = recipe.training.corrupt(batch.to("cpu"), chance(), config)
        return made.to(str(batch.real.device))

    def of(losses: LossesOf[Any]) -> LossesOf[Any]:
        def told(networks: Networks, batch: Batch, noise: Tensor, config: Any) -> Losses:
            drawn = torch.randn(noise.shape, generator=chance()).to(noise.device)
            return losses(networks, batch, drawn, config)

        return told

    training, others = recipe.training, recipe.training.auxiliary_losses
    return changed(
        recipe, corrupt=corrupt, discriminator_losses=of(training.discriminator_losses),
        generator_losses=of(training.generator_losses),
        auxiliary_losses={name: of(each) for name, each in others.items()},
    )  # fmt: skip


def compare_training(check: Check, case: str, session: Session) -> Numbers:
    """Steps in 32 bit on both; the same steps twice, and interrupted; waits within a step."""
    plan, train = session.plan, session.dataset.train
    plain = find_recipe(plan.recipe)
    still = {plain.training.controls.augment: 0.0} if plain.training.controls.augment else {}
    exact = {"precision": "float32", "steps": TWIN_STEPS, "discriminator_interval": 1}
    config = parse(plain.config, plan.config | exact | still)

    def start(device: str, recipe: Recipe[Any] = plain) -> Trainer[Any]:
        return Trainer(recipe, config, plan.spec, device=device)

    def steps(trainer: Trainer[Any], count: int = TWIN_STEPS) -> list[StepResult]:
        batches = train.batches(config.batch, seed=0, start=trainer.batches_seen)
        return list(islice(trainer.run(batches), count))

    with without_tf32():
        here, there = (
            [each.numbers() for each in steps(start(device, with_same_chance(plain)))]
            for device in ("cpu", check.device)
        )
    apart = [
        max(abs(one[name] - other[name]) / (1 + abs(one[name])) for name in one)
        for one, other in zip(here, there, strict=True)
    ]
    near = apart[0] <= FIRST and max(apart) <= LATER
    check.expect(true=near, said=f"{case}: losses differ from the processor's by {apart}")
    whole, again, first, second = (start(check.device) for _ in range(4))
    for each in (whole, again):
        steps(each)
    steps(first, TWIN_STEPS // 2)
    saved = io.BytesIO()
    torch.save(first.state_dict(), saved)
    saved.seek(0)
    second.load_state_dict(torch.load(saved, map_location=check.device, weights_only=True))
    steps(second)
    twice, resumed = (largest_difference(whole, each) for each in (again, second))
    said = f"{case}: resumed, weights differ by {resumed:.2g}; trained twice, by {twice:.2g}"
    check.expect(true=resumed <= 10 * twice, said=said)
    found: Numbers = {"losses_apart": [float(f"{each:.2g}") for each in apart],
                      "twice_apart": twice, "resumed_apart": resumed}  # fmt: skip
    if check.gpu:
        usual = parse(plain.config, plan.config | {"steps": 100})
        trainer = Trainer(plain, usual, plan.spec, device=check.device)
        steps(trainer, 2)
        found |= waits(trainer, train.batches(config.batch, seed=0), 8)
    return found


def largest_difference(one: Trainer[Any], other: Trainer[Any]) -> float:
    """Of all weights of two duels."""
    pairs = zip(one.networks.parameters(), other.networks.parameters(), strict=True)
    return max(float((mine - theirs).detach().abs().max()) for mine, theirs in pairs)


def waits(trainer: Trainer[Any], batches: Iterator[Batch], steps: int) -> Numbers:
    """How often a step waits until the GPU has done all it was asked for, and where."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            list(islice(trainer.run(batches), steps))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    mine = [each for each in caught if "synchroniz" in str(each.message)]
    places = Counter(f"{'/'.join(Path(w.filename).parts[-3:])}:{w.lineno}" for w in mine)
    return {"waits_per_step": round(len(mine) / steps, 2), "waits_at": dict(places.most_common(8))}


def time_generate(check: Check, side: int, precision: str, batch: int, width: int) -> Numbers:
    """Steps of ``generate`` on pictures: milliseconds, pictures per second, memory, waits."""
    recipe, kind = find_recipe("generate"), find_modality("image")
    codec = ImageCodec(height=side, width=side, channels=3)
    shown = pictures(4 * batch, side)
    store = InMemory(kind, codec, kind.pack(codec, list(shown)))
    rows = Rows(store, np.arange(len(shown)), np.full(len(shown), -1), None, kind="image")
    asked = {"steps": 10_000, "batch": batch, "width": width, "precision": precision}
    trainer = Trainer(recipe, parse(recipe.config, asked), Spec.of(rows.take([0])),
                      device=check.device)  # fmt: skip
    if check.gpu:
        torch.cuda.reset_peak_memory_stats()
    batches = rows.batches(batch, seed=0)
    loaded = step_seconds(check, trainer, batches)
    ready = rows.take(range(batch)).to(check.device)
    at_hand = step_seconds(check, trainer, repeat(ready))
    found: Numbers = {"batch": batch, "width": width}
    found |= {"ms_per_step": round(1e3 * loaded, 2), "without_loading": round(1e3 * at_hand, 2)}
    found["pictures_per_second"] = round(batch / loaded)
    if check.gpu:
        found["peak_MiB"] = torch.cuda.max_memory_allocated() >> 20
        found |= waits(trainer, batches, 3)
        often = found["waits_per_step"]
        said = f"generate at {side}, {precision}: {often} waits a step at {found['waits_at']}"
        check.expect(true=not often, said=said)
    return found


def step_seconds(check: Check, trainer: Trainer[Any], batches: Iterator[Batch]) -> float:
    """Mean over some steps after a few to warm up; the device is waited for at the ends alone."""
    steps = trainer.run(batches)
    list(islice(steps, 5 if check.gpu else 1))
    processor.wait_for(check.device)
    began, done = time.perf_counter(), 0
    while done < TIMED_STEPS and time.perf_counter() - began < TIMED_SECONDS:
        next(steps)
        done += 1
    processor.wait_for(check.device)
    return (time.perf_counter() - began) / done
