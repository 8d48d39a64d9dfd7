"""Cubes: an ``.npz`` file each, as arrays of many are <-> ``(B, S, S, S)``, signed."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel

from gannet.modalities.modality import Claim, Modality


def read(path):
    with np.load(path) as held:
        return held["cube"]


class CubeCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "odd_cube"
    tolerance: ClassVar[float] = 1e-6
    side: int

    @property
    def shape(self):
        return (self.side,) * 3

    @classmethod
    def fit(cls, raws):
        return cls(side=len(next(iter(raws))))

    def read(self, path):
        return read(path)

    def write(self, raw, path):
        np.savez(path, cube=raw)

    def encode(self, raws):
        rows = np.array([np.asarray(raw, np.float32) for raw in raws], np.float32)
        return torch.from_numpy(rows.reshape(-1, *self.shape))

    def decode(self, samples):
        return list(samples.numpy())

    def squash(self, output):
        return output.tanh()


def claim(cells):
    cube = cells.form == "arrays" and len(cells.shape) == 3 and len({*cells.shape}) == 1
    return Claim(0.5, "sides of one length") if cube else None


modality = Modality(
    name="odd_cube",
    noun=("cube of numbers", "cubes of numbers"),
    axes=("depth", "height", "width"),
    values="signed",
    codec=CubeCodec,
    readers={".npz": read},
    item_suffix=".npz",
    claim=claim,
)
