"""Adversarial training: players take gradient steps in turn. No files, no output, no metrics."""

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
    """One network, its optimizer and the losses it minimizes."""

    def __init__(
        self, name: str, network: nn.Module, losses: LossesOf[C], optimizer: Optimizer, rate: float
    ) -> None:
        self.name, self.network, self.losses, self.optimizer = name, network, losses, optimizer
        self.weights = trainable(network)
        # Ratios to the base learning rate, so that a schedule scales all players alike.
        self.ratios = [float(group["lr"]) / rate for group in optimizer.param_groups]

    def set_trainable(self, now: bool) -> None:
        """Turn gradients for this player's weights on or off."""
        for weight in self.weights:
            weight.requires_grad_(now)

    def step(self, rate: float) -> None:
        """Take one optimizer step at this base learning rate."""
        for group, ratio in zip(self.optimizer.param_groups, self.ratios, strict=True):
            group["lr"] = ratio * rate
        self.optimizer.step()


class Trainer(Generic[C]):
    """A training run: consumes batches and improves ``ema``, the model that is exported.

    Attributes:
        config: Settings in force; ``update_config`` changes them during a run.
        players: The players by name, in the order in which they are updated.
        ema: Exponential moving average (EMA) of the recipe's model.
        step: Generator updates done.
        batches_seen: Batches consumed, so that a resumed run continues at the right batch.
    """

    def __init__(
        self, recipe: Recipe[C], config: C, spec: Spec, *, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.recipe, self.config, self.seed, self.device = recipe, config, seed, device
        self.initial_config, self.spec = config, spec
        self.reset()
        self.rng = torch.Generator(device)
        self.step = self.batches_seen = 0

    def reset(self, *attempt: int) -> None:
        """Initialize weights and optimizers, with a different seed for every ``attempt``.

        The step count and the settings in force are kept.
        """
        training, initial_config = self.recipe.training, self.initial_config
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, *attempt))
            networks = training.build(self.config, self.spec).to(self.device)
        self.networks = processor.to_channels_last(networks)
        # Learning-rate ratios between players follow the initial settings.
        optimizers = training.optimizers(initial_config, self.networks)
        self.players = {
            name: Player(
                name, network, training.losses[name], optimizers[name], initial_config.learning_rate
            )
            for name, network in self.networks.by_name.items()
        }
        self.ema = copy.deepcopy(self._current_model()).requires_grad_(False).eval()

    @property
    def discriminator(self) -> Player[C]:
        """The discriminator with its optimizer."""
        return self.players["discriminator"]

    @property
    def generator(self) -> Player[C]:
        """The generator with its optimizer."""
        return self.players["generator"]

    def sampler(self, *, averaged: bool) -> nn.Module:
        """The network that generates samples; see ``Recipe.makes_samples``."""
        if not self.recipe.makes_samples:
            return self.networks.generator
        return self.ema if averaged else self._current_model()

    def _current_model(self) -> nn.Module:
        return self.recipe.inference.model(self.networks)

    def run(self, batches: Iterator[Batch]) -> Iterator[StepResult]:
        """Train until ``config.steps``; the caller may evaluate, save or stop after each step."""
        while self.step < self.config.steps:
            yield self._step(batches, self.current_config())

    def current_config(self) -> C:
        """The settings in force at this step, after the recipe's schedule."""
        return self.recipe.training.schedule(self.config, self.step / self.config.steps)

    def update_config(self, **changes: object) -> None:
        """Change settings from the next step on; validated like any other settings."""
        self.config = parse(type(self.config), self.config.model_dump() | changes)

    def _step(self, batches: Iterator[Batch], now: C) -> StepResult:
        """One step. Its randomness depends on seed and step alone, so a resumed run is identical.

        The result holds the losses of the players that were updated.
        """
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, self.step))  # for dropout and augmentation
            self.rng.manual_seed(
                derive_seed(self.seed, self.step, 1)
            )  # for latents and ``corrupt``
            losses: dict[str, Tensor] = {}
            rounds = now.n_critic if self._discriminator_learns(now) else 0
            for _ in range(rounds):
                losses |= self._update(self.discriminator, next(batches), now)
                self._clip(now.weight_clip)
            others = [each for each in self.players.values() if each is not self.discriminator]
            for player in others:
                losses |= self._update(player, next(batches), now)
        self.batches_seen += rounds + len(others)
        self.step += 1
        self._update_ema(now.ema_decay)
        return StepResult(self.step, losses)

    def _discriminator_learns(self, now: C) -> bool:
        """Whether the discriminator is updated at this step: at every interval and at the last.

        An evaluation after such a step then finds its losses and gradients up to date.
        """
        done = self.step + 1
        return done % now.discriminator_interval == 0 or done == self.config.steps

    def _update(self, player: Player[C], batch: Batch, now: C) -> dict[str, Tensor]:
        """Take one gradient step for ``player`` with all other weights frozen."""
        self.train_only(player)
        problem = self.recipe.training.corrupt(batch.to(self.device), self.rng, now)
        last = modality_of(problem.kind).channels_last
        problem = replace(
            problem, real=processor.batch_to_channels_last(problem.real, channels_last=last)
        )
        noise = torch.randn(len(batch), now.latent_dim, generator=self.rng, device=self.device)
        with processor.autocast(self.device, now.precision):
            losses = player.losses(self.networks, problem, noise, now)
        player.optimizer.zero_grad()
        torch.stack([*losses.values()]).sum().backward()
        player.step(now.learning_rate)
        return {f"{player.name}/{name}": term.detach() for name, term in losses.items()}

    def train_only(self, player: Player[C]) -> None:
        """Enable gradients for one player only, including weights that it shares."""
        for each in self.players.values():
            each.set_trainable(False)
        player.set_trainable(True)

    @torch.no_grad()
    def _clip(self, bound: float) -> None:
        """Weight clipping of the discriminator. Source: arXiv:1701.07875, alg. 1."""
        if bound:
            for weight in self.discriminator.weights:
                weight.clamp_(-bound, bound)

    @torch.no_grad()
    def _update_ema(self, decay: float) -> None:
        """Update the exponential moving average (EMA) of the model.

        The averaging window never exceeds a tenth of the run so far, so early weights drop out.
        """
        weight = max(1 - decay, min(1.0, 10 / self.step))
        # Running statistics are averaged too: those of the fast network do not fit the slow one.
        for slow, fast in zip(
            _float_state(self.ema), _float_state(self._current_model()), strict=True
        ):
            slow.lerp_(fast, weight)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to resume exactly."""
        counts = {
            "step": self.step,
            "batches_seen": self.batches_seen,
            "config": self.config.model_dump(),
        }
        networks = {"networks": self.networks.state_dict(), "ema": self.ema.state_dict()}
        optimizers = {name: player.optimizer.state_dict() for name, player in self.players.items()}
        return counts | networks | {"optimizers": optimizers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from what ``state_dict`` returned."""
        self.step, self.batches_seen = state["step"], state["batches_seen"]
        self.config = parse(type(self.config), state["config"])
        self.load_networks(state)

    def load_networks(self, state: dict[str, Any]) -> None:
        """Restore earlier weights and optimizers; step count and settings are kept."""
        self.networks.load_state_dict(state["networks"])
        self.ema.load_state_dict(state["ema"])
        for name, player in self.players.items():
            player.optimizer.load_state_dict(state["optimizers"][name])


def _float_state(network: nn.Module) -> Iterator[Tensor]:
    """Weights and running statistics, without integer counters."""
    yield from network.parameters()
    yield from (each for each in network.buffers() if each.is_floating_point())
