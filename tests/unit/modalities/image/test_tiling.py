"""Pictures of any size and channels through a convolutional network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gannet.core.errors import GannetError
from gannet.modalities.image.tiling import in_tiles, of_planes, planes


def picture(high=20, wide=13, channels=3):
    return np.random.default_rng(0).random((high, wide, channels), np.float32)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("network", [1, 3])
def test_planes_come_back_as_they_were(channels, network):
    given = picture(channels=channels)
    layers = planes(given, network)
    assert all(each.shape == (1, network, 20, 13) for each in layers)
    back = of_planes([(each + 1) / 2 for each in layers], given)
    np.testing.assert_allclose(back, given, atol=1e-6)


@pytest.mark.parametrize("tile", [4, 7, 16])
def test_tiles_leave_no_seams(tile):
    torch.manual_seed(0)
    blur = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1))
    given = planes(picture(channels=1), 1)
    whole = in_tiles(blur, given, 2, tile=64)
    tiled = in_tiles(blur, given, 2, tile=tile)
    torch.testing.assert_close(tiled, whole, atol=1e-6, rtol=0)


def test_too_little_around_a_tile_would_leave_seams():
    torch.manual_seed(0)
    blur = nn.Conv2d(1, 1, 5, padding=2)
    given = planes(picture(channels=1), 1)
    whole, tiled = in_tiles(blur, given, 2), in_tiles(blur, given, 0, tile=5)
    assert (whole[0] - tiled[0]).abs().max() > 1e-3


def test_tiles_shrink_while_memory_is_short():
    seen = []

    def narrow(part):
        seen.append(max(part.shape[2:]))
        if max(part.shape[2:]) > 40:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return part

    given = planes(picture(100, 70), 3)
    made = in_tiles(narrow, given, 1, tile=64)
    torch.testing.assert_close(made[0], (given[0] + 1) / 2)
    assert seen[0] > 40 >= seen[-1]


def test_no_memory_at_all_is_said():
    def never(_part):
        raise MemoryError

    with pytest.raises(GannetError, match="not enough memory"):
        in_tiles(never, planes(picture(), 3), 1)


def test_other_faults_are_not_taken_for_lack_of_memory():
    def broken(_part):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_tiles(broken, planes(picture(), 3), 1)
