"""Inverted images as files, so that editing continues without another search."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from gannet.core.errors import DataError
from gannet.core.io.files import write_whole
from gannet.core.io.regular import read_bytes
from gannet.inference.editing.inversion import InvertedImage
from gannet.inference.editing.latent_generator import LatentGenerator

SUFFIX = ".safetensors"

LARGEST = 4 * 2**30
"""Largest file of latents, in bytes."""


def save_latents(image: InvertedImage, path: Path, run: str) -> None:
    """Save noise, vector and network.

    Args:
        image: The inverted image.
        path: The file.
        run: Checksum of the run's weights, which the noise belongs to.

    Raises:
        GannetError: if the file cannot be written.
    """
    tensors = {
        "noise": image.noise,
        "vector": image.vector,
        "decibels": torch.tensor([image.psnr, image.psnr_untuned]),
        "run": torch.tensor(list(run.encode()), dtype=torch.uint8),
    }
    state = image.generator.network.state_dict()
    tensors |= {f"network.{name}": value for name, value in state.items()}
    packed = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, save_tensors(packed, {"format": "pt"}))


def load_latents(path: Path, generator: LatentGenerator, run: str) -> InvertedImage:
    """Load what ``save_latents`` wrote.

    Raises:
        DataError: if the file is damaged, of another kind, or of another run.
    """
    try:
        tensors = load_tensors(read_bytes(path, LARGEST))
        noise, vector, decibels = (tensors[name] for name in ("noise", "vector", "decibels"))
        of = bytes(tensors["run"].numpy()).decode()
    except FileNotFoundError:
        raise DataError("does not exist", where=str(path), remedy="Check the path.") from None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            f"not latents that `gannet edit` saved ({error})",
            where=str(path),
            remedy="Give an image, or a file written by --save-latents.",
        ) from None
    if of != run:
        raise DataError(
            "was found with another run, or before this run was trained on",
            where=str(path),
            remedy="Give the run that it was found with, or invert the image again.",
        )
    own = generator.copy()
    prefix = "network."
    state = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
    own.network.load_state_dict(state)
    return InvertedImage(own, noise, vector, float(decibels[0]), float(decibels[1]))
