"""Trees from noise, or for another tree."""

from gannet.core.config import Config
from gannet.core.recipe import Inputs, Networks, Recipe, Slot, Training
from gannet.losses import adversarial
from gannet.networks.mlp import MLPDiscriminator, MLPGenerator


def build(config, spec):
    return Networks(
        MLPGenerator(spec, config.latent_dim, 16, bounded=False), MLPDiscriminator(spec, 16)
    )


def logits(networks, batch, noise):
    fake = networks.generator(noise, batch.condition)
    return [networks.discriminator(each, batch.condition).float() for each in (batch.real, fake)]


def discriminator_losses(networks, batch, noise, config):
    real, fake = logits(networks, batch, noise)
    return {"adversarial": adversarial.non_saturating_discriminator(real, fake)}


def generator_losses(networks, batch, noise, config):
    real, fake = logits(networks, batch, noise)
    return {"adversarial": adversarial.non_saturating_generator(real, fake)}


recipe = Recipe(
    config=Config,
    inputs=Inputs(slots={"sample": Slot(("odd_tree",)), "vector": Slot(("label",), optional=True)}),
    training=Training(
        build=build, discriminator_losses=discriminator_losses, generator_losses=generator_losses
    ),
)
