"""Frozen features learnt from reals alone, in a second and without labels or gradients.

The parts of some reals (patches of an image, or a whole row of numbers) are whitened, and a
sample of them is the dictionary; a sample is described by how like each entry its parts are. A
make of its own beside random and trained networks, so that what one cannot see, another may.

Source: Coates, Lee and Ng 2011, An Analysis of Single-Layer Networks in Unsupervised Feature
    Learning, AISTATS (whitening, triangle, pooling); Coates and Ng 2011, The Importance of Encoding
    Versus Training, ICML (a sample of the parts is as good a dictionary, soft threshold).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize, unfold

from gannet.networks.features import (
    LARGEST_PX,
    Projection,
    Standardizer,
    check_enough,
    fingerprint,
    in_chunks,
    projection,
    shrink,
)

ENTRIES = 96
"""Entries of a dictionary."""

PATCH = 5
"""Side of a patch in pixels."""

PATCHES = 20_000
"""Patches that the whitening is fitted to."""

IMAGES = 500
"""Images that these are taken from."""

THRESHOLD = 0.5
"""Likeness below which a patch does not count."""

FLAT = 0.01
"""Variance that is added to that of a patch, so that a flat one is not blown up to noise."""

SHRINKAGE = 0.01
"""Variance that is added to each direction before it is whitened, in units of the mean one."""


class DictionaryFeatures:
    """Nearness to some reals, in whitened numbers; for rows of numbers."""

    name = "dictionary"

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        """Fit the whitening and choose the entries.

        Args:
            reference: ``(N, *shape)`` reals, at least two, better hundreds.
            seed: Of the choice.
        """
        check_enough(reference)
        rng = torch.Generator().manual_seed(seed)
        flat = reference.flatten(1).float()
        self._scale = Standardizer(flat)
        self._turn = projection(flat.shape[1], rng)  # of a thousand numbers, 256 mixtures
        rows = self._scale(flat) @ self._turn
        self._whitening = _whitening(rows)
        chosen = torch.randperm(len(rows), generator=rng)[:ENTRIES]
        self._entries = rows[chosen] @ self._whitening
        self._end = Projection(in_chunks(self._near, reference, 4096), rng)
        self.width = self._end.width
        self.hash = fingerprint([torch.tensor(seed), reference])

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, width)``; the std of each feature over reals is about one."""
        return in_chunks(lambda part: self._end(self._near(part)), samples, 4096)

    def _near(self, rows: Tensor) -> Tensor:
        white = self._scale(rows.flatten(1).float()) @ self._turn @ self._whitening
        away = torch.cdist(white, self._entries, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.cat([white, (away.mean(1, keepdim=True) - away).relu(), away.log1p()], 1)


class PatchDictionaryFeatures:
    """How like a dictionary of whitened patches an image is, in each of its quarters."""

    name = "dictionary"

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        """Fit the whitening and choose the entries.

        Args:
            reference: ``(N, C, H, W)`` reals, at least two, better hundreds.
            seed: Of the choice.
        """
        check_enough(reference)
        rng = torch.Generator().manual_seed(seed)
        small = shrink(reference[:IMAGES].float(), LARGEST_PX)
        self._side = (min(PATCH, small.shape[2]), min(PATCH, small.shape[3]))
        patches = self._patches(small).flatten(0, 1)
        patches = patches[torch.randperm(len(patches), generator=rng)[:PATCHES]]
        self._mean = patches.mean(0)
        self._whitening = _whitening(patches - self._mean)
        white = (patches - self._mean) @ self._whitening
        lengths = white.norm(dim=1)
        entries = normalize(white[lengths >= lengths.median()][:ENTRIES])
        self._filters = self._whitening @ entries.T
        self._end = Projection(in_chunks(self._alike, reference, 64), rng)
        self.width = self._end.width
        self.hash = fingerprint([torch.tensor(seed), reference])

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, width)``; the std of each over reals is about one."""
        return in_chunks(lambda part: self._end(self._alike(part)), samples, 64)

    def _patches(self, images: Tensor) -> Tensor:
        """``(B, P, C * side * side)``, each without its mean and of variance about one."""
        patches = unfold(images, self._side).transpose(1, 2)
        patches = patches - patches.mean(2, keepdim=True)
        return patches / (patches.square().mean(2, keepdim=True) + FLAT).sqrt()

    def _alike(self, images: Tensor) -> Tensor:
        small = shrink(images.float(), LARGEST_PX)
        likeness = (self._patches(small) - self._mean) @ self._filters
        down, across = (
            length - side + 1 for length, side in zip(small.shape[2:], self._side, strict=True)
        )
        both = torch.cat([likeness - THRESHOLD, -likeness - THRESHOLD], 2).relu()
        maps = both.transpose(1, 2).reshape(len(small), both.shape[2], down, across)
        return adaptive_avg_pool2d(maps, 2).flatten(1)


def _whitening(centered: Tensor) -> Tensor:
    """A symmetric matrix ``(F, F)`` that makes rows ``(N, F)`` of mean 0 uncorrelated."""
    rows = centered.double()
    variances, directions = torch.linalg.eigh(rows.T @ rows / max(len(rows), 1))
    shrunk = variances.clamp(min=0) + SHRINKAGE * variances.mean().clamp(min=1e-8)
    return ((directions * shrunk.rsqrt()) @ directions.T).float()
