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

    def picture(self) -> Tensor:
        """The reconstruction ``(C, H, W)`` in [-1, 1]."""
        return self.generator.generate(self.noise[None], self.vector[None])[0].clamp(-1, 1)

    def moved(self, direction: Tensor, amount: float) -> InvertedImage:
        """The image moved along a direction ``(Z,)``, in standard deviations of noise.

        Moving back by the same amount undoes it.
        """
        return replace(self, noise=self.noise + amount * direction)


def find(
    generator: LatentGenerator,
    pictures: Tensor,
    *,
    kind: int | None = None,
    search: InversionSettings = USUAL,
    seed: int = 0,
) -> list[InvertedImage]:
    """Invert images: find the noise that reproduces each.

    Args:
        generator: The generator.
        images: ``(N, C, H, W)`` in [-1, 1].
        kind: Their class, if known; else the best one is found for each.
        search: Settings of the search.
        seed: Seed of the starts; the same seed gives the same result.
    """
    noise, vector, owner = _started(generator, pictures, kind, search, seed)
    rate = search.rate
    for share, keep in ((0.2, 4), (0.2, 1), (0.6, 1)):
        steps = max(round(search.steps * share), 1)
        noise, loss = refined(generator, noise, vector, pictures[owner], steps, rate, search)
        kept = _best(loss, owner, len(pictures), keep)
        noise, vector, owner = noise[kept], vector[kept], owner[kept]
        rate *= 0.6
    made = generator.generate(noise, vector)
    found = [
        InvertedImage(generator, noise[at], vector[at], float(value), float(value))
        for at, value in enumerate(psnr(made.clamp(-1, 1), pictures))
    ]
    if not search.tuning:
        return found
    return [
        pivotal_tune(each, picture, search, derive_seed(seed, at))
        for at, (each, picture) in enumerate(zip(found, pictures, strict=True))
    ]


def _started(
    generator: LatentGenerator,
    pictures: Tensor,
    kind: int | None,
    search: InversionSettings,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest samples of as many classes as possible: noise, vectors, index of the image."""
    noise = latents_at(seed, range(search.starts), generator.width)
    kinds = torch.arange(search.starts) % max(generator.pseudo_classes, 1)
    if kind is not None:
        kinds = torch.full_like(kinds, kind)
    vector = (
        torch.eye(generator.pseudo_classes)[kinds]
        if generator.pseudo_classes
        else generator.vectors(search.starts, seed)
    )
    made = generator.generate(noise, vector)
    far = torch.cdist(small(pictures), small(made))
    starts: list[tuple[Tensor, Tensor]] = []
    for at, row in enumerate(far):
        order: list[int] = row.argsort().tolist()
        firsts = {int(kinds[place]): place for place in reversed(order)}
        chosen = sorted(firsts.values(), key=order.index)[: search.tries]
        chosen += [place for place in order if place not in chosen][: search.tries - len(chosen)]
        starts.append((torch.tensor(chosen), torch.full((len(chosen),), at)))
    places, owner = (torch.cat(part) for part in zip(*starts, strict=True))
    return noise[places].clone(), vector[places], owner


def small(pictures: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` halved and flattened, for fast screening."""
    size = 2 if min(pictures.shape[2:]) > 1 else 1
    return avg_pool2d(pictures, size).flatten(1)


def difference(made: Tensor, pictures: Tensor, search: InversionSettings) -> Tensor:
    """Mean squared difference at several scales, and of features if given, ``(B,)``."""
    left = made - pictures
    total, sizes = left.square().flatten(1).mean(1), 1
    for size in (2, 4):
        if min(left.shape[2:]) >= 2 * size:
            total = total + avg_pool2d(left, size).square().flatten(1).mean(1)
            sizes += 1
    total = total / sizes
    if search.features is None:
        return total
    seen = search.features(made) - search.features(pictures)
    return total + search.features_weight * seen.square().flatten(1).mean(1)


def refined(
    generator: LatentGenerator,
    noise: Tensor,
    vector: Tensor,
    pictures: Tensor,
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
        loss = difference(generator(moving, vector), pictures, search)
        loss = loss + search.prior_weight * moving.square().mean(1)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    return moving.detach(), loss.detach()


def _best(loss: Tensor, owner: Tensor, pictures: int, keep: int) -> Tensor:
    """Indices of the best tries of each image."""
    found: list[Tensor] = []
    for at in range(pictures):
        mine = (owner == at).nonzero()[:, 0]
        found.append(mine[loss[mine].argsort()[:keep]])
    return torch.cat(found)


def pivotal_tune(
    found: InvertedImage, picture: Tensor, search: InversionSettings, seed: int
) -> InvertedImage:
    """Fine-tune a copy of the network until the noise found gives the image ``(C, H, W)``.

    Source: Roich et al. 2021, arXiv:2106.05744, eq. 3 to 5, with locality regularization.
    """
    generator = found.generator.copy()
    weights = [each.requires_grad_() for each in generator.network.parameters()]
    optimizer = adam(weights, (0.9, 0.99), search.tuning_rate)
    noise, vector, target = found.noise[None], found.vector[None], picture[None]
    others = latents_at(seed, range(search.tuning), generator.width)
    for step in range(search.tuning):
        towards = others[step : step + 1] - noise
        near = noise + towards * torch.rand(1, generator=_chance(seed, step))
        made = generator(torch.cat([noise, near]), torch.cat([vector, vector]))
        held = found.generator.generate(near, vector)
        if float(psnr(made[:1].detach().clamp(-1, 1), target)) >= search.goal:
            break
        loss = difference(made[:1], target, search).sum()
        loss = loss + search.locality * (made[1:] - held).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    generator.network.requires_grad_(False)
    reached = replace(found, generator=generator)
    return replace(reached, psnr=float(psnr(reached.picture()[None], target)))


def _chance(seed: int, step: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, step))
