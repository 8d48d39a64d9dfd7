"""Rows of a table for pictures."""

import torch

from gannet.core.config import Config
from gannet.core.recipe import Evaluation, Inference, Inputs, Networks, Recipe, Slot, Training
from gannet.core.seeding import latents_at
from gannet.core.transform import Transform
from toys.beside import Discriminator, Generator, only
from toys.gan import discriminator_losses, generator_losses


def build(config, spec):
    upper = [max(each - 1, 1) for each in spec.table.cardinalities]

    def squash(output):
        return output.sigmoid() * output.new_tensor(upper)

    return Networks(Generator(spec, config.latent_dim, squash), Discriminator(spec))


def describe(trained, given, samples, seed):
    """Rows for a picture."""
    pixels = torch.from_numpy(given.sample).permute(2, 0, 1)[None] * 2 - 1
    condition = only(trained, samples, grid=pixels.expand(samples, -1, -1, -1))
    noise = latents_at(seed, range(samples), trained.config.latent_dim)
    return trained.codecs["sample"].decode(trained.model(noise, condition))


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={"sample": Slot(("table",)), "grid": Slot(("image",))},
        given="grid",
    ),
    training=Training(
        build=build, discriminator_losses=discriminator_losses, generator_losses=generator_losses
    ),
    inference=Inference(
        transforms={
            "describe": Transform(description="describes a picture", apply=describe, given="grid")
        }
    ),
    evaluation=Evaluation(against_targets=False),
)
