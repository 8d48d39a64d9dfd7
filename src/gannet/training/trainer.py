"""The duel: two networks that improve by turns. No files, no screens, no metrics."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Generic

import torch
from torch import Tensor, nn

from gannet.core import device as processor
from gannet.core.config import C, parse
from gannet.core.recipe import Recipe, TermsOf
from gannet.core.seeding import seed_at
from gannet.core.types import Batch, Progress, Spec
from gannet.modalities.registry import modality_of


class Side(Generic[C]):
    """One player's weights, their optimiser, and the terms they minimise."""

    def __init__(self, name: str, network: nn.Module, terms: TermsOf[C], config: C) -> None:
        self.name, self.terms = name, terms
        # What the recipe froze (a pretrained encoder, say) stays frozen: it is not in the list.
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        betas = (config.momentum, config.second_momentum)
        self.optimiser = processor.adam(self.weights, betas, config.learning_rate)

    def learns(self, now: bool) -> None:
        """Let gradients reach this side's weights, or keep them out."""
        for weight in self.weights:
            weight.requires_grad_(now)


class Duel(Generic[C]):
    """A training run. Batches go in; ``average``, the network worth keeping, gets better.

    Attributes:
        config: Settings in force; ``adjust`` changes them during a run.
        average: Running average of the recipe's product.
        step: Generator updates done.
        drawn: Batches consumed, so that a resumed run knows where the data stand.
    """

    def __init__(
        self, recipe: Recipe[C], config: C, spec: Spec, *, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.recipe, self.config, self.seed, self.device = recipe, config, seed, device
        self.spec = spec
        self.begin()
        self.rng = torch.Generator(device)
        self.step = self.drawn = 0

    def begin(self, *attempt: int) -> None:
        """First weights and fresh optimisers; other ones for every ``attempt``.

        Steps and settings stay: of a run that was going nowhere, the rest is still of use.
        """
        recipe, config = self.recipe, self.config
        with torch.random.fork_rng():
            torch.manual_seed(seed_at(self.seed, *attempt))
            players = recipe.build(config, self.spec).to(self.device)
        self.players = processor.laid_out(players)
        judge, maker = self.players.discriminator, self.players.generator
        self.discriminator = Side("discriminator", judge, recipe.discriminator_terms, config)
        self.generator = Side("generator", maker, recipe.generator_terms, config)
        self.average = copy.deepcopy(recipe.product(self.players)).requires_grad_(False).eval()

    def run(self, batches: Iterator[Batch]) -> Iterator[Progress]:
        """Duel until ``config.steps``, handing over after each step to look, save or stop."""
        while self.step < self.config.steps:
            yield self._once(batches, self.now())

    def now(self) -> C:
        """The settings in force at this step, after the recipe's schedule."""
        return self.recipe.schedule(self.config, self.step / self.config.steps)

    def adjust(self, **changes: object) -> None:
        """Change settings from the next step on; validated like any other settings."""
        self.config = parse(type(self.config), self.config.model_dump() | changes)

    def _once(self, batches: Iterator[Batch], now: C) -> Progress:
        """One step. Its chance depends on seed and step alone, so a resumed run cannot differ.

        The terms are of those who learnt at it.
        """
        with torch.random.fork_rng():
            torch.manual_seed(seed_at(self.seed, self.step))  # for dropout and augmentation
            self.rng.manual_seed(seed_at(self.seed, self.step, 1))  # for noise and ``prepare``
            terms: dict[str, Tensor] = {}
            rounds = now.discriminator_rounds if self._judge_learns(now) else 0
            for _ in range(rounds):
                terms |= self._improve(self.discriminator, next(batches), now)
                self._clip(now.weight_clip)
            terms |= self._improve(self.generator, next(batches), now)
        self.drawn += rounds + 1
        self.step += 1
        self._blend(now.average)
        return Progress(self.step, terms)

    def _judge_learns(self, now: C) -> bool:
        """Whether the discriminator learns at this step: the last of so many, and of the run.

        A look after such a number of steps then sees it fresh, with terms and gradient.
        """
        done = self.step + 1
        return done % now.discriminator_every == 0 or done == self.config.steps

    def _improve(self, side: Side[C], batch: Batch, now: C) -> dict[str, Tensor]:
        """Take one gradient step for ``side`` while the other side's weights stand still."""
        for each in (self.discriminator, self.generator):
            each.learns(each is side)
        problem = self.recipe.prepare(batch.to(self.device), self.rng, now)
        last = modality_of(problem.kind).channels_last
        problem = replace(problem, real=processor.arranged(problem.real, channels_last=last))
        noise = torch.randn(len(batch), now.noise, generator=self.rng, device=self.device)
        with processor.autocast(self.device, now.precision):
            terms = side.terms(self.players, problem, noise, now)
        side.optimiser.zero_grad()
        torch.stack([*terms.values()]).sum().backward()
        side.optimiser.param_groups[0]["lr"] = now.learning_rate
        side.optimiser.step()
        return {f"{side.name}/{name}": term.detach() for name, term in terms.items()}

    @torch.no_grad()
    def _clip(self, bound: float) -> None:
        """Keep the discriminator's weights within the bound. Source: arXiv:1701.07875, alg. 1."""
        if bound:
            for weight in self.discriminator.weights:
                weight.clamp_(-bound, bound)

    @torch.no_grad()
    def _blend(self, memory: float) -> None:
        """Move the average a little towards the current product.

        The memory never exceeds a tenth of the run so far, so that first attempts are forgotten.
        """
        pull = max(1 - memory, min(1.0, 10 / self.step))
        current = self.recipe.product(self.players)
        # Running statistics are averaged too: those of the fast network do not fit the slow one.
        for slow, fast in zip(_numbers(self.average), _numbers(current), strict=True):
            slow.lerp_(fast, pull)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly as if never interrupted."""
        counts = {"step": self.step, "drawn": self.drawn, "config": self.config.model_dump()}
        return counts | {name: part.state_dict() for name, part in self._parts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where ``state_dict`` left off."""
        self.step, self.drawn = state["step"], state["drawn"]
        self.config = parse(type(self.config), state["config"])
        self.restore(state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to earlier weights and optimisers; time and settings stay as they are."""
        for name, part in self._parts():
            part.load_state_dict(state[name])

    def _parts(self) -> Iterator[tuple[str, nn.Module | torch.optim.Optimizer]]:
        yield from (("players", self.players), ("average", self.average))
        yield from ((side.name, side.optimiser) for side in (self.discriminator, self.generator))


def _numbers(network: nn.Module) -> Iterator[Tensor]:
    """Weights and running statistics; counters stay out."""
    yield from network.parameters()
    yield from (each for each in network.buffers() if each.is_floating_point())
