"""Names of latent directions, from attributes measured on both sides of many samples.

A direction is named after the attribute that it changes most and most reliably. Where none
changes clearly it stays unnamed, since a wrong name is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gannet.inference.editing.attributes import Attribute, values_of
from gannet.inference.editing.latent_generator import LatentGenerator

HALF_WIDTH = 2.0
"""Half-width of the traversal, in standard deviations of the noise."""

CLEAR = 0.5
"""Minimum change from one side to the other, in standard deviations of the attribute."""

RELIABLE = 0.8
"""Minimum fraction of samples that change in the direction of the mean."""

TIE_FRACTION = 0.9
"""Fraction of the strongest change above which attributes tie and the first listed one wins.

Light strokes on black get brighter, higher in contrast and thicker at once; the plainest wins.
"""

MIN_FINITE_FRACTION = 0.5
"""Minimum fraction of samples in which the attribute is finite on both sides."""

UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Effect:
    """How an attribute changes along a direction.

    Attributes:
        attribute: Its name.
        change: Mean change from one end of the traversal to the other, in standard deviations of
            the attribute over samples.
        error: Standard error of that mean.
        reliable: Fraction of samples that change in the direction of the mean; 0.5 is chance.
        raw: The mean change in the attribute's own unit.
        description: What an image becomes, such as ``brighter``.
    """

    attribute: str
    change: float
    error: float
    reliable: float
    raw: float
    description: str

    @property
    def clear(self) -> bool:
        """Whether it is large, reliable and statistically significant."""
        sure = abs(self.change) > 3 * self.error
        return sure and abs(self.change) >= CLEAR and self.reliable >= RELIABLE

    @property
    def weight(self) -> float:
        """How well it describes a direction: the change, reduced where samples disagree."""
        return abs(self.change) * (2 * self.reliable - 1)


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction with its name and the evidence for it.

    Attributes:
        number: Its position in a list, from 1.
        axis: Unit vector ``(Z,)``. If it is named, the attribute rises along it.
        name: The attribute that it changes, or ``UNNAMED``.
        effects: The strongest first.
        origin: How it was found.
    """

    number: int
    axis: Tensor
    name: str
    effects: tuple[Effect, ...]
    origin: str

    @property
    def evidence(self) -> str:
        """The three strongest effects, as text."""
        parts = [
            f"{each.attribute} {each.change:+.1f} ± {2 * each.error:.1f} ({each.reliable:.0%})"
            for each in self.effects[:3]
        ]
        return ", ".join(parts) or "nothing could be measured"


def effects(
    generator: LatentGenerator,
    axes: Tensor,
    attributes: Sequence[Attribute],
    *,
    samples: int = 200,
    seed: int = 1,
    half_width: float = HALF_WIDTH,
) -> list[list[Effect]]:
    """Effects of directions ``(n, Z)`` on each attribute, in the attributes' order."""
    noise, vector = generator.sample_latents(samples, seed)
    values = values_of(attributes, generator.generate(noise, vector))
    stds = {each.name: each.std(values[each.name]) for each in attributes}
    results: list[list[Effect]] = []
    for axis in axes:
        before, after = (
            values_of(attributes, generator.generate(noise + side * half_width * axis, vector))
            for side in (-1, 1)
        )
        results.append(
            [
                _effect(each, each.change(before[each.name], after[each.name]), stds[each.name])
                for each in attributes
            ]
        )
    return results


def _effect(attribute: Attribute, changes: Tensor, std: float) -> Effect:
    finite = changes[changes.isfinite()]
    if std < 1e-6 or len(finite) < max(2, MIN_FINITE_FRACTION * len(changes)):
        return Effect(attribute.name, 0.0, math.inf, 0.0, 0.0, attribute.more)
    mean = float(finite.mean())
    agree = float((finite * math.copysign(1, mean) > 0).float().mean())
    error = float(finite.std()) / math.sqrt(len(finite))
    return Effect(attribute.name, mean / std, error / std, agree, mean, attribute.more)


def name_directions(
    generator: LatentGenerator,
    axes: Tensor,
    attributes: Sequence[Attribute],
    *,
    origin: str = "",
    samples: int = 200,
    seed: int = 1,
) -> list[Direction]:
    """Name directions ``(n, Z)``; the sign of a named one is set so that the attribute rises.

    Args:
        generator: The generator.
        axes: Unit vectors.
        attributes: The plainest first.
        origin: How the directions were found.
        samples: Number of samples that changes are measured on.
        seed: Seed of the samples.
    """
    measured = effects(generator, axes, attributes, samples=samples, seed=seed)
    named: list[Direction] = []
    for number, (axis, each) in enumerate(zip(axes, measured, strict=True), 1):
        ranked = sorted(each, key=lambda effect: effect.weight, reverse=True)
        clear = [effect for effect in ranked if effect.clear]
        if not clear:
            measurable = tuple(effect for effect in ranked if math.isfinite(effect.error))
            named.append(Direction(number, axis, UNNAMED, measurable, origin))
            continue
        close = {one.attribute for one in clear if one.weight >= TIE_FRACTION * clear[0].weight}
        first = next(one for one in each if one.attribute in close)
        sign = math.copysign(1, first.change)
        oriented = tuple(
            replace(effect, change=sign * effect.change, raw=sign * effect.raw)
            for effect in [first, *(other for other in ranked if other is not first)]
            if math.isfinite(effect.error)
        )
        named.append(Direction(number, sign * axis, first.attribute, oriented, origin))
    return named


def describe_direction(
    generator: LatentGenerator,
    axis: Tensor,
    attributes: Sequence[Attribute],
    attribute_name: str,
    *,
    samples: int = 200,
    seed: int = 1,
) -> Direction:
    """Effects of a direction ``(Z,)`` learned for an attribute, that attribute first.

    Its sign is kept. Its name is ``attribute_name``, or ``UNNAMED`` if that is an attribute and
    does not clearly rise.
    """
    each = effects(generator, axis[None], attributes, samples=samples, seed=seed)[0]
    measurable = [effect for effect in each if math.isfinite(effect.error)]
    ranked = sorted(measurable, key=lambda one: (one.attribute != attribute_name, -one.weight))
    own = [effect for effect in each if effect.attribute == attribute_name]
    works = all(effect.clear and effect.change > 0 for effect in own)
    return Direction(0, axis, attribute_name if works else UNNAMED, tuple(ranked), attribute_name)


def distinct(axes: Tensor, *, max_cosine: float = 0.9) -> Tensor:
    """Directions ``(n, Z)`` without those that nearly equal an earlier one, or its opposite."""
    selected: list[Tensor] = []
    for axis in axes:
        if all(abs(float(axis @ other)) < max_cosine for other in selected):
            selected.append(axis)
    return torch.stack(selected) if selected else axes[:0]
