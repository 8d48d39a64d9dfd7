"""Scores of pictures against scikit-image, scipy, pytorch-fid and sums written out."""

from __future__ import annotations

import cmath
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.scores import ABOUT
from gannet.metrics import image_quality
from gannet.metrics.distribution import frechet_distance
from gannet.modalities.hooks import PairMeasure
from gannet.modalities.image.evaluation.comparison import STRUCTURE, measures
from gannet.modalities.image.evaluation.sharpness import roughness, texture_scores
from gannet.networks.inception import Inception, InceptionFeatures
from tests.reference import inputs
from tests.reference.agreement import agree, reference

metrics = pytest.importorskip("skimage.metrics")
color = pytest.importorskip("skimage.color")
ndimage = pytest.importorskip("scipy.ndimage")

PHOTOS = inputs.photos(6, 44)
WANTED = json.loads((Path(__file__).parent / "values.json").read_text("utf-8"))
DISTANCE = PairMeasure(
    "feature distance",
    lambda a, b: (a - b).flatten(1).norm(dim=1),
    0.0,
    "low",
    ABOUT["feature distance"],
)
MEASURES = {each.name: each.measure for each in (*measures(DISTANCE), STRUCTURE)}
"""As evaluations call them."""


def enlarged() -> np.ndarray:
    """The photos, shrunk to a quarter and enlarged by Pillow's bicubic filter."""
    size = Image.Resampling.BICUBIC
    return np.stack(
        [
            np.array(Image.fromarray(each).resize((11, 11), size).resize((44, 44), size))
            for each in PHOTOS
        ]
    )


