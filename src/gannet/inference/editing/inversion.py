"""GAN inversion: the noise of a given image, by optimisation from screened starts.

Source: Abdal et al. 2019, arXiv:1904.03189 (optimised noise); Roich et al. 2021, arXiv:2106.05744
(pivotal tuning, PTI: the network is fine-tuned so that the noise found gives the image).
Differs: starts are the best of many samples, and the worse tries are dropped in rounds; pixels are
compared at several scales instead of features of a large network, so that only the generator is
needed; a caller may add features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gannet.core.device import adam
from gannet.core.seeding import derive_seed, latents_at
from gannet.inference.editing.latent_generator import LatentGenerator
from gannet.metrics.image_quality import psnr
from gannet.networks.features import FeatureMap


@dataclass(frozen=True, slots=True)
class InversionSettings:
    """Settings of the inversion.

    Attributes:
        starts: Samples that starts are chosen from.
        tries: Starts that are optimised.
        steps: Adam steps on the noise, in all.
        rate: Initial learning rate for the noise.
        prior_weight: Weight of the squared norm of the noise.
        tuning: Maximum Adam steps of pivotal tuning; 0 for none.
        tuning_rate: Learning rate of pivotal tuning.
        goal: PSNR in dB at which tuning stops; more would fit noise of the image.
        locality: Weight of locality regularization: images of nearby noise stay as they were.
        features: Feature map that is compared beside the pixels, if any.
        features_weight: Weight of the mean squared difference of features.
    """

    starts: int = 2_000
    tries: int = 16
    steps: int = 500
    rate: float = 0.15
    prior_weight: float = 5e-4
    tuning: int = 300
    tuning_rate: float = 3e-3
    goal: float = 30.0
    locality: float = 0.1
    features: FeatureMap | None = None
    features_weight: float = 1.0


USUAL = InversionSettings()


@dataclass(frozen=True)
class InvertedImage:
    """An image as the latent of a generator.

    Attributes:
        generator: The run's own, or a tuned copy.
        noise: ``(Z,)``.
        vector: ``(V,)``.
        psnr: PSNR in dB of the reconstruction; of a tuned copy, after tuning.
        psnr_untuned: PSNR before tuning.
    """

    generator: LatentGenerator
    noise: Tensor
    vector: Tensor
    psnr: float = 0.0
    psnr_untuned: float = 0.0

    def image(self) -> Tensor:
        """The reconstruction ``(C, H, W)`` in [-1, 1]."""
        return self.generator.generate(self.noise[None], self.vector[None])[0].clamp(-1, 1)

    def moved(self, direction: Tensor, amount: float) -> InvertedImage:
        """The image moved along a direction ``(Z,)``, in standard deviations of noise.

        Moving back by the same amount undoes it.
        """
        return replace(self, noise=self.noise + amount * direction)


def find(
    generator: LatentGenerator,
    images: Tensor,
    *,
    class_index: int | None = None,
    search: InversionSettings = USUAL,
    seed: int = 0,
) -> list[InvertedImage]:
    """Invert images: find the noise that reproduces each.

    Args:
        generator: The generator.
        images: ``(N, C, H, W)`` in [-1, 1].
        class_index: Their class, if known; else the best one is found for each.
        search: Settings of the search.
        seed: Seed of the starts; the same seed gives the same result.
    """
    noise, vector, owner = _started(generator, images, class_index, search, seed)
    rate = search.rate
    for fraction, keep in ((0.2, 4), (0.2, 1), (0.6, 1)):
        steps = max(round(search.steps * fraction), 1)
        noise, loss = refined(generator, noise, vector, images[owner], steps, rate, search)
        best_indices = _best(loss, owner, len(images), keep)
        noise, vector, owner = noise[best_indices], vector[best_indices], owner[best_indices]
        rate *= 0.6
    generated = generator.generate(noise, vector)
    inverted = [
        InvertedImage(generator, noise[at], vector[at], float(value), float(value))
        for at, value in enumerate(psnr(generated.clamp(-1, 1), images))
    ]
    if not search.tuning:
        return inverted
    return [
        pivotal_tune(each, image, search, derive_seed(seed, at))
        for at, (each, image) in enumerate(zip(inverted, images, strict=True))
    ]


def _started(
    generator: LatentGenerator,
    images: Tensor,
    class_index: int | None,
    search: InversionSettings,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest samples of as many classes as possible: noise, vectors, index of the image."""
    noise = latents_at(seed, range(search.starts), generator.latent_dim)
    kinds = torch.arange(search.starts) % max(generator.pseudo_classes, 1)
    if class_index is not None:
        kinds = torch.full_like(kinds, class_index)
    vector = (
        torch.eye(generator.pseudo_classes)[kinds]
        if generator.pseudo_classes
        else generator.vectors(search.starts, seed)
    )
    generated = generator.generate(noise, vector)
    distances = torch.cdist(small(images), small(generated))
    starts: list[tuple[Tensor, Tensor]] = []
    for at, row in enumerate(distances):
        order: list[int] = row.argsort().tolist()
        firsts = {int(kinds[index]): index for index in reversed(order)}
        chosen = sorted(firsts.values(), key=order.index)[: search.tries]
        chosen += [index for index in order if index not in chosen][: search.tries - len(chosen)]
        starts.append((torch.tensor(chosen), torch.full((len(chosen),), at)))
    indices, owner = (torch.cat(part) for part in zip(*starts, strict=True))
    return noise[indices].clone(), vector[indices], owner


