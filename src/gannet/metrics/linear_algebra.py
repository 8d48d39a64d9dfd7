"""Linear equations, with the types that PyTorch's stubs lack."""

from __future__ import annotations

import torch
from torch import Tensor


def solve(matrix: Tensor, right: Tensor) -> Tensor:
    """The ``x`` of ``matrix @ x == right``, for one system or a batch of them."""
    solution: Tensor = torch.linalg.solve(matrix, right)
    return solution
