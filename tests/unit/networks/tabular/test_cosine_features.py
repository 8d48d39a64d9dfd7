"""Waves that neighbouring symbols share: what is learnt of one value holds for the next."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gannet.core.types import Condition, Spec, TableLayout
from gannet.networks.tabular.cosine_features import cosine_basis
from gannet.networks.tabular.layout import condition_vector
from gannet.networks.tabular.network import FieldGenerator

SPEC = Spec((3,), vector=6, table=TableLayout((40, 3, 0), ordinal_from=(1, -1, 0)))


def test_waves_lie_on_the_symbols_in_order_alone():
    waves = cosine_basis([40, 3, 16], SPEC.table.ordinal_from, 4)
    assert waves.shape == (59, 8)
    assert not waves[0].any()  # missing has no neighbours
    assert not waves[40:43].any()
    assert waves[1:40, :4].all()
    assert waves[43:, 4:].all()
    assert waves[1, 0] == pytest.approx(math.cos(math.pi * 0.5 / 39))
    assert waves[1:40, 0].diff().lt(0).all()  # the slowest falls all the way


def test_few_symbols_share_nothing():
    assert cosine_basis([5, 3], (0, -1), 6).shape == (8, 0)


def fitted(waves):
    """What a network says of value 21 when it has seen 20 and 22 go with symbol 2 of a category."""
    torch.manual_seed(0)
    network = FieldGenerator(SPEC, 16, 1, cosine_features=waves)
    rows = torch.tensor([[20.0, 2, 0.5], [22.0, 2, 0.5], [5.0, 0, 0.5], [35.0, 0, 0.5]])
    known = torch.tensor([[1.0, 0, 1]]).expand(4, 3)
    blank = torch.zeros(4, 0)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(100):
        logits = network.logits(Condition(condition_vector(rows, known), blank, blank))
        loss = network.layout.cross_entropy(logits, network.layout.tokens(rows))[:, 1].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    asked = Condition(
        condition_vector(torch.tensor([[21.0, 0, 0.5]]), known[:1]), blank[:1], blank[:1]
    )
    return network.logits(asked)[0, 40:43].softmax(0)[2].item()


def test_what_is_learnt_of_neighbors_holds_for_a_value_never_seen():
    assert fitted(6) > max(0.8, fitted(0))


def test_without_an_order_or_waves_nothing_is_shared():
    plain = FieldGenerator(SPEC, 16, 1)
    unordered = FieldGenerator(
        replace(SPEC, table=TableLayout((40, 3, 0))), 16, 1, cosine_features=6
    )
    assert plain.state_dict().keys() == unordered.state_dict().keys()
