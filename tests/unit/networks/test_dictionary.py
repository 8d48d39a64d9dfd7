"""Dictionary features: fixed functions of single samples that see what reals are made of."""

from __future__ import annotations

import pytest
import torch

from gannet.core.errors import DataError
from gannet.networks.dictionary import DictionaryFeatures, PatchDictionaryFeatures
from gannet.networks.features import label_of


def some(shape, count=120, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return torch.rand(count, *shape, generator=chance) * 2 - 1


MAKES = [
    (PatchDictionaryFeatures, (1, 12, 12)),
    (PatchDictionaryFeatures, (3, 40, 24)),
    (PatchDictionaryFeatures, (2, 3, 2)),  # smaller than a patch
    (PatchDictionaryFeatures, (4, 1, 1)),
    (DictionaryFeatures, (1,)),
    (DictionaryFeatures, (5,)),
    (DictionaryFeatures, (3, 4)),
    (DictionaryFeatures, (700,)),
]


@pytest.mark.parametrize(("make", "shape"), MAKES)
def test_a_row_depends_on_its_sample_alone(make, shape):
    samples = some(shape)
    features = make(samples)
    seen = features(samples)
    assert seen.shape == (120, features.width)
    assert torch.isfinite(seen).all()
    assert torch.allclose(features(samples[7:9]), seen[7:9], atol=1e-4)
    assert features(samples[:0]).shape == (0, features.width)


@pytest.mark.parametrize(("make", "shape"), MAKES)
def test_equal_reals_and_seeds_give_equal_features(make, shape):
    samples = some(shape)
    assert label_of(make(samples)) == label_of(make(samples.clone()))
    assert label_of(make(samples)) != label_of(make(some(shape, seed=1)))
    assert torch.equal(make(samples)(samples), make(samples)(samples))


@pytest.mark.parametrize(("make", "shape"), MAKES)
def test_reals_that_are_all_alike_are_the_same_and_finite(make, shape):
    seen = make(torch.full((20, *shape), 0.3))(torch.full((4, *shape), 0.3))
    assert torch.isfinite(seen).all()
    assert torch.allclose(seen, seen[:1].expand_as(seen))


def test_one_real_is_too_few():
    for make, shape in MAKES:
        with pytest.raises(DataError, match="too few"):
            make(torch.zeros(1, *shape))


def test_pictures_of_one_texture_lie_together():
    """Stripes down and across, which have the same pixels; no label was given."""
    chance = torch.Generator().manual_seed(2)
    down = (torch.arange(12) % 4 < 2).float().expand(1, 12, 12) * 2 - 1
    turned = torch.randint(0, 2, (160,), generator=chance).bool()
    pictures = torch.where(turned[:, None, None, None], down, down.transpose(1, 2))
    pictures = pictures + 0.3 * torch.randn(160, 1, 12, 12, generator=chance)
    seen = PatchDictionaryFeatures(pictures[:80])(pictures)
    nearest = torch.cdist(seen[80:], seen[:80]).argmin(1)
    assert (turned[:80][nearest] == turned[80:]).float().mean() > 0.95
