"""Strangers lie far out in some view; few new reals do."""

from __future__ import annotations

import torch

from gannet.inference.judge.novelty import Novelty


def ring(count, seed, radius=3.0):
    rng = torch.Generator().manual_seed(seed)
    turn = 6.2832 * torch.rand(count, generator=rng)
    clean = radius * torch.stack([turn.cos(), turn.sin()], 1)
    return clean + 0.05 * torch.randn(count, 2, generator=rng)


def test_few_new_reals_and_nearly_all_strangers_are_named():
    views = {"as they are": lambda samples: samples}
    found = Novelty.fitted(views, ring(2_000, 0), ring(1_000, 1), seed=0)
    assert (found(ring(1_000, 2)) > 1).float().mean() < 0.02
    assert (found(ring(200, 3, radius=6.0)) > 1).float().mean() > 0.99
    middle = torch.zeros(1, 2)
    assert found(middle).item() > 1, "what lies between all reals is a stranger too"


def test_what_lies_outside_of_the_plane_of_all_reals_is_a_stranger():
    flat = torch.cat([ring(2_000, 0), torch.zeros(2_000, 3)], 1)
    new = torch.cat([ring(500, 1), torch.zeros(500, 3)], 1)
    found = Novelty.fitted({"all": lambda samples: samples}, flat, new, seed=0)
    lifted = new[:50] + torch.tensor([0, 0, 0, 0, 0.5])
    assert (found(lifted) > 1).all()


def test_no_samples_have_no_distances():
    found = Novelty.fitted({"all": lambda samples: samples}, ring(200, 0), ring(50, 1), seed=0)
    assert found(torch.zeros(0, 2)).shape == (0, 1)


def test_few_calibration_reals_leave_room_for_new_ones():
    """Of forty alone the highest would be exceeded by one new real in forty, in each view."""
    views = {"as they are": lambda samples: samples, "scaled": lambda s: s * torch.tensor([1, 3])}
    trained = Novelty.fitted(views, ring(2_000, 0), ring(1_000, 1), seed=0)
    shares = [
        float((trained.calibrated(ring(40, 10 + seed))(ring(1_000, 2)) > 1).any(1).float().mean())
        for seed in range(20)
    ]
    assert sum(shares) / len(shares) < 0.015
    assert (trained.calibrated(ring(40, 10))(ring(200, 3, radius=6.0)) > 1).any(1).all()
