"""The reservoir keeps a few fakes of many moments, within its memory, and survives a checkpoint."""

from __future__ import annotations

import torch

from gannet.inference.judge.reservoir import BYTES, EACH, Reservoir


def test_it_keeps_some_of_each_moment_in_order():
    kept = Reservoir()
    assert kept.samples is None
    for moment in range(3):
        kept.add(torch.full((200, 4), float(moment)), moment)
    assert kept.samples.shape == (3 * EACH, 4)
    assert kept.samples[:, 0].tolist() == sorted(kept.samples[:, 0].tolist())


def test_it_stays_within_its_memory_and_thins_all_moments_alike():
    kept, shape = Reservoir(), (3, 128, 128)
    for moment in range(12):
        kept.add(torch.full((10, *shape), float(moment)), moment)
    size = 4 * kept.samples.numel()
    assert size <= max(BYTES, 64 * 4 * 3 * 128 * 128)
    counts = torch.bincount(kept.samples[:, 0, 0, 0].long())
    assert len(counts) == 12
    assert counts.min() >= 1
    assert counts.max() - counts.min() <= 1


def test_a_diverged_moment_is_left_out():
    kept = Reservoir()
    kept.add(torch.tensor([[1.0], [torch.inf]]), 0)
    assert kept.samples is None


def test_it_survives_a_checkpoint():
    kept = Reservoir()
    kept.add(torch.randn(100, 2, generator=torch.Generator().manual_seed(0)), 5)
    again = Reservoir.of(kept.state())
    assert torch.equal(again.samples, kept.samples)
