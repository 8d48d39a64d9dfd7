"""Conditions and samples that a codec cannot use are one clear error."""

from __future__ import annotations

import pytest
import torch

from gannet.core.errors import DataError
from gannet.modalities.registry import find_modality


def test_a_condition_that_a_kind_cannot_use_is_named(of_trees):
    assert of_trees.conditions(2, seed=0, start=0, tree='{"op": "x"}').tokens.shape == (2, 3, 4)
    with pytest.raises(DataError, match=r"--tree: this tree cannot be used .*JSONDecodeError"):
        of_trees.conditions(2, seed=0, start=0, tree="no JSON")


def test_samples_that_a_kind_cannot_decode_are_named(of_trees, monkeypatch):
    def fail(_self, _samples):
        raise IndexError("no such symbol")

    monkeypatch.setattr(find_modality("odd_tree").codec, "decode", fail)
    with pytest.raises(DataError, match=r"trees cannot be decoded .IndexError: no such symbol"):
        of_trees.decode(torch.zeros(1, 3, 4))
