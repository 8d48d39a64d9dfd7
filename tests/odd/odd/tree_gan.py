"""Trees from noise, or for another tree."""

from gannet.core.config import Config
from gannet.core.recipe import Inference, Inputs, Networks, Recipe, Slot, Training
from gannet.core.transform import Transform
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


def copy(trained, given, samples, seed):
    codec = trained.codecs["sample"]
    return shown(codec.decode(codec.encode([given.sample] * samples)))


def shown(trees):
    return trees


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={"sample": Slot(("odd_tree",)), "tokens": Slot(("odd_tree",), optional=True)}
    ),
    inference=Inference(transforms={"copy": Transform(description="copies a tree", apply=copy)}),
    training=Training(
        build=build, discriminator_losses=discriminator_losses, generator_losses=generator_losses
    ),
)
