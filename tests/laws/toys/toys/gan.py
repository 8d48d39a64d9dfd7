"""Samples of any kind from noise: networks of plain layers, and the first objective of all."""

from gannet.core.config import Config
from gannet.core.recipe import Inputs, Players, Recipe, Slot, Training
from gannet.losses import adversarial
from gannet.networks.mlp import PlainDiscriminator, PlainGenerator


def gan(kind, bounded):
    def build(config, spec):
        generator = PlainGenerator(spec, config.noise, 32, bounded=bounded)
        return Players(generator, PlainDiscriminator(spec, 32))

    return Recipe(
        config=Config,
        inputs=Inputs(slots={"sample": Slot((kind,)), "vector": Slot(("label",), optional=True)}),
        training=Training(
            build=build,
            discriminator_losses=discriminator_losses,
            generator_losses=generator_losses,
        ),
    )


def logits(players, batch, noise):
    fake = players.generator(noise, batch.condition)
    return [players.discriminator(each, batch.condition).float() for each in (batch.real, fake)]


def discriminator_losses(players, batch, noise, config):
    real, fake = logits(players, batch, noise)
    return {"adversarial": adversarial.non_saturating_discriminator(real, fake)}


def generator_losses(players, batch, noise, config):
    real, fake = logits(players, batch, noise)
    return {"adversarial": adversarial.non_saturating_generator(real, fake)}
