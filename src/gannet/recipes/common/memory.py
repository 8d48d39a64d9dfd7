"""An estimate of the memory that training needs, before anything of that size is made."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gannet.core import device as processor
from gannet.core.config import Config, either, flag
from gannet.core.errors import ConfigError, GannetError
from gannet.core.recipe import Recipe
from gannet.core.types import Networks, Spec

COPIES = 6
"""Times that the networks are in memory: weights, gradients, two moments of Adam, their moving
average, and the best state so far."""

BATCHES = 4
"""Times that a batch is at the least: real and fake samples, with the gradients of both."""

FLOAT = 4
"""Bytes of a number."""


def check_memory(
    recipe: Recipe[Any], config: Config, spec: Spec, device: str, given: Mapping[str, Any]
) -> None:
    """Refuse settings that need more memory than there is, by a lower bound.

    Args:
        recipe: The recipe.
        config: All settings.
        spec: Sizes of the networks' inputs and outputs.
        device: Where to train.
        given: The settings that the user gave, which the error names.

    Raises:
        ConfigError: saying how much is needed, and how much there is.
    """
    needed, free = needed_bytes(recipe, config, spec), processor.free_memory(device)
    if needed <= free:
        return
    defaults = recipe.config()
    larger = [
        flag(name)
        for name, value in given.items()
        if isinstance(value, int) and value > getattr(defaults, name)
    ]
    amount = "more memory than can be counted" if math.isinf(needed) else _amount(needed)
    raise ConfigError(
        f"training with these settings needs at least {amount}, and {_amount(free)} are free",
        remedy=f"Give a smaller {either(*larger)}." if larger else "Give a smaller --batch.",
    )


def needed_bytes(recipe: Recipe[Any], config: Config, spec: Spec) -> float:
    """A lower bound on the bytes that training needs; infinite if they cannot be counted."""
    batch = config.batch * (math.prod(spec.shape) * BATCHES + 2 * config.latent_dim)
    return FLOAT * (COPIES * _parameters(recipe, config, spec) + batch)


def _parameters(recipe: Recipe[Any], config: Config, spec: Spec) -> float:
    """Number of parameters of the networks, built without memory; 0 if that cannot be done."""
    try:
        with warnings.catch_warnings(), torch.device("meta"), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            networks = recipe.training.build(config, spec)
    except (MemoryError, OverflowError):
        return math.inf
    except (RuntimeError, ValueError, TypeError, GannetError) as error:
        too_large = any(word in str(error).lower() for word in ("overflow", "too large"))
        return math.inf if too_large else 0  # what is wrong with it, training will say
    return sum(each.numel() for each in _weights(networks))


def _weights(networks: Networks) -> list[nn.Parameter]:
    return [
        each
        for network in (networks.generator, networks.discriminator)
        for each in network.parameters()
    ]


def _amount(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.0f} MB"
