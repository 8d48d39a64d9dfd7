"""Pictures are found in the noise of generators whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from gannet.core.errors import DataError
from gannet.core.types import Spec
from gannet.inference.editing.inversion import InversionSettings, find, pivotal_tune
from gannet.inference.editing.latent_generator import LatentGenerator
from gannet.inference.editing.saved import load_latents, save_latents

SIDE = 8
QUICK = InversionSettings(starts=64, tries=4, steps=120, tuning=0)


class Patterns(nn.Module):
    """Each number of noise paints its own fixed pattern; the class shifts the ground."""

    def __init__(self, width=4, classes=0):
        super().__init__()
        chance = torch.Generator().manual_seed(0)
        self.paint = nn.Linear(width + classes, SIDE * SIDE)
        weight = torch.randn(SIDE * SIDE, width + classes, generator=chance)
        self.paint.weight.data = torch.linalg.qr(weight)[0] * 2
        self.paint.bias.data.zero_()

    def forward(self, noise, condition):
        flat = self.paint(torch.cat([noise, condition.vector], 1))
        return flat.tanh().unflatten(1, (1, SIDE, SIDE))


def maker(classes=0):
    network = Patterns(classes=classes).requires_grad_(False)
    return LatentGenerator(
        network, Spec((1, SIDE, SIDE), vector=classes), 4, pseudo_classes=classes
    )


def test_the_noise_of_a_sample_is_found_again():
    made_by = maker()
    noise, vector = made_by.sample_latents(3, seed=5)
    found = find(made_by, made_by.generate(noise, vector), search=QUICK)
    assert len(found) == 3
    for each, wanted in zip(found, noise, strict=True):
        assert each.psnr > 35
        torch.testing.assert_close(each.noise, wanted, atol=0.2, rtol=0)


def test_the_class_of_a_sample_is_found_too_or_taken_as_told():
    made_by = maker(classes=3)
    noise = torch.randn(4, 4, generator=torch.Generator().manual_seed(1)) * 0.3
    vector = torch.eye(3)[torch.tensor([0, 2, 1, 2])]
    pictures = made_by.generate(noise, vector)
    found = find(made_by, pictures, search=QUICK)
    assert [int(each.vector.argmax()) for each in found] == [0, 2, 1, 2]
    told = find(made_by, pictures[:1], class_index=1, search=QUICK)
    assert int(told[0].vector.argmax()) == 1
    assert told[0].psnr < found[0].psnr


def test_equal_seeds_find_equal_noise():
    made_by = maker()
    picture = made_by.generate(*made_by.sample_latents(1, seed=2))
    one, two = (find(made_by, picture, search=QUICK, seed=3)[0] for _ in range(2))
    assert torch.equal(one.noise, two.noise)


def test_tuning_reaches_what_no_noise_makes_and_leaves_the_run_alone():
    made_by = maker()
    before = {name: value.clone() for name, value in made_by.network.state_dict().items()}
    picture = torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) - 0.5
    plain = find(made_by, picture, search=QUICK)[0]
    assert plain.psnr < 20
    bent = pivotal_tune(plain, picture[0], replace(QUICK, tuning=400, goal=28.0), seed=0)
    assert 28 <= bent.psnr < 40, "it ends at the goal"
    assert bent.psnr_untuned == plain.psnr
    assert torch.equal(bent.noise, plain.noise)
    assert not any(each.requires_grad for each in bent.generator.network.parameters())
    after = made_by.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_features_are_looked_at_where_they_are_given():
    """Features that see the left half alone find noise that fits the left half better."""
    made_by = maker()
    picture = torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(4)) - 0.5

    def left(pictures):
        return pictures[..., : SIDE // 2].flatten(1)

    plain = find(made_by, picture, search=QUICK)[0]
    looked = find(made_by, picture, search=replace(QUICK, features=left, features_weight=30.0))[0]

    def off(found):
        return float((left(found.image()[None]) - left(picture)).square().mean())

    assert off(looked) < off(plain)


def test_an_edit_is_undone_by_its_opposite():
    made_by = maker()
    picture = made_by.generate(*made_by.sample_latents(1, seed=8))
    found = find(made_by, picture, search=QUICK)[0]
    axis = torch.tensor([0.0, 1.0, 0.0, 0.0])
    there = found.moved(axis, 2.0)
    assert float((there.image() - found.image()).abs().max()) > 0.2
    torch.testing.assert_close(there.moved(axis, -2.0).image(), found.image())


def test_what_was_kept_is_read_again_but_not_by_another_run(tmp_path):
    made_by = maker()
    picture = torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) - 0.5
    found = find(made_by, picture, search=replace(QUICK, tuning=20))[0]
    path = tmp_path / "found.safetensors"
    save_latents(found, path, "cafe")
    again = load_latents(path, made_by, "cafe")
    assert torch.equal(again.image(), found.image())
    assert again.psnr == pytest.approx(found.psnr)
    with pytest.raises(DataError, match="found with another run"):
        load_latents(path, made_by, "beef")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="not latents that `gannet edit` saved"):
        load_latents(path, made_by, "cafe")
    with pytest.raises(DataError, match="does not exist"):
        load_latents(tmp_path / "none.safetensors", made_by, "cafe")
