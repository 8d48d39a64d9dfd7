"""Conditional means and draws under one joint normal distribution, fitted to rows with holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gannet.core.types import FloatArray

ROUNDS = 12
"""Of expectation and maximisation."""
CELLS = 4_000_000
"""Numbers in the equations that are solved at once."""


@dataclass(frozen=True, slots=True)
class JointNormal:
    """A normal distribution of rows.

    Attributes:
        mean: ``(D,)``.
        covariance: ``(D, D)``.
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def fit(cls, rows: FloatArray, *, ridge: float, rounds: int = ROUNDS) -> JointNormal:
        """Fit by expectation and maximisation; what is missing counts with its uncertainty.

        Args:
            rows: ``(N, D)`` standardised, NaN where missing.
            ridge: Rows' worth of independence that is added, so that few rows do.
            rounds: How often.

        Source: Little and Rubin 2002, Statistical Analysis with Missing Data, section 11.2.
        Differs: the covariance is shrunk towards its diagonal.
        """
        count, width = rows.shape
        mean = np.zeros(width)
        covariance = np.eye(width)
        for _ in range(rounds):
            made, extra = cls(mean, covariance)._filled(rows)
            mean = made.mean(0)
            away = made - mean
            scatter = away.T @ away + extra
            covariance = (scatter + ridge * np.diag(np.diag(scatter) / count + 1e-9)) / (
                count + ridge
            )
        return cls(mean, covariance)

    def fill(self, rows: FloatArray) -> FloatArray:
        """Rows ``(N, D)`` with the conditional mean in place of NaN."""
        return self._filled(rows)[0]

    def told(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Conditional mean, and covariance ``(N, D, D)`` of what is NaN, zero elsewhere; few rows.

        Args:
            rows: ``(N, D)``.
        """
        return self._conditional(rows)

    def blind(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What is expected of each cell if it, too, were missing; few rows.

        Args:
            rows: ``(N, D)``, NaN where missing.

        Returns:
            The filled rows ``(N, D)``; what each known cell is expected to be given the other
            known ones, ``(N, D)``; and ``(N, D, D)`` by how much filled cell i rises with known
            cell j. With cell j hidden as well, i is the filled one and that times what is expected
            of j minus what j is: the mean of a mean.

        Source of the expectation: Rasmussen and Williams 2006, eq. 5.12 (leaving one out).
        """
        known, away, system = self._equations(rows)
        inverse = np.linalg.inv(system)
        solved = (inverse @ away[:, :, None])[:, :, 0]
        alone = rows - solved / inverse.diagonal(0, 1, 2)
        gain = (self.covariance * (1 - known)[:, :, None] * known[:, None, :]) @ inverse
        mean = self.mean + (gain @ away[:, :, None])[:, :, 0]
        return np.where(np.isnan(rows), mean, rows), alone, gain

    def parts(self, count: int) -> list[slice]:
        """Rows in parts whose equations memory has room for."""
        size = max(CELLS // len(self.mean) ** 2, 16)
        return [slice(at, at + size) for at in range(0, count, size)]

    def _filled(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Filled rows, and the covariance of what was filled, summed over rows ``(D, D)``."""
        made, extra = rows.copy(), np.zeros_like(self.covariance)
        holed = np.flatnonzero(np.isnan(rows).any(1))
        for part in self.parts(len(holed)):
            made[holed[part]], left = self._conditional(rows[holed[part]])
            extra += left.sum(0)
        return made, extra

    def _conditional(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean ``(N, D)`` and covariance ``(N, D, D)`` of each row given what is known of it."""
        known, away, system = self._equations(rows)
        cross = self.covariance * (1 - known)[:, :, None] * known[:, None, :]
        gain = np.linalg.solve(system, cross.transpose(0, 2, 1)).transpose(0, 2, 1)
        mean = self.mean + (gain @ away[:, :, None])[:, :, 0]
        hidden = (1 - known)[:, :, None] * (1 - known)[:, None, :]
        left = self.covariance * hidden - gain @ cross.transpose(0, 2, 1)
        return np.where(np.isnan(rows), mean, rows), left

    def _equations(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Which cells are known, how far they are from the mean, and the covariance of those."""
        gone = np.isnan(rows)
        known = (~gone).astype(np.float64)
        both = known[:, :, None] * known[:, None, :]
        # With ones on the diagonal where nothing is known, all rows have equations of one size.
        system = self.covariance * both + np.eye(len(self.mean)) * (1 - known)[:, :, None]
        return known, np.where(gone, 0.0, rows - self.mean), system
