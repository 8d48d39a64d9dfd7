"""Joint normal distribution, fitted to rows with missing values; conditional means and samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gannet.core.types import FloatArray

ROUNDS = 12
"""Iterations of expectation-maximization (EM)."""
CELLS = 4_000_000
"""Numbers in the linear systems that are solved at once."""


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
        """Fit by expectation-maximization (EM).

        Args:
            rows: ``(N, D)`` standardised, NaN where missing.
            ridge: Shrinkage, as a number of pseudo-rows with independent columns.
            rounds: Iterations.

        Source: Little and Rubin 2002, Statistical Analysis with Missing Data, section 11.2.
        Differs: the covariance is shrunk towards its diagonal.
        """
        count, width = rows.shape
        mean = np.zeros(width)
        covariance = np.eye(width)
        for _ in range(rounds):
            filled, extra = cls(mean, covariance)._filled(rows)
            mean = filled.mean(0)
            deviations = filled - mean
            scatter = deviations.T @ deviations + extra
            covariance = (scatter + ridge * np.diag(np.diag(scatter) / count + 1e-9)) / (
                count + ridge
            )
        return cls(mean, covariance)

    def fill(self, rows: FloatArray) -> FloatArray:
        """Rows ``(N, D)`` with the conditional mean in place of NaN."""
        return self._filled(rows)[0]

    def conditional(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Conditional mean, and covariance ``(N, D, D)`` of NaN entries, zero elsewhere; few rows.

        Args:
            rows: ``(N, D)``.
        """
        return self._conditional(rows)

    def leave_one_out(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Leave-one-out expectation of each cell, as if it were missing too; few rows.

        Args:
            rows: ``(N, D)``, NaN where missing.

        Returns:
            The filled rows ``(N, D)``; the expectation of each observed cell given the other
            observed ones, ``(N, D)``; and the gain ``(N, D, D)`` of filled cell i in observed cell
            j. With cell j masked as well, cell i is its filled value plus the gain times the
            expectation of j minus its value.

        Source of the expectation: Rasmussen and Williams 2006, eq. 5.12 (leaving one out).
        """
        observed, deviations, system = self._equations(rows)
        inverse = np.linalg.inv(system)
        solved = (inverse @ deviations[:, :, None])[:, :, 0]
        left_out = rows - solved / inverse.diagonal(0, 1, 2)
        gain = (self.covariance * (1 - observed)[:, :, None] * observed[:, None, :]) @ inverse
        mean = self.mean + (gain @ deviations[:, :, None])[:, :, 0]
        return np.where(np.isnan(rows), mean, rows), left_out, gain

    def parts(self, count: int) -> list[slice]:
        """Slices of rows whose linear systems fit into memory."""
        size = max(CELLS // len(self.mean) ** 2, 16)
        return [slice(at, at + size) for at in range(0, count, size)]

    def _filled(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Filled rows, and the covariance of filled entries, summed over rows ``(D, D)``."""
        filled, extra = rows.copy(), np.zeros_like(self.covariance)
        incomplete = np.flatnonzero(np.isnan(rows).any(1))
        for part in self.parts(len(incomplete)):
            filled[incomplete[part]], covariance = self._conditional(rows[incomplete[part]])
            extra += covariance.sum(0)
        return filled, extra

    def _conditional(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean ``(N, D)`` and covariance ``(N, D, D)`` of each row given its observed entries."""
        observed, deviations, system = self._equations(rows)
        cross = self.covariance * (1 - observed)[:, :, None] * observed[:, None, :]
        gain = np.linalg.solve(system, cross.transpose(0, 2, 1)).transpose(0, 2, 1)
        mean = self.mean + (gain @ deviations[:, :, None])[:, :, 0]
        missing_pairs = (1 - observed)[:, :, None] * (1 - observed)[:, None, :]
        covariance = self.covariance * missing_pairs - gain @ cross.transpose(0, 2, 1)
        return np.where(np.isnan(rows), mean, rows), covariance

    def _equations(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mask of observed cells, their deviations from the mean, and their covariance."""
        missing = np.isnan(rows)
        observed = (~missing).astype(np.float64)
        observed_pairs = observed[:, :, None] * observed[:, None, :]
        # Ones on the diagonal of missing cells give all rows systems of the same size.
        system = (
            self.covariance * observed_pairs + np.eye(len(self.mean)) * (1 - observed)[:, :, None]
        )
        return observed, np.where(missing, 0.0, rows - self.mean), system
