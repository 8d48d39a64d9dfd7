"""Time series: a CSV file each, as tables are <-> ``(B, T)``."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel

from gannet.modalities.modality import Modality


def read(path):
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=1)


class SeriesCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "odd_series"
    tolerance: ClassVar[float] = 1e-3
    length: int

    @property
    def shape(self):
        return (self.length,)

    @classmethod
    def fit(cls, raws):
        return cls(length=min(map(len, raws)))

    def read(self, path):
        return read(path)

    def write(self, raw, path):
        np.savetxt(path, raw, delimiter=",", header="value", comments="")

    def encode(self, raws):
        rows = np.array([np.asarray(raw, np.float32)[: self.length] for raw in raws], np.float32)
        return torch.from_numpy(rows.reshape(-1, self.length))

    def decode(self, samples):
        return list(samples.numpy())

    def squash(self, output):
        return output


modality = Modality(
    name="odd_series",
    noun=("series", "series"),
    axes=("time",),
    values="standardized",
    codec=SeriesCodec,
    readers={".csv": read},
    item_suffix=".csv",
)
