"""Every generator of pictures can be edited, whatever its architecture; others are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gannet.core.errors import ConfigError
from gannet.core.types import Spec
from gannet.inference.artifact import Artifact
from gannet.inference.editing.editor import Editor, latent_generator_of
from gannet.inference.editing.inversion import InversionSettings
from gannet.recipes.registry import find_recipe

SHORT = InversionSettings(starts=32, tries=2, steps=10, tuning=3)


def artifact(like, recipe, channels, **settings):
    """First weights of a recipe for pictures of 12 x 12 in two classes."""
    made = find_recipe(recipe)
    config = made.config(width=4, latent_dim=6, **settings)
    spec = Spec((channels, 12, 12), vector=2)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        networks = made.training.build(config, spec).eval().requires_grad_(False)
    size = {"height": 12, "width": 12, "channels": channels}
    codecs = like.card.codecs | {"sample": {"kind": "image", "state": size}}
    card = like.card.model_copy(
        update={
            "recipe": recipe, "config": config.model_dump(mode="json"), "spec": spec,
            "codecs": codecs,
        }
    )  # fmt: skip
    return Artifact(card, made.inference.model(networks), networks.discriminator)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("generate", {"architecture": "mlp"}),
        ("generate", {"architecture": "dcgan"}),
        ("generate", {"architecture": "residual"}),
        ("vae", {}),
        ("autoencoder", {}),
    ],
)
def test_every_generator_of_pictures_can_be_edited(of_classes, recipe, settings, channels):
    editor = Editor(artifact(of_classes, recipe, channels, **settings))
    axes = torch.stack([each.axis for each in editor.directions])
    assert len(axes) >= 6, "the closed form alone gives one for each number of noise"
    torch.testing.assert_close(axes.norm(dim=1), torch.ones(len(axes)))
    axis = editor.axis("1")
    assert torch.equal(axis, axes[0])
    noise, vector = editor.generator.sample_latents(2, seed=9)
    pictures = editor.codec.decode(editor.generator.generate(noise, vector))
    before = {name: each.clone() for name, each in editor.artifact.model.state_dict().items()}
    found = editor.find(pictures, SHORT)
    assert [each.image().shape for each in found] == [(channels, 12, 12)] * 2
    assert (found[0].image() != found[0].moved(axis, 2.0).image()).any()
    after = editor.artifact.model.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())


def test_what_runs_can_be_told_by_name(of_classes, of_pictures):
    editor = Editor(of_pictures)
    assert "brightness" in editor.learnable
    assert "hue" not in editor.learnable, "grey has none"
    with pytest.raises(ConfigError, match="nothing is called 'hue'"):
        editor.axis("hue")
    with pytest.raises(ConfigError, match="trained without classes"):
        editor.find([], SHORT, label="cat")
    with pytest.raises(ConfigError, match="no class 'cow'"):
        Editor(of_classes).find([], SHORT, label="cow")


def test_held_attributes_stay_further_than_without(of_pictures):
    editor = Editor(of_pictures)
    start = editor.draw_samples(1)[0]
    free = editor.edited(start, {"size": 2.0})
    held = editor.edited(start, {"size": 2.0}, fix=["brightness"])
    bright = editor.axis("brightness")
    along = [abs(float((each.noise - start.noise) @ bright)) for each in (free, held)]
    assert along[1] < 1e-4 < along[0]


def test_runs_that_make_no_pictures_from_noise_are_refused(of_rows, of_pictures, changed):
    with pytest.raises(ConfigError, match="makes no images"):
        latent_generator_of(of_rows)
    answers = find_recipe("super_resolve")
    card = of_pictures.card.model_copy(
        update={"recipe": "super_resolve", "config": answers.config().model_dump(mode="json")}
    )
    with pytest.raises(ConfigError, match="from noise alone"):
        latent_generator_of(replace(of_pictures, card=card))
