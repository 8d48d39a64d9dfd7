"""A toy of semi-supervised classification: the discriminator is what people want, and labels are.

Source: Salimans et al. 2016, arXiv:1606.03498, section 5.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from gannet.core import config
from gannet.core.recipe import Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.scores import Score
from gannet.core.types import Networks


class Generator(nn.Module):
    def __init__(self, spec, noise):
        super().__init__()
        self.shape = spec.shape
        self.layer = nn.Linear(noise, torch.Size(spec.shape).numel())

    def forward(self, noise, condition):
        return self.layer(noise).tanh().view(-1, *self.shape)


class Classifier(nn.Module):
    """Logits of the classes; their log-sum says how real a sample is."""

    def __init__(self, spec):
        super().__init__()
        self.layer = nn.Linear(torch.Size(spec.shape).numel(), spec.vector)

    def classes(self, samples):
        return self.layer(samples.flatten(1))

    def forward(self, samples, condition):
        return self.classes(samples).logsumexp(1)


def build(config, spec):
    return Networks(Generator(spec, config.latent_dim), Classifier(spec))


def show(batch):
    """A sample is what is told, since its class is what is wanted."""
    return replace(batch, condition=replace(batch.condition, grid=batch.real))


def condition(batch, spec):
    return replace(show(batch).condition, vector=torch.zeros(len(batch), spec.vector))


def discriminator_losses(networks, batch, noise, config):
    discriminator, told = networks.discriminator, batch.condition
    fake = networks.generator(noise, told).detach()
    return {
        "adversarial": (
            softplus(-discriminator(batch.real, told)) + softplus(discriminator(fake, told))
        ).mean(),
        "classes": cross_entropy(discriminator.classes(batch.real), told.vector),
    }


def generator_losses(networks, batch, noise, config):
    fake = networks.generator(noise, batch.condition)
    return {"adversarial": softplus(-networks.discriminator(fake, batch.condition)).mean()}


def infer(model, noise, condition, config):
    return model.classes(condition.grid).softmax(1)


def accuracy(seen):
    right = (seen.outputs.argmax(1) == seen.held_out.condition.vector.argmax(1)).float().mean()
    assert not seen.condition.vector.any(), "the classes must not be told"
    value = float(right)
    bounds = dict.fromkeys(("low", "high", "reference", "reference_low", "reference_high"), value)
    return [Score(name="accuracy", value=value, **bounds, samples=len(seen.outputs), better="high")]


recipe = Recipe(
    config=config.Config,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "vector": Slot(("label",))},
        derived=frozenset({"vector", "grid"}),
        given="grid",
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=lambda batch, _rng, _config: show(batch),
    ),
    inference=Inference(
        model=lambda networks: networks.discriminator, infer=infer, output="vector"
    ),
    evaluation=Evaluation(condition=condition, scores=accuracy),
)
