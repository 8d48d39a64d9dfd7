"""Samples of any kind from noise: networks of plain layers, and the first objective of all."""

from gannet.core.config import Config
from gannet.core.recipe import Column, Players, Recipe
from gannet.losses import adversarial
from gannet.networks.mlp import PlainDiscriminator, PlainGenerator


def gan(kind, bounded):
    def build(config, spec):
        generator = PlainGenerator(spec, config.noise, 32, bounded=bounded)
        return Players(generator, PlainDiscriminator(spec, 32))

    return Recipe(
        config=Config,
        columns={"real": Column((kind,)), "vector": Column(("label",), optional=True)},
        build=build,
        discriminator_terms=discriminator_terms,
        generator_terms=generator_terms,
    )


def logits(players, batch, noise):
    fake = players.generator(noise, batch.condition)
    return [players.discriminator(each, batch.condition).float() for each in (batch.real, fake)]


def discriminator_terms(players, batch, noise, config):
    real, fake = logits(players, batch, noise)
    return {"adversarial": adversarial.non_saturating_discriminator(real, fake)}


def generator_terms(players, batch, noise, config):
    real, fake = logits(players, batch, noise)
    return {"adversarial": adversarial.non_saturating_generator(real, fake)}
