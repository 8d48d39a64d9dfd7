"""The laws of a metric."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

Fault = Literal["shift", "collapse"]


def check_metric(
    metric: Callable[..., float],
    better: Literal["low", "high"],
    *,
    min_value: float = -math.inf,
    max_value: float = math.inf,
    symmetric: bool = False,
    sees: Collection[Fault] = ("shift", "collapse"),
    width: int = 6,
) -> None:
    """Compare sets of Gaussian features and check each law in turn.

    Args:
        metric: ``(real (N, F), fake (M, F)) -> number``; its parameter ``cells``, if it has one,
            limits the chunk size.
        better: Whether low or high values are better.
        min_value: Lower bound of its values.
        max_value: Upper bound of its values.
        symmetric: Whether reals and fakes can be exchanged.
        sees: Faults that it must detect: ``shift`` (fakes with another mean), ``collapse`` (all
            fakes equal).
        width: Features per sample.

    Raises:
        AssertionError: naming the broken law and the cause.
    """
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 160, width, generator=rng)
    pairs = {
        "equal": (real, real.clone()),
        "halves": (real, fake),
        "near": (real, fake + 0.5),
        "shift": (real, fake + 3),
        "collapse": (real, real[:1].expand(160, -1).clone()),
        "fewer": (real, fake[:70]),
    }
    values = {name: _measured(metric, *pair) for name, pair in pairs.items()}
    for name, value in values.items():
        assert math.isfinite(value), f"finite: {name} gives {value}"
        assert min_value <= value <= max_value, (
            f"bounds: {name} gives {value}, not {min_value}..{max_value}"
        )
    _check_value(metric, real, fake)
    if symmetric:
        _check_close(metric(fake + 0.5, real), values["near"], "symmetry: exchanging the two")
    sign = 1 if better == "high" else -1
    rising = ["shift", "near", "halves", "equal"] if "shift" in sees else ["halves", "equal"]
    for worse, good in pairwise(rising):
        slack = 1e-6 * (abs(values[worse]) + abs(values[good]))
        ordered = sign * values[good] >= sign * values[worse] - slack
        assert ordered, f"order: {good} {values[good]} is worse than {worse} {values[worse]}"
    for fault in sees:
        detected = sign * values["halves"] > sign * values[fault]
        assert detected, (
            f"order: {fault} {values[fault]} is no worse than halves {values['halves']}"
        )


def _measured(metric: Callable[..., float], real: Tensor, fake: Tensor) -> float:
    before = real.clone(), fake.clone()
    value = metric(real, fake)
    same = torch.equal(before[0], real) and torch.equal(before[1], fake)
    assert same, "purity: the metric changes its arguments"
    assert type(value) is float, f"finite: gives a {type(value).__name__}, not a float"
    assert metric(real, fake) == value, "purity: a second call gives another value"
    return value


def _check_value(metric: Callable[..., float], real: Tensor, fake: Tensor) -> None:
    """The value must not depend on the order of rows, the float precision or the chunk size."""
    value = metric(real, fake)
    mixed = torch.randperm(len(real), generator=torch.Generator().manual_seed(1))
    _check_close(metric(real[mixed], fake.flip(0)), value, "permutation: another order of rows")
    _check_close(metric(real.double(), fake.double()), value, "digits: 64 instead of 32 bit")
    if "cells" in inspect.signature(metric).parameters:
        _check_close(metric(real, fake, cells=500), value, "chunks: another size")


def _check_close(got: float, expected: float, law: str) -> None:
    near = math.isclose(got, expected, rel_tol=1e-4, abs_tol=1e-6)
    assert near, f"{law} gives {got}, not {expected}"
