"""A network of cells is rebuilt from its weights alone, and takes rows of any width."""

from __future__ import annotations

import pytest
import torch

from gannet.networks.tabular.cell_net import CellNet


@pytest.mark.parametrize("width", [1, 5, 900])
def test_it_is_rebuilt_from_its_weights_alone(width):
    rng = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 9, (64, width), generator=rng).float()
    network = CellNet(rows, 3).eval()
    again = CellNet(torch.zeros(2, width), 3).eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(rows), network(rows))


def test_values_that_training_never_had_are_told_from_those_it_had():
    rows = torch.arange(4.0).repeat(16)[:, None]
    network = CellNet(rows, 2)
    known, new = network._tokens(rows[:4]), network._tokens(rows[:4] + 0.5)
    assert len(set(known[:, 0].tolist())) == 4
    assert set(new[:, 0].tolist()) == {network.frequent}
