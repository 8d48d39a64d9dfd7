"""Sounds: mono WAV of 16 bit <-> ``(B, 1, T)`` floats in [-1, 1]."""

import wave
from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel

from gannet.modalities.modality import Claim, Modality


class SoundCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "toy_sound"
    tolerance: ClassVar[float] = 1.0
    length: int

    @property
    def shape(self):
        return (1, self.length)

    @classmethod
    def fit(cls, raws):
        return cls(length=min(map(len, raws)))

    def read(self, path):
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")

    def write(self, raw, path):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8_000, len(raw), "NONE", ""))
            file.writeframes(raw.astype("<i2").tobytes())

    def encode(self, raws):
        fitted = [np.resize(raw[: self.length], self.length) for raw in raws]
        return torch.from_numpy(np.array(fitted, np.float32).reshape(-1, *self.shape) / 32_767)

    def decode(self, samples):
        return list(
            (samples[:, 0].detach().clamp(-1, 1) * 32_767).round().cpu().numpy().astype(np.int16)
        )

    def squash(self, output):
        return output.tanh()


def claim(cells):
    return Claim(0.9, "numbers of 16 bit") if cells.dtype == "int16" else None


modality = Modality(
    name="toy_sound", noun=("sound", "sounds"), axes=("channel", "time"), values="signed",
    codec=SoundCodec, readers={".wav": SoundCodec(length=1).read}, claim=claim,
    default_recipe="toy_sound_gan", item_suffix=".wav",
)  # fmt: skip
