"""Speed of the duel: gannet's loop against a plain one, on the same networks and loss."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import _reference as reference
from gannet.core import device
from gannet.core.config import Config, parse
from gannet.core.recipe import Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.losses import adversarial
from gannet.recipes.registry import find_recipe
from gannet.training.trainer import Trainer

ROUNDS, STEPS = 7, 6
PRECISION = "bfloat16" if device.may_use_bfloat16("cpu") else "float32"


class _Told(nn.Module):
    """Gives a plain network gannet's call."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, _condition: Condition) -> Tensor:
        """Ignore the condition."""
        made: Tensor = self.network(x)
        return made


def _recipe(width: int) -> Recipe[Config]:
    def build(_config: Config, spec: Spec) -> Networks:
        channels = spec.shape[0]
        return Networks(
            _Told(reference.Generator(width, channels)),
            _Told(reference.Discriminator(width, channels)),
        )

    def for_d(networks: Networks, batch: Batch, noise: Tensor, _config: Config) -> Losses:
        fake = networks.generator(noise, batch.condition).detach()
        real = networks.discriminator(batch.real, batch.condition).float()
        judged = networks.discriminator(fake, batch.condition).float()
        return {"adversarial": adversarial.non_saturating_discriminator(real, judged)}

    def for_g(networks: Networks, batch: Batch, noise: Tensor, _config: Config) -> Losses:
        fake = networks.generator(noise, batch.condition)
        judged = networks.discriminator(fake, batch.condition).float()
        return {"adversarial": adversarial.non_saturating_generator(judged, judged)}

    return Recipe(
        config=Config,
        inputs=Inputs(slots={"sample": Slot(("image",))}),
        training=Training(build=build, discriminator_losses=for_d, generator_losses=for_g),
    )


def _ours(width: int, batch: int, channels: int) -> tuple[Trainer[Config], Iterator[Any]]:
    pictures = torch.rand(1024, channels, 32, 32) * 2 - 1
    config = Config.model_validate(
        {
            "steps": 10**6,
            "batch": batch,
            "latent_dim": reference.NOISE,
            "learning_rate": 2e-4,
            "beta1": 0.5,
            "beta2": 0.999,
            "precision": PRECISION,
        }
    )
    trainer = Trainer(
        _recipe(width), config, Spec((channels, 32, 32), grid=(0, 32, 32), kind="image")
    )

    def batches() -> Iterator[Batch]:
        while True:
            for rows in torch.randperm(len(pictures)).split(batch):
                yield Batch(pictures[rows], Condition.none(pictures[rows]), kind="image")

    return trainer, trainer.run(batches())


def _plain(width: int, batch: int, channels: int) -> Iterator[Any]:
    pictures = torch.rand(1024, channels, 32, 32) * 2 - 1
    networks = reference.Generator(width, channels), reference.Discriminator(width, channels)
    return reference.train(*networks, pictures, batch)


def _seconds(steps: Iterator[Any], count: int) -> float:
    began = time.process_time()
    for _ in islice(steps, count):
        pass
    return (time.process_time() - began) / count


def _compare(width: int, batch: int, channels: int, rounds: int = ROUNDS) -> dict[str, Any]:
    plain, (_, ours) = _plain(width, batch, channels), _ours(width, batch, channels)
    for each in (plain, ours):
        _seconds(each, 2)
    ratios: list[float] = []
    taken: list[float] = []
    for _ in range(rounds):
        slow, fast = _seconds(plain, STEPS), _seconds(ours, STEPS)
        ratios.append(slow / fast)
        taken.append(fast)
    ratios.sort()
    return {
        "width": width,
        "batch": batch,
        "channels": channels,
        "speedup": round(ratios[rounds // 2], 3),
        "low": round(ratios[0], 3),
        "high": round(ratios[-1], 3),
        "ms_per_step": round(1e3 * sorted(taken)[rounds // 2], 1),
        "pictures_per_cpu_second": round(batch / sorted(taken)[rounds // 2]),
    }


def _share_of_matmul(width: int, batch: int) -> tuple[float, float]:
    """Share of the machine's matrix-product rate that a step reaches, and that rate."""
    trainer, steps = _ours(width, batch, 1)
    next(steps)
    counter = FlopCounterMode(display=False)
    with counter:
        next(steps)
    kind = getattr(torch, trainer.config.precision)
    left, right = torch.rand(1024, 1024).to(kind), torch.rand(1024, 1024).to(kind)
    best = 0.0
    for _ in range(10):
        began = time.process_time()
        _ = left @ right
        best = max(best, 2 * 1024**3 / (time.process_time() - began))
    rate = counter.get_total_flops() / _seconds(steps, STEPS)
    return rate / best, best


def _own(side: int, width: int = 16, batch: int = 16) -> dict[str, Any]:
    """A step of gannet's default duel, slope penalties and all, against the size of pictures."""
    recipe = find_recipe("generate")
    config = parse(
        recipe.config, {"steps": 10**6, "width": width, "batch": batch, "precision": PRECISION}
    )
    pictures = torch.rand(batch, 3, side, side) * 2 - 1
    shown = Batch(pictures, Condition.none(pictures), kind="image")
    steps = Trainer(recipe, config, Spec.of(shown)).run(repeat(shown))
    _seconds(steps, 2)
    taken = sorted(_seconds(steps, 2) for _ in range(5))
    return {
        "side": side,
        "width": width,
        "batch": batch,
        "channels": 3,
        "ms_per_step": round(1e3 * taken[2], 1),
        "low": round(1e3 * taken[0], 1),
        "high": round(1e3 * taken[-1], 1),
    }


def run(data: Path, **flags: object) -> dict[str, Any]:
    """Compare at the paper's width, then at other widths and batches; one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    main = _compare(64, 64, 1)
    print(main, file=sys.stderr)
    share, rate = _share_of_matmul(64, 64)
    others = [
        _compare(width, batch, channels, rounds=3)
        for width, batch, channels in ((32, 64, 1), (32, 16, 1), (32, 256, 1), (32, 64, 3))
    ]
    return {
        "speedup": main["speedup"],
        "speedup_low": main["low"],
        "speedup_high": main["high"],
        "share_of_matmul": round(share, 3),
        "matmul_gflops": round(rate / 1e9, 1),
        "precision": PRECISION,
        "repeats": ROUNDS,
        "series": [main, *others],
        "by_resolution": [_own(side) for side in (16, 32, 64, 128)],
    }
