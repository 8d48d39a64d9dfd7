"""Pictures of the rows of a table."""

import torch

from gannet.core.config import Config
from gannet.core.recipe import Evaluation, Inference, Inputs, Networks, Recipe, Slot, Training
from gannet.core.seeding import latents_at
from gannet.core.transform import Transform
from toys.beside import Discriminator, Generator, only
from toys.gan import discriminator_losses, generator_losses


def build(config, spec):
    return Networks(Generator(spec, config.latent_dim, torch.tanh), Discriminator(spec))


def portray(trained, given, samples, seed):
    """Pictures of the first row."""
    row = trained.codecs["vector"].encode_frame(given.sample)[:1]
    condition = only(trained, samples, vector=row.expand(samples, -1))
    noise = latents_at(seed, range(samples), trained.config.latent_dim)
    return trained.codecs["sample"].decode(trained.model(noise, condition))


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "vector": Slot(("table",))},
        given="vector",
    ),
    training=Training(
        build=build, discriminator_losses=discriminator_losses, generator_losses=generator_losses
    ),
    inference=Inference(
        transforms={
            "portray": Transform(description="portrays a row", apply=portray, given="vector")
        }
    ),
    evaluation=Evaluation(against_targets=False),
)
