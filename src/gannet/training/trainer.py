"""The duel: networks that improve by turns. No files, no screens, no metrics."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Generic

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gannet.core import device as processor
from gannet.core.config import C, parse
from gannet.core.recipe import LossesOf, Recipe
from gannet.core.seeding import derive_seed
from gannet.core.types import Batch, Spec, StepResult, trainable
from gannet.modalities.registry import modality_of


class Player(Generic[C]):
    """One player's weights, their optimiser, and the terms they minimise."""

    def __init__(
        self, name: str, network: nn.Module, losses: LossesOf[C], optimizer: Optimizer, rate: float
    ) -> None:
        self.name, self.network, self.losses, self.optimizer = name, network, losses, optimizer
        self.weights = trainable(network)
        # Of the learning rate: a schedule moves the rates of all players alike.
        self.ratios = [float(group["lr"]) / rate for group in optimizer.param_groups]

    def set_trainable(self, now: bool) -> None:
        """Let gradients reach this side's weights, or keep them out."""
        for weight in self.weights:
            weight.requires_grad_(now)

    def step(self, rate: float) -> None:
        """Move the weights along their gradients."""
        for group, ratio in zip(self.optimizer.param_groups, self.ratios, strict=True):
            group["lr"] = ratio * rate
        self.optimizer.step()


