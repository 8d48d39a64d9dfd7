"""Unpaired image-to-image translation between two domains: photos and paintings, young and old.

One generator translates both ways, conditioned on the target domain. Its output must pass for an
image of that domain and must lead back to the input.

Source: Zhu et al. 2017, arXiv:1703.10593 (cycle consistency and identity loss); Choi et al. 2019,
arXiv:1912.01865 (one network for all domains, with latents; eq. 3, the diversity loss, after Mao et
al. 2019, arXiv:1903.05628). Differs: relativistic loss; the network predicts a residual; feature
statistics are matched (Salimans et al. 2016, arXiv:1606.03498, section 3.1); the diversity loss has
a target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.recipe import (
    Controls,
    Evaluation,
    Inference,
    Inputs,
    Recipe,
    Slot,
    Suggestion,
    Training,
)
from gannet.core.transform import Options, Trained, Transform, TransformInput
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.losses import adversarial
from gannet.losses.discriminator import discriminator_loss
from gannet.losses.feature_matching import feature_matching_loss, feature_statistics
from gannet.losses.projected import projected_discriminator_loss, projected_generator_loss
from gannet.modalities.image.reading.two_domains import check_two_domains
from gannet.modalities.image.tensors import encoded, scaled_to, sized, with_alpha_of
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import modality_of
from gannet.networks.patchgan import PatchGAN, min_side
from gannet.networks.perceptual import ProjectedDiscriminators
from gannet.networks.unet import UNetGenerator
from gannet.recipes.common.image_to_image import (
    ImageToImageConfig,
    draw_latents,
    suggest_perceptual,
    translate_tiled,
    unet_and_patchgan,
)
from gannet.recipes.common.schedules import cosine

DOMAINS = 2
"""Number of domains."""

ZERO_EVERY = 4
"""Every n-th row of latents is zero in training."""

FEW_IMAGES = 1_000
"""Number of images below which most are augmented."""

PERCEPTUAL = 0.7
"""Weight of the projected discriminators, where the feature network is installed."""


class TranslateUnpairedConfig(ImageToImageConfig):
    """Settings of ``translate_unpaired``."""

    downsamplings: int = Field(3, ge=1, le=7, description="downsamplings of the U-Net generator")
    crop_size: int = Field(
        0,
        ge=0,
        le=512,
        description="crop size: side of crops to train on; 0 for whole images in one size",
    )
    horizontal_flip: bool = Field(
        True, description="random horizontal flips: whether images may be mirrored in training"
    )
    discriminator_levels: int = Field(
        3, ge=1, le=6, description="downsamplings of the discriminator"
    )
    cycle_weight: float = Field(
        0.3,
        ge=0,
        description="cycle-consistency loss weight: error after translating there and back",
    )
    identity_weight: float = Field(
        0.1,
        ge=0,
        description="identity loss weight: change of images that are of the target domain already",
    )
    adversarial_weight: float = Field(0.7, ge=0, description="adversarial loss weight")
    feature_matching_weight: float = Field(
        2.0,
        ge=0,
        description="feature-matching loss weight: statistics of discriminator features per domain",
    )
    projected_weight: float = Field(
        0.0,
        ge=0,
        description="projected discriminators' weight (Projected GAN): they judge what a "
        "network trained on photos sees; takes the extra `features`",
    )
    gradient_penalty: float = Field(
        0.1,
        ge=0,
        description="weight of the R1 and R2 gradient penalties: keep the discriminator flat",
    )
    learning_rate: float = Field(
        3e-4, gt=0, description="learning rate of both optimizers at first"
    )
    augment_p: float = Field(
        0.3,
        ge=0,
        le=1,
        description="augmentation probability: share of images that the discriminator sees changed",
    )
    diversity_weight: float = Field(
        0.1,
        ge=0,
        description="diversity loss weight: reward for outputs that differ",
    )
    diversity_target: float = Field(
        0.1,
        gt=0,
        le=1,
        description="diversity target: distance that two outputs shall have; 1 is half the range",
    )


class DomainOptions(Options):
    """Options of translating an image."""

    domain: str = Field("", description="target domain, by its folder's name")


def build(config: TranslateUnpairedConfig, spec: Spec) -> Networks:
    """Networks for images of any size, conditioned on two domains.

    Raises:
        DataError: if there are not two.
    """
    if spec.vector != DOMAINS:
        raise DataError(
            f"{spec.vector or 'no'} domains, expected two",
            remedy="Give a folder with two folders of pictures, one per domain.",
        )
    channels = spec.shape[0]
    return Networks(
        UNetGenerator(
            channels,
            channels,
            config.width,
            config.downsamplings,
            config.latent_dim,
            classes=DOMAINS,
            residual=True,
        ),
        PatchGAN(
            channels,
            0,
            config.discriminator_width,
            config.discriminator_levels,
            classes=DOMAINS,
            bounded=False,
            projected=ProjectedDiscriminators(DOMAINS) if config.projected_weight else None,
        ),
    )


def suggest_config(some: Batch, rows: int) -> Iterator[Suggestion]:
    """Projected discriminators, and stronger augmentation of few images."""
    yield from suggest_perceptual(some, PERCEPTUAL, "projected_weight")
    if rows < FEW_IMAGES:
        yield f"only {rows} pictures to train on", {"augment_p": 0.7}


def corrupt(batch: Batch, rng: torch.Generator, config: TranslateUnpairedConfig) -> Batch:
    """Give each image a random image of the other domain as the input."""
    real, domain = batch.real, batch.condition.vector
    if config.horizontal_flip:
        flipped = torch.rand(len(batch), 1, 1, 1, generator=rng, device=real.device) < 0.5
        real = torch.where(flipped, real.flip(3), real)
    # If a batch has one domain only, any image is better than none.
    fit = (domain @ domain.T == 0).float() + 1e-9
    chosen = torch.multinomial(fit, 1, generator=rng).squeeze(1)
    condition = replace(batch.condition, grid=real[chosen])
    return replace(batch, real=real, condition=condition)


def evaluation_condition(batch: Batch, _spec: Spec) -> Condition:
    """An input from the other domain for each image, in turn; unlabelled images are their own."""
    vector = batch.condition.vector
    domain = torch.where(vector.sum(1) > 0, vector.argmax(1), -1)
    chosen = torch.arange(len(batch))
    indices = [(domain == each).nonzero().squeeze(1) for each in range(DOMAINS)]
    for mine, others in ((indices[0], indices[1]), (indices[1], indices[0])):
        if len(others):
            chosen[mine] = others[torch.arange(len(mine)) % len(others)]
    return replace(batch.condition, grid=batch.real[chosen])


def with_zero_rows(noise: Tensor) -> Tensor:
    """Latents ``(B, Z)``, zero in every fourth row, as they are for the default output."""
    rows = torch.arange(len(noise), device=noise.device)[:, None]
    return noise * (rows % ZERO_EVERY != ZERO_EVERY - 1).to(noise)


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TranslateUnpairedConfig
) -> Losses:
    """Adversarial loss of images of each domain against outputs, with gradient penalties."""
    translator, discriminator = unet_and_patchgan(networks)
    with torch.no_grad():
        fake = translator(with_zero_rows(noise), batch.condition).float()
    # Same augmentation for reals and fakes, against overfitting of few images.
    augment = modality_of(batch.kind).augment
    real, fake = (augment(each, config.augment_p, None) for each in (batch.real, fake))
    losses = dict(
        discriminator_loss(discriminator, replace(batch, real=real), fake, config.gradient_penalty)
    )
    if discriminator.projected is not None:
        # Unweighted: these discriminators share no parameters with the PatchGAN, so a weight would
        # only rescale their own gradients, which Adam undoes.
        losses["projected"] = projected_discriminator_loss(
            discriminator.projected, real, fake, batch.condition.vector
        )
    return losses


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TranslateUnpairedConfig
) -> Losses:
    """Adversarial, feature-matching, cycle, identity and diversity losses of the generator."""
    translator, discriminator = unet_and_patchgan(networks)
    condition, given, count = batch.condition, batch.condition.grid, len(batch)
    fake = translator(with_zero_rows(noise), condition).float()
    augment = modality_of(batch.kind).augment
    augmented = [augment(each, config.augment_p, None) for each in (batch.real, fake)]
    real_features, fake_features = (discriminator.features(each, condition) for each in augmented)
    adversarial_loss = adversarial.relativistic_generator(
        real_features[-1].float(), fake_features[-1].float()
    )
    statistics = [
        feature_statistics(each[:-1], condition.vector) for each in (real_features, fake_features)
    ]
    losses = {
        "adversarial": config.adversarial_weight * adversarial_loss,
        "feature_matching": config.feature_matching_weight
        * feature_matching_loss(statistics[0], statistics[1]),
    }
    if discriminator.projected is not None:
        projected_loss = projected_generator_loss(
            discriminator.projected, augmented[0], augmented[1], condition.vector
        )
        losses["projected"] = config.projected_weight * projected_loss
    # Cycle and identity losses in one forward pass over half a batch each: half the cost, and
    # enough.
    half = max(count // 2, 1)
    target_domains = torch.cat([1 - condition.vector[:half], condition.vector[-half:]])
    grid = torch.cat([fake[:half], batch.real[-half:]])
    # Same latent distribution as above; with zeros only, the network would learn that zero latents
    # mean the identity.
    cycle_noise = with_zero_rows(torch.cat([noise[-half:], noise[:half]]))
    reconstructed = translator(
        cycle_noise, Condition(target_domains, grid, grid[:, 0, :0, :0])
    ).float()
    losses["cycle"] = config.cycle_weight * (reconstructed[:half] - given[:half]).abs().mean()
    losses["identity"] = (
        config.identity_weight * (reconstructed[half:] - batch.real[-half:]).abs().mean()
    )
    if config.latent_dim and config.diversity_weight:
        few = max(count // 4, 1)
        # The latents of the row before: as independent as new ones, and repeatable.
        other = translator(noise.roll(1, 0)[:few], condition[:few]).float()
        distance = (other - fake[:few]).abs().flatten(1).mean(1) / config.diversity_target
        losses["diversity"] = config.diversity_weight * (1 - distance).clamp_min(0).mean()
    return losses


def copy_input(batch: Batch) -> Tensor:
    """The input image."""
    return batch.condition.grid


def domains_of(trained: Trained[TranslateUnpairedConfig]) -> LabelCodec:
    """The names of the two domains."""
    names = trained.codecs["vector"]
    assert isinstance(names, LabelCodec)
    return names


def check_domain(trained: Trained[TranslateUnpairedConfig], options: DomainOptions) -> None:
    """Refuse a domain that is not in the data.

    Raises:
        ConfigError: naming the domains.
    """
    domains = domains_of(trained).classes
    if options.domain not in domains:
        message = (
            f"--domain: no domain called {options.domain}"
            if options.domain
            else "--domain is missing"
        )
        choices = " or ".join(f"--domain {each}" for each in domains)
        raise ConfigError(message, remedy=f"Give {choices}.")


def transform(
    trained: Trained[TranslateUnpairedConfig], given: TransformInput, samples: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One output per sample, of the input's size; of a run on whole images, made at their scale."""
    translator, names = trained.model, domains_of(trained)
    assert isinstance(translator, UNetGenerator)
    assert isinstance(given.options, DomainOptions)
    image = encoded(given.sample, trained.spec.shape[0])
    if not trained.config.crop_size:
        image = scaled_to(image, trained.spec.shape)
    domain = names.rows(np.array([names.index(given.options.domain)]))
    latents = draw_latents(samples, trained.config.latent_dim, seed)
    outputs = translate_tiled(translator, image, latents, domain)
    return [with_alpha_of(sized(each, given.sample), given.sample) for each in outputs]


recipe = Recipe(
    config=TranslateUnpairedConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "vector": Slot(("label",))},
        derived=frozenset({"grid"}),
        paired=False,
        given="grid",
        crop_size=lambda config: config.crop_size,
        min_size=lambda config: min_side(config.discriminator_levels),
        check=check_two_domains,
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=cosine("learning_rate"),
        suggest=suggest_config,
        # Measured on 20 dark and 28 bright images of 32 pixels, 150 steps: a brightness of 40,
        # which should have become 190, became 186 in float32 and 42 in bfloat16.
        float32_only=True,
        controls=Controls(regularize="gradient_penalty", capacity="width", augment="augment_p"),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(
        transforms={
            "translate": Transform(
                description="turns a picture of one domain into one of the other",
                apply=transform,
                given="grid",
                options=DomainOptions,
                check=check_domain,
            )
        }
    ),
    evaluation=Evaluation(
        condition=evaluation_condition, reference_methods={"the input itself": copy_input}
    ),
)
