"""Sets of points: text with three numbers a line <-> ``(B, N, 3)`` floats of deviation 1."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel

from gannet.modalities.modality import Claim, Modality


class PointsCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "toy_points"
    tolerance: ClassVar[float] = 1e-4
    count: int
    deviation: float

    @property
    def shape(self):
        return (self.count, 3)

    @classmethod
    def fit(cls, raws):
        held = list(raws)
        return cls(count=min(map(len, held)), deviation=float(np.concatenate(held).std()))

    def read(self, path):
        return np.loadtxt(path, ndmin=2)

    def write(self, raw, path):
        np.savetxt(path, raw)

    def encode(self, raws):
        fitted = [np.resize(raw[: self.count], self.shape) for raw in raws]
        rows = np.array(fitted, np.float32).reshape(-1, *self.shape)
        return torch.from_numpy(rows / np.float32(self.deviation))

    def decode(self, samples):
        return list(samples.detach().double().cpu().numpy() * self.deviation)

    def squash(self, output):
        return output


def claim(cells):
    points = cells.form == "arrays" and cells.dtype == "float64" and cells.shape[1:] == (3,)
    return Claim(0.9, "three numbers a point") if points else None


modality = Modality(
    name="toy_points", noun=("set of points", "sets of points"), axes=("point", "space"),
    values="standardized", codec=PointsCodec, claim=claim, default_recipe="toy_points_gan",
    readers={".xyz": PointsCodec(count=1, deviation=1).read}, item_suffix=".xyz",
)  # fmt: skip