def grainy() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 12, PHOTOS.shape)
    return np.clip(PHOTOS + noise, 0, 255).astype(np.uint8)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    """As the codec of images has them."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


OTHERS = {"enlarged": enlarged(), "grainy": grainy(), "dark": PHOTOS // 3}


def skimage_ssim(one: np.ndarray, other: np.ndarray) -> float:
    return metrics.structural_similarity(
        one,
        other,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )


@reference("ssim")
@pytest.mark.parametrize("name", OTHERS)
def test_ssim_is_that_of_scikit_image(name):
    wanted = [skimage_ssim(one, other) for one, other in zip(OTHERS[name], PHOTOS, strict=True)]
    agree("ssim", MEASURES["SSIM"](tensor(OTHERS[name]), tensor(PHOTOS)), wanted)
    gray = [
        skimage_ssim(one[..., :1], other[..., :1])
        for one, other in zip(OTHERS[name], PHOTOS, strict=True)
    ]
    found = MEASURES["SSIM"](tensor(OTHERS[name][..., :1]), tensor(PHOTOS[..., :1]))
    agree("ssim", found, gray)


@reference("ssim")
@pytest.mark.parametrize(("one", "other"), [(130, 125), (0, 5), (127, 128), (255, 0)])
def test_ssim_of_flat_grays_is_the_closed_form(one, other):
    flat = [torch.full((1, 3, 16, 16), level / 127.5 - 1) for level in (one, other)]
    steady = (0.01 * 255) ** 2
    wanted = (2 * one * other + steady) / (one**2 + other**2 + steady)
    agree("ssim", MEASURES["SSIM"](*flat), [wanted])


@reference("psnr")
@pytest.mark.parametrize("name", OTHERS)
def test_psnr_is_that_of_scikit_image(name):
    wanted = [
        metrics.peak_signal_noise_ratio(one, other, data_range=255)
        for one, other in zip(PHOTOS, OTHERS[name], strict=True)
    ]
    agree("psnr", MEASURES["PSNR"](tensor(OTHERS[name]), tensor(PHOTOS)), wanted)


@reference("psnr", "ssim", "edge-correlation", "high-frequency-error", "noisy")
def test_what_lies_beyond_the_range_is_cut_as_in_a_file():
    wild = tensor(PHOTOS) * 2.5
    pixels = ((wild.double() + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()
    assert float(wild.abs().max()) > 1.5
    photos = PHOTOS.astype(np.float64)
    wanted = [
        metrics.peak_signal_noise_ratio(one, other, data_range=255)
        for one, other in zip(photos, pixels, strict=True)
    ]
    agree("psnr", MEASURES["PSNR"](wild, tensor(PHOTOS)), wanted)
    wanted = [skimage_ssim(one, other) for one, other in zip(pixels, photos, strict=True)]
    agree("ssim", MEASURES["SSIM"](wild, tensor(PHOTOS)), wanted)
    for name in ("edge correlation", "high-frequency error"):
        cut = MEASURES[name](wild.clamp(-1, 1), tensor(PHOTOS))
        agree(name.replace(" ", "-"), MEASURES[name](wild, tensor(PHOTOS)), cut)
    heaps = [tensor(each) for each in (PHOTOS, PHOTOS, PHOTOS)]
    scores = [texture_scores(heaps[0], each, *heaps[1:])[1] for each in (wild, wild.clamp(-1, 1))]
    agree("noisy", scores[0].value, scores[1].value)


@reference("psnr")
def test_psnr_of_equal_pictures_is_that_of_rounding_to_8_bit():
    # The error of rounding is even over a step: its mean square is a twelfth of that of a step.
    agree(
        "psnr",
        MEASURES["PSNR"](tensor(PHOTOS), tensor(PHOTOS)),
        [20 * math.log10(255) + 10 * math.log10(12)] * len(PHOTOS),
    )


def luma(pixels: np.ndarray) -> np.ndarray:
    return color.rgb2ycbcr(pixels)[..., 0] if pixels.shape[-1] == 3 else pixels[..., 0] * 1.0


def fine_energy(pixels: np.ndarray) -> float:
    """Sum over all frequencies of an eighth of a cycle per pixel and more, one by one."""
    gray = luma(pixels)
    high, wide = gray.shape
    gray = (gray - gray.mean()) * np.hanning(high)[:, None] * np.hanning(wide)
    total = 0.0
    rows, columns = np.arange(high), np.arange(wide)
    for u in range(high):
        for v in range(wide):
            turns = min(u, high - u) / high, min(v, wide - v) / wide
            if math.hypot(*turns) >= 0.125:
                down = np.exp(-2j * cmath.pi * u * rows / high)
                right = np.exp(-2j * cmath.pi * v * columns / wide)
                total += abs(down @ gray @ right) ** 2
    return math.log10(max(total, 1e-3))


@reference("high-frequency-error")
@pytest.mark.parametrize("shape", [(slice(0, 24), slice(0, 31)), (slice(0, 21), slice(0, 20))])
@pytest.mark.parametrize("name", OTHERS)
def test_fine_detail_is_the_sum_over_all_frequencies(name, shape):
    one, other = OTHERS[name][0][shape], PHOTOS[0][shape]
    wanted = abs(fine_energy(one) - fine_energy(other))
    found = MEASURES["high-frequency error"](tensor(one[None]), tensor(other[None]))
    agree("high-frequency-error", found, [wanted])


@reference("high-frequency-error")
def test_fine_detail_of_a_picture_without_any_is_nothing_but_what_was_set():
    ramp = torch.full((1, 1, 64, 64), 0.3)
    assert image_quality.high_frequency_energy(ramp).item() == pytest.approx(-3)
    # Along and across count alike.
    lines = tensor(PHOTOS[:1, :30, :20])
    turned = image_quality.high_frequency_energy(lines.mT)
    agree("high-frequency-error", turned, image_quality.high_frequency_energy(lines))


@reference("edge-correlation")
@pytest.mark.parametrize("name", OTHERS)
def test_edges_are_those_of_scipy_and_their_correlation_that_of_numpy(name):
    def edges(pixels: np.ndarray) -> np.ndarray:
        both = [ndimage.sobel(luma(pixels), axis=axis, mode="nearest") for axis in (0, 1)]
        return np.hypot(*both).ravel()

    wanted = [
        np.corrcoef(edges(one), edges(other))[0, 1]
        for one, other in zip(OTHERS[name], PHOTOS, strict=True)
    ]
    agree(
        "edge-correlation",
        MEASURES["edge correlation"](tensor(OTHERS[name]), tensor(PHOTOS)),
        wanted,
    )


@reference("edge-correlation")
def test_flat_pictures_agree_with_each_other_and_with_no_other():
    flat, photo = torch.full((1, 3, 44, 44), 0.3), tensor(PHOTOS[:1])
    agree("edge-correlation", MEASURES["edge correlation"](flat, flat - 0.7), [1.0])
    agree("edge-correlation", MEASURES["edge correlation"](flat, photo), [0.0])


def ratio(picture: np.ndarray) -> float:
    """Mean square difference of neighbours, of rows and of columns, over the variance."""
    channels = np.moveaxis(picture.astype(np.float64), -1, 0)
    down = np.mean([(a - b) ** 2 for each in channels for a, b in pairwise(each)])
    right = np.mean([(a - b) ** 2 for each in channels for a, b in pairwise(each.T)])
    return (down + right) / 2 / np.mean([each.var() for each in channels])


@reference("oversmoothed", "noisy")
def test_shares_of_smooth_and_rough_pictures_are_those_counted():
    rng = np.random.default_rng(3)
    heaps = [
        np.clip(
            ndimage.gaussian_filter(rng.normal(128, 60, (n, 16, 16, 3)), (0, s, s, 0)), 0, 255
        ).astype(np.uint8)
        for n, s in ((60, 1.0), (50, 1.3), (50, 1.0), (50, 0.6))
    ]
    ratios = [[ratio(picture) for picture in heap] for heap in heaps]
    agree("oversmoothed", roughness(tensor(heaps[1])), ratios[1])
    low, high = np.quantile(ratios[0], [0.05, 0.95])
    smooth, rough = texture_scores(*map(tensor, heaps))
    told = [smooth.value, smooth.reference, smooth.baseline]
    agree("oversmoothed", told, [np.mean(np.array(each) < low) for each in ratios[1:]])
    told = [rough.value, rough.reference, rough.baseline]
    agree("noisy", told, [np.mean(np.array(each) > high) for each in ratios[1:]])


@reference("oversmoothed", "noisy")
def test_roughness_does_not_see_contrast_however_slight():
    photo = tensor(PHOTOS)
    for contrast in (1e-1, 1e-3, 1e-4):
        agree("noisy", roughness(photo * contrast), roughness(photo), 1e-3)  # 32 bit


@reference("fid")
def test_inception_and_its_distance_are_those_of_pytorch_fid(tmp_path):
    state = Inception().state_dict()
    names = sorted(state)
    made = {
        name: torch.from_numpy(inputs.weights(tuple(state[name].shape), number)).float()
        for number, name in enumerate(names)
        if name.endswith("conv.weight")
    }
    torch.save(state | made, tmp_path / "weights.pth")
    seen = InceptionFeatures(tmp_path / "weights.pth")(tensor(inputs.photos(12)))
    wanted = WANTED["pytorch-fid"]
    agree("fid", seen[:2, ::64].flatten(), wanted["features"])
    few = seen[:, ::512]
    agree("fid", [frechet_distance(few[:6], few[6:]) / wanted["fid"][0]], [1.0], 1e-3)  # 32 bit


@reference("ssim", "psnr", "edge-correlation", "high-frequency-error")
@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("SSIM", "ssim"),
        ("PSNR", "psnr"),
        ("edge correlation", "edge-correlation"),
        ("high-frequency error", "high-frequency-error"),
    ],
)
def test_sides_order_mirrors_and_batches_do_not_matter(name, page):
    one, other = tensor(OTHERS["grainy"]), tensor(PHOTOS)
    measure = MEASURES[name]
    value = measure(one, other)
    agree(page, measure(other, one), value)
    agree(page, measure(one.flip(0), other.flip(0)).flip(0), value)
    agree(page, measure(one.flip(3), other.flip(3)), value)
    agree(page, measure(one.mT, other.mT), value)
    alone = [measure(a[None], b[None]) for a, b in zip(one, other, strict=True)]
    agree(page, torch.cat(alone), value)
    many = measure(one.repeat(25, 1, 1, 1), other.repeat(25, 1, 1, 1))
    agree(page, many, value.repeat(25))