def small(images: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` halved and flattened, for fast screening."""
    size = 2 if min(images.shape[2:]) > 1 else 1
    return avg_pool2d(images, size).flatten(1)


def difference(generated: Tensor, targets: Tensor, search: InversionSettings) -> Tensor:
    """Mean squared difference at several scales, and of features if given, ``(B,)``."""
    left = generated - targets
    total, sizes = left.square().flatten(1).mean(1), 1
    for size in (2, 4):
        if min(left.shape[2:]) >= 2 * size:
            total = total + avg_pool2d(left, size).square().flatten(1).mean(1)
            sizes += 1
    total = total / sizes
    if search.features is None:
        return total
    feature_difference = search.features(generated) - search.features(targets)
    return total + search.features_weight * feature_difference.square().flatten(1).mean(1)


def refined(
    generator: LatentGenerator,
    noise: Tensor,
    vector: Tensor,
    targets: Tensor,
    steps: int,
    rate: float,
    search: InversionSettings,
) -> tuple[Tensor, Tensor]:
    """Noise ``(B, Z)`` optimised towards images, and the loss of each, ``(B,)``."""
    moving = noise.clone().requires_grad_()
    optimizer = adam([moving], (0.9, 0.99), rate)
    loss = noise.new_zeros(len(noise))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - 0.8 * step / steps)
        loss = difference(generator(moving, vector), targets, search)
        loss = loss + search.prior_weight * moving.square().mean(1)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    return moving.detach(), loss.detach()


def _best(loss: Tensor, owner: Tensor, image_count: int, keep: int) -> Tensor:
    """Indices of the best tries of each image."""
    best: list[Tensor] = []
    for at in range(image_count):
        mine = (owner == at).nonzero()[:, 0]
        best.append(mine[loss[mine].argsort()[:keep]])
    return torch.cat(best)


def pivotal_tune(
    pivot: InvertedImage, image: Tensor, search: InversionSettings, seed: int
) -> InvertedImage:
    """Fine-tune a copy of the network until the noise found gives the image ``(C, H, W)``.

    Source: Roich et al. 2021, arXiv:2106.05744, eq. 3 to 5, with locality regularization.
    """
    generator = pivot.generator.copy()
    weights = [each.requires_grad_() for each in generator.network.parameters()]
    optimizer = adam(weights, (0.9, 0.99), search.tuning_rate)
    noise, vector, target = pivot.noise[None], pivot.vector[None], image[None]
    others = latents_at(seed, range(search.tuning), generator.latent_dim)
    for step in range(search.tuning):
        towards = others[step : step + 1] - noise
        near = noise + towards * torch.rand(1, generator=_rng(seed, step))
        generated = generator(torch.cat([noise, near]), torch.cat([vector, vector]))
        original = pivot.generator.generate(near, vector)
        if float(psnr(generated[:1].detach().clamp(-1, 1), target)) >= search.goal:
            break
        loss = difference(generated[:1], target, search).sum()
        loss = loss + search.locality * (generated[1:] - original).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    generator.network.requires_grad_(False)
    reached = replace(pivot, generator=generator)
    return replace(reached, psnr=float(psnr(reached.image()[None], target)))


def _rng(seed: int, step: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, step))
