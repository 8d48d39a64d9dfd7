"""A generator as a function of its latent noise, which is all that editing needs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gannet.core.device import device_of
from gannet.core.seeding import derive_seed, latents_at
from gannet.core.types import Condition, Spec

CHUNK = 256
"""Batch size without gradients."""

Infer = Callable[[nn.Module, Tensor, Condition], Tensor]
"""A network, noise ``(B, Z)`` and a condition to images ``(B, C, H, W)``."""


def one_pass(network: nn.Module, noise: Tensor, condition: Condition) -> Tensor:
    """Generate with one forward pass."""
    images: Tensor = network(noise, condition)
    return images


@dataclass(frozen=True)
class LatentGenerator:
    """A network that makes images ``(B, C, H, W)`` in [-1, 1] from noise and a vector.

    Attributes:
        network: The network, with frozen weights.
        spec: Its sizes.
        latent_dim: Latent dimension, Z.
        pseudo_classes: Classes or pseudo-classes of the vector; 0 if it is another condition.
        class_frequencies: Frequency of each class in training; empty for equal ones.
        infer: Forward pass of the network.
    """

    network: nn.Module
    spec: Spec
    latent_dim: int
    pseudo_classes: int = 0
    class_frequencies: tuple[float, ...] = ()
    infer: Infer = one_pass

    def __call__(self, noise: Tensor, vector: Tensor) -> Tensor:
        """Noise ``(B, Z)`` and vectors ``(B, V)`` to images, with gradients."""
        blank, where = self.spec.blank(len(noise)), device_of(self.network)
        condition = Condition(vector, blank.grid, blank.tokens).to(where)
        return self.infer(self.network, noise.to(where), condition).float().to(noise.device)

    @torch.no_grad()
    def generate(self, noise: Tensor, vector: Tensor) -> Tensor:
        """The same without gradients, in batches."""
        starts = range(0, len(noise), CHUNK)
        parts = [self(noise[at : at + CHUNK], vector[at : at + CHUNK]) for at in starts]
        return torch.cat(parts or [torch.zeros(0, *self.spec.shape)])

    def sample_latents(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Noise ``(count, Z)`` and vectors ``(count, V)`` of samples."""
        return latents_at(seed, range(count), self.latent_dim), self.vectors(count, seed)

    def vectors(self, count: int, seed: int) -> Tensor:
        """One-hot classes ``(count, V)`` with their frequency in training; else zeros."""
        if not self.pseudo_classes:
            return torch.zeros(count, self.spec.vector)
        weights = torch.tensor(self.class_frequencies or (1.0,) * self.pseudo_classes)
        rng = torch.Generator().manual_seed(derive_seed(seed, 5))
        kinds = torch.multinomial(weights, count, replacement=True, generator=rng)
        return torch.eye(self.pseudo_classes)[kinds]

    def copy(self) -> Self:
        """A copy with its own network, whose weights may be changed."""
        return replace(self, network=copy.deepcopy(self.network))


@contextmanager
def record_activations(network: nn.Module, layer: int) -> Generator[list[Tensor]]:
    """Record the input of the n-th layer with a weight matrix, in forward order.

    Layer 0 is the first one that reads noise; layer -1 records its output, before any
    nonlinearity. Works for any architecture.
    """
    activations: list[Tensor] = []
    order: list[nn.Module] = []

    def before(part: nn.Module, given: tuple[Tensor, ...]) -> None:
        if part not in order:
            order.append(part)
        if layer >= 0 and order.index(part) == layer:
            activations.append(given[0].detach().flatten(1).cpu())

    def after(part: nn.Module, _given: tuple[Tensor, ...], output: Tensor) -> None:
        if layer < 0 and order and order[0] is part:
            activations.append(output.detach().flatten(1).cpu())

    handles: list[RemovableHandle] = []
    for part in network.modules():
        weight = getattr(part, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim > 1:
            handles += [part.register_forward_pre_hook(before), part.register_forward_hook(after)]
    try:
        yield activations
    finally:
        for handle in handles:
            handle.remove()
