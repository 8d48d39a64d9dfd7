"""Pictures for texts, and beside them, where there are any, for classes."""

import torch
from torch import nn

from gannet.core.config import Config
from gannet.core.recipe import Evaluation, Inference, Inputs, Networks, Recipe, Slot, Training
from gannet.core.seeding import latents_at
from gannet.core.transform import Transform
from gannet.core.types import Condition
from toys.gan import discriminator_losses, generator_losses

HIDDEN = 32


def told(condition):
    return torch.cat([condition.vector, condition.tokens.flatten(1)], 1)


class Generator(nn.Module):
    def __init__(self, spec, noise):
        super().__init__()
        width = spec.vector + torch.Size(spec.tokens).numel()
        self.shape, self.inner = spec.shape, nn.Linear(noise + width, HIDDEN)
        self.outer = nn.Linear(HIDDEN, torch.Size(spec.shape).numel())

    def forward(self, noise, condition):
        hidden = self.inner(torch.cat([noise, told(condition)], 1)).relu()
        return self.outer(hidden).tanh().view(-1, *self.shape)


class Discriminator(nn.Module):
    def __init__(self, spec):
        super().__init__()
        width = spec.vector + torch.Size(spec.tokens).numel()
        self.inner = nn.Linear(torch.Size(spec.shape).numel() + width, HIDDEN)
        self.outer = nn.Linear(HIDDEN, 1)

    def forward(self, samples, condition):
        seen = torch.cat([samples.flatten(1), told(condition)], 1)
        return self.outer(self.inner(seen).relu()).squeeze(1)


def build(config, spec):
    return Networks(Generator(spec, config.latent_dim), Discriminator(spec))


def blank(trained, count, **slots):
    """The empty condition, but for some slots."""
    empty = trained.spec.blank(count)
    own = {"vector": empty.vector, "grid": empty.grid, "tokens": empty.tokens}
    return Condition(**own | slots)


def draw(trained, given, samples, seed):
    """Pictures of a text."""
    tokens = trained.codecs["tokens"].encode([given.sample] * samples)
    noise = latents_at(seed, range(samples), trained.config.latent_dim)
    made = trained.model(noise, blank(trained, samples, tokens=tokens))
    return trained.codecs["sample"].decode(made)


def name(trained, given, samples, seed):
    """The class whose pictures are most like the given one."""
    codec, classes = trained.codecs["sample"], trained.spec.vector
    picture = torch.from_numpy(given.sample).permute(2, 0, 1) * 2 - 1
    noise = torch.zeros(classes, trained.config.latent_dim)
    made = trained.model(noise, blank(trained, classes, vector=torch.eye(classes)))
    assert picture.shape == torch.Size(codec.shape)
    nearest = int((made - picture).flatten(1).norm(dim=1).argmin())
    return trained.codecs["vector"].decode(torch.eye(classes)[[nearest] * samples])


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={
            "sample": Slot(("image",)),
            "tokens": Slot(("toy_text",)),
            "vector": Slot(("label",), optional=True),
        },
        given="tokens",
    ),
    training=Training(
        build=build, discriminator_losses=discriminator_losses, generator_losses=generator_losses
    ),
    inference=Inference(
        transforms={
            "draw": Transform(description="draws what a text says", apply=draw, given="tokens"),
            "name": Transform(description="names a picture's class", apply=name, output="vector"),
        }
    ),
    evaluation=Evaluation(against_targets=False),
)
