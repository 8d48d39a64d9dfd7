"""Kinds for samples without labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.data import dataset
from gannet.data.pseudo_classes import clustered
from gannet.metrics.modes.kmeans import are_clustered, assigned, centers, usual_count
from gannet.modalities.image.codec import ImageCodec


def heaps(*, size=40, apart=10.0):
    """Rows around three places."""
    places = torch.tensor([[0.0, 0.0], [apart, 0.0], [0.0, apart]])
    chance = torch.Generator().manual_seed(1)
    return places.repeat_interleave(size, 0) + torch.randn(3 * size, 2, generator=chance)


def test_heaps_that_lie_apart_are_told_apart():
    rows = heaps()
    found = assigned(rows, centers(rows, 3, seed=0)).view(3, -1)
    assert all(len(heap.unique()) == 1 for heap in found)
    assert len(found[:, 0].unique()) == 3


def test_the_same_seed_sorts_alike():
    rows = heaps()
    assert torch.equal(centers(rows, 5, seed=2), centers(rows, 5, seed=2))
    assert not torch.equal(centers(rows, 5, seed=2), centers(rows, 5, seed=3))


def test_rows_that_are_all_equal_can_be_sorted_too():
    rows = torch.ones(10, 3)
    assert centers(rows, 4, seed=0).isfinite().all()


def test_few_samples_are_not_sorted():
    assert usual_count(499) == 0
    assert usual_count(500) == 5
    assert usual_count(10**6) == 30


@pytest.mark.parametrize("seed", range(5))
def test_heaps_are_clustered_and_a_gaussian_is_not(seed):
    rng = torch.Generator().manual_seed(seed)
    stretched = torch.randn(2_000, 20, generator=rng) * torch.linspace(3, 0.1, 20)
    assert not are_clustered(stretched, 20, seed=seed)
    heavy = stretched * torch.rand(2_000, 1, generator=rng)  # tails are no clusters
    assert not are_clustered(heavy, 20, seed=seed)
    apart = stretched + 8 * torch.randn(12, 20, generator=rng)[torch.arange(2_000) % 12]
    assert are_clustered(apart, 20, seed=seed)
    in_order = apart[(torch.arange(2_000) % 12).argsort()]
    assert are_clustered(in_order, 20, seed=seed)


def test_rows_that_are_all_equal_are_not_clustered():
    assert not are_clustered(torch.ones(600, 3), 5, seed=0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Dark and bright pictures without labels."""
    rng = np.random.default_rng(0)
    bright = np.arange(120) % 2
    pictures = (rng.integers(0, 60, (120, 8, 8, 1)) + 180 * bright[:, None, None, None]).astype(
        "u1"
    )
    path = tmp_path_factory.mktemp("plain") / "plain.npy"
    np.save(path, pictures.astype(np.uint8))
    return dataset.load(dataset.find(path), {"sample": ImageCodec(height=8, width=8, channels=1)})


def test_data_without_labels_are_told_which_kind_each_sample_is_of(plain):
    found = clustered(plain, 2, seed=0)
    for rows in (found.train, found.held_out):
        batch = rows.take(range(len(rows)))
        bright = batch.real.mean((1, 2, 3)) > 0
        kind = batch.condition.vector.argmax(1).bool()
        assert torch.equal(batch.condition.vector.sum(1), torch.ones(len(rows)))
        assert torch.equal(kind, bright) or torch.equal(kind, ~bright)
    assert found.classes == ()
    assert found.digest == plain.digest
    assert found.codecs["vector"].pseudo
