"""Sequences: text with whole numbers from 0 <-> ``(B, T)`` floats that are such numbers."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel

from gannet.modalities.modality import Claim, Modality


class TokensCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "toy_tokens"
    tolerance: ClassVar[float] = 0.0
    length: int
    words: int

    @property
    def shape(self):
        return (self.length,)

    @classmethod
    def fit(cls, raws):
        held = list(raws)
        return cls(length=max(map(len, held)), words=int(max(raw.max() for raw in held)) + 1)

    def read(self, path):
        return np.loadtxt(path, np.int64, ndmin=1)

    def write(self, raw, path):
        np.savetxt(path, raw, fmt="%d")

    def encode(self, raws):
        rows = np.zeros((len(raws), self.length), np.float32)
        for row, raw in zip(rows, raws, strict=True):
            row[: len(raw)] = raw[: self.length]
        return torch.from_numpy(rows)

    def decode(self, samples):
        return list(samples.clamp(0, self.words - 1).round().long().cpu().numpy())

    def squash(self, output):
        return output.clamp(0, self.words - 1)


def claim(cells):
    return Claim(0.9, "whole numbers") if cells.dtype == "int64" and len(cells.shape) == 1 else None


modality = Modality(
    name="toy_tokens", noun=("sequence", "sequences"), axes=("time",), values="tokens",
    codec=TokensCodec, readers={".tok": TokensCodec(length=1, words=1).read}, claim=claim,
    default_recipe="toy_tokens_gan", item_suffix=".tok",
)  # fmt: skip
