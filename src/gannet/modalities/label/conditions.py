"""Class conditions: a given class, or sampled with the frequencies of the training data."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from gannet.core.codec import class_number, classes_of
from gannet.core.errors import ConfigError
from gannet.core.sampling import ConditionRequest
from gannet.core.seeding import derive_seed

ROUNDING = 1e-6
"""Tolerance of class frequencies that sum to 1; they may be rounded to float32."""


class LabelOptions(BaseModel):
    """Options of a model that was trained with classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str | int | None = Field(
        None,
        description="a class; by default all of them, and none, as often as in the training data",
    )


def without_classes(label: str | int) -> ConfigError:
    """The error for a class given to a model without classes."""
    return ConfigError(
        f"class {label!r} was asked for, but this run was trained without classes",
        remedy="Leave --label out, or train on class folders or a label column.",
    )


def one_hot_condition(request: ConditionRequest) -> Tensor:
    """One-hot classes ``(n, K)``; unlabeled samples are rows of zeros.

    Raises:
        ConfigError: if the class is unknown, or there are only pseudo-classes.
    """
    assert isinstance(request.options, LabelOptions)
    label, class_count = request.options.label, request.codec.shape[0]
    if label is not None:
        classes = classes_of(request.codec)
        if not classes:
            raise without_classes(label)
        numbers: list[int | None] = [class_number(classes, label)] * len(request.rows)
    else:
        numbers = _sample_classes(request, class_count)
    vector = torch.zeros(len(request.rows), class_count)
    for row, number in enumerate(numbers):
        if number is not None:
            vector[row, number] = 1
    return vector


def _sample_classes(request: ConditionRequest, class_count: int) -> list[int | None]:
    """A sampled class index for each row, or ``None`` for unlabeled."""
    ends = torch.tensor(request.class_frequencies or [1.0] * class_count).double().cumsum(0)
    # A sum below 1 by no more than rounding leaves no probability for unlabeled rows.
    whole = 1.0 if ends[-1] < 1 - ROUNDING else ends[-1]
    uniforms = [derive_seed(request.seed, row, 1) / 2**32 for row in request.rows]
    numbers: list[int] = torch.searchsorted(ends / whole, torch.tensor(uniforms).double()).tolist()
    return [number if number < class_count else None for number in numbers]
