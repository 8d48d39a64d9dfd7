"""super_resolve against bicubic on Set5 and Set14, times four, after ten minutes of training.

    make bench NAME=super_resolution DATA=FOLDER

FOLDER holds ``photos/BSD100`` (trained on), ``photos/Set5`` and ``photos/Set14`` (scored). PSNR is
of luminance, without a rim of four pixels; small pictures are shrunk by Pillow's bicubic filter.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import gannet
from gannet.core.types import Condition
from gannet.metrics import image_quality
from gannet.modalities.image.tiling import in_tiles, planes
from gannet.networks.features import EfficientNetFeatures

SCALE, MINUTES = 4, 10.0
ASK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
Picture = NDArray[np.uint8]


def run(data: Path, *, minutes: float = MINUTES, seed: int = 0, keep: str = "") -> dict[str, Any]:
    """Train, or take up the run that is in the folder ``keep``, and score it."""
    with tempfile.TemporaryDirectory() as held:
        return _measured(data, Path(keep or held) / "run", minutes, seed)


def _measured(data: Path, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    gannet.train(
        data / "photos" / "BSD100", folder, recipe="super_resolve", minutes=minutes, seed=seed
    )
    model = gannet.load(folder)
    found: dict[str, Any] = {"minutes": minutes, "seed": seed, "steps": model.card.steps}
    for name in ("Set5", "Set14"):
        found[name.lower()] = scored(model, data / "photos" / name)
    found["vivid_ahead"] = all(_vivid_ahead(found[name]) for name in ("set5", "set14"))
    return found | speed(model)


def scored(model: Any, folder: Path) -> dict[str, dict[str, float]]:
    """Means over a folder of pictures, by method."""
    ways: dict[str, Callable[[Picture], Picture]] = {
        "bicubic": bicubic,
        "faithful": lambda low: model.apply(low, interpolation=0.0),
        "half": lambda low: model.apply(low, interpolation=0.5),
        "vivid": lambda low: model.apply(low, interpolation=1.0),
    }
    feature_extractor = EfficientNetFeatures()
    sums: dict[str, list[list[float]]] = {name: [] for name in ways}
    for file in sorted(folder.iterdir()):
        sharp = np.asarray(Image.open(file).convert("RGB"))
        high, wide = (side // SCALE * SCALE for side in sharp.shape[:2])
        sharp = sharp[:high, :wide]
        low = np.asarray(
            Image.fromarray(sharp).resize((wide // SCALE, high // SCALE), Image.Resampling.BICUBIC)
        )
        target = tensor(sharp)
        there = feature_extractor(target)
        for name, way in ways.items():
            made = tensor(way(low))
            rim = slice(SCALE, -SCALE)
            bright: list[Tensor] = [
                image_quality.luminance(each)[:, :, rim, rim] / 127.5 - 1 for each in (made, target)
            ]
            sums[name].append(
                [
                    float(image_quality.psnr(*bright)),
                    float(image_quality.ssim(*bright)),
                    float(torch.dist(feature_extractor(made), there)),
                    float(image_quality.high_frequency_error(made, target)),
                ]
            )
    names = ("psnr", "ssim", "features", "fine_detail")
    return {
        way: dict(
            zip(
                names,
                (round(sum(each) / len(rows), 4) for each in zip(*rows, strict=True)),
                strict=True,
            )
        )
        for way, rows in sums.items()
    }


def _vivid_ahead(found: dict[str, dict[str, float]]) -> bool:
    vivid = found["vivid"]
    nearer = all(
        vivid[score] < found[other][score]
        for score in ("features", "fine_detail")
        for other in ("bicubic", "faithful")
    )
    return nearer and vivid["psnr"] > found["bicubic"]["psnr"]


def speed(model: Any) -> dict[str, float]:
    """Seconds for 512x512 pixels in, and whether tiles leave seams."""
    some = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    seconds: dict[float, float] = {}
    with torch.no_grad():
        for quality in (0.0, 1.0):
            taken: list[float] = []
            for _ in range(3):
                began = time.perf_counter()
                model.apply(some, interpolation=quality)
                taken.append(time.perf_counter() - began)
            seconds[quality] = round(min(taken), 2)
    upscaler, low = (
        model.artifact.model,
        planes(some[:200, :150].astype(np.float32) / np.float32(255), 3),
    )

    def enlarge(part: Tensor) -> Tensor:
        told = Condition(part[:, 0, 0, :0], part, part[:, 0, :0, :0])
        return upscaler(torch.zeros(1, model.artifact.config.latent_dim), told, 1.0)

    whole, tiled = (
        in_tiles(enlarge, low, upscaler.receptive_radius, scale=SCALE, tile=side)[0]
        for side in (512, 48)
    )
    return {
        "seconds_512_faithful": seconds[0.0],
        "seconds_512": seconds[1.0],
        "seam": float((whole - tiled).abs().max()),
        "rss_gib": _memory(model.folder, 512, 512),
        "rss_gib_24_megapixels": _memory(model.folder, 1500, 1000),
    }


def _memory(run: Path, wide: int, high: int) -> float:
    """Most GiB of a process that enlarges one picture of so many pixels."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = np.random.default_rng(0).integers(0, 256, (high, wide, 3), np.uint8)
        Image.fromarray(noise).save(folder / "low.png")
        words = [sys.executable, "-m", "gannet", "apply", str(run), str(folder / "low.png")]
        words += ["--out", str(folder / "high.png")]
        # A process counts the peak of the one that started it as its own, so a small one does.
        done = subprocess.run(
            [sys.executable, "-c", ASK, *words], capture_output=True, text=True, check=True
        )
    return round(int(done.stdout.split()[-1]) / 2**20, 2)


def bicubic(low: Picture) -> Picture:
    """Pillow's enlargement."""
    size = (low.shape[1] * SCALE, low.shape[0] * SCALE)
    return np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))


def tensor(picture: Picture) -> Tensor:
    """``(1, 3, H, W)`` in [-1, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