class Trainer(Generic[C]):
    """A training run. Batches go in; ``ema``, the network worth keeping, gets better.

    Attributes:
        config: Settings in force; ``update_config`` changes them during a run.
        sides: The players by name, in the order in which they learn.
        ema: Running average of the recipe's product.
        step: Generator updates done.
        batches_seen: Batches consumed, so that a resumed run knows where the data stand.
    """

    def __init__(
        self, recipe: Recipe[C], config: C, spec: Spec, *, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.recipe, self.config, self.seed, self.device = recipe, config, seed, device
        self.first, self.spec = config, spec
        self.reset()
        self.rng = torch.Generator(device)
        self.step = self.batches_seen = 0

    def reset(self, *attempt: int) -> None:
        """First weights and fresh optimisers; other ones for every ``attempt``.

        Steps and settings stay: of a run that was going nowhere, the rest is still of use.
        """
        training, first = self.recipe.training, self.first
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, *attempt))
            networks = training.build(self.config, self.spec).to(self.device)
        self.networks = processor.to_channels_last(networks)
        # Ratios of rates are those of the settings that the run was begun with.
        optimizers = training.optimizers(first, self.networks)
        self.sides = {
            name: Player(
                name, network, training.losses[name], optimizers[name], first.learning_rate
            )
            for name, network in self.networks.by_name.items()
        }
        self.ema = copy.deepcopy(self._product()).requires_grad_(False).eval()

    @property
    def discriminator(self) -> Player[C]:
        """The player that judges."""
        return self.sides["discriminator"]

    @property
    def generator(self) -> Player[C]:
        """The player that makes."""
        return self.sides["generator"]

    def sampler(self, *, averaged: bool) -> nn.Module:
        """The network that makes samples; see ``Recipe.makes_samples``."""
        if not self.recipe.makes_samples:
            return self.networks.generator
        return self.ema if averaged else self._product()

    def _product(self) -> nn.Module:
        return self.recipe.inference.model(self.networks)

    def run(self, batches: Iterator[Batch]) -> Iterator[StepResult]:
        """Duel until ``config.steps``, handing over after each step to look, save or stop."""
        while self.step < self.config.steps:
            yield self._step(batches, self.current_config())

    def current_config(self) -> C:
        """The settings in force at this step, after the recipe's schedule."""
        return self.recipe.training.schedule(self.config, self.step / self.config.steps)

    def update_config(self, **changes: object) -> None:
        """Change settings from the next step on; validated like any other settings."""
        self.config = parse(type(self.config), self.config.model_dump() | changes)

    def _step(self, batches: Iterator[Batch], now: C) -> StepResult:
        """One step. Its chance depends on seed and step alone, so a resumed run cannot differ.

        The terms are of those who learnt at it.
        """
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, self.step))  # for dropout and augmentation
            self.rng.manual_seed(derive_seed(self.seed, self.step, 1))  # for noise and ``prepare``
            losses: dict[str, Tensor] = {}
            rounds = now.n_critic if self._discriminator_learns(now) else 0
            for _ in range(rounds):
                losses |= self._update(self.discriminator, next(batches), now)
                self._clip(now.weight_clip)
            others = [each for each in self.sides.values() if each is not self.discriminator]
            for side in others:
                losses |= self._update(side, next(batches), now)
        self.batches_seen += rounds + len(others)
        self.step += 1
        self._update_ema(now.ema_decay)
        return StepResult(self.step, losses)

    def _discriminator_learns(self, now: C) -> bool:
        """Whether the discriminator learns at this step: the last of so many, and of the run.

        A look after such a number of steps then sees it fresh, with terms and gradient.
        """
        done = self.step + 1
        return done % now.discriminator_interval == 0 or done == self.config.steps

    def _update(self, side: Player[C], batch: Batch, now: C) -> dict[str, Tensor]:
        """Take one gradient step for ``side`` while all other weights stand still."""
        self.let_learn(side)
        problem = self.recipe.training.corrupt(batch.to(self.device), self.rng, now)
        last = modality_of(problem.kind).channels_last
        problem = replace(
            problem, real=processor.batch_to_channels_last(problem.real, channels_last=last)
        )
        noise = torch.randn(len(batch), now.latent_dim, generator=self.rng, device=self.device)
        with processor.autocast(self.device, now.precision):
            losses = side.losses(self.networks, problem, noise, now)
        side.optimizer.zero_grad()
        torch.stack([*losses.values()]).sum().backward()
        side.step(now.learning_rate)
        return {f"{side.name}/{name}": term.detach() for name, term in losses.items()}

    def let_learn(self, side: Player[C]) -> None:
        """Let gradients reach the weights of one side alone, shared ones among them."""
        for each in self.sides.values():
            each.set_trainable(False)
        side.set_trainable(True)

    @torch.no_grad()
    def _clip(self, bound: float) -> None:
        """Keep the discriminator's weights within the bound. Source: arXiv:1701.07875, alg. 1."""
        if bound:
            for weight in self.discriminator.weights:
                weight.clamp_(-bound, bound)

    @torch.no_grad()
    def _update_ema(self, memory: float) -> None:
        """Move the average a little towards the current product.

        The memory never exceeds a tenth of the run so far, so that first attempts are forgotten.
        """
        pull = max(1 - memory, min(1.0, 10 / self.step))
        # Running statistics are averaged too: those of the fast network do not fit the slow one.
        for slow, fast in zip(_numbers(self.ema), _numbers(self._product()), strict=True):
            slow.lerp_(fast, pull)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly as if never interrupted."""
        counts = {
            "step": self.step,
            "batches_seen": self.batches_seen,
            "config": self.config.model_dump(),
        }
        networks = {"networks": self.networks.state_dict(), "ema": self.ema.state_dict()}
        optimizers = {name: side.optimizer.state_dict() for name, side in self.sides.items()}
        return counts | networks | {"optimizers": optimizers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where ``state_dict`` left off."""
        self.step, self.batches_seen = state["step"], state["batches_seen"]
        self.config = parse(type(self.config), state["config"])
        self.load_networks(state)

    def load_networks(self, state: dict[str, Any]) -> None:
        """Go back to earlier weights and optimisers; time and settings stay as they are."""
        self.networks.load_state_dict(state["networks"])
        self.ema.load_state_dict(state["ema"])
        for name, side in self.sides.items():
            side.optimizer.load_state_dict(state["optimizers"][name])


def _numbers(network: nn.Module) -> Iterator[Tensor]:
    """Weights and running statistics; counters stay out."""
    yield from network.parameters()
    yield from (each for each in network.buffers() if each.is_floating_point())
