"""gannet: generative adversarial networks that do not collapse, with numbers to believe.

>>> import gannet
>>> callable(gannet.load)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gannet.api.compare import compare
    from gannet.api.model import Model
    from gannet.api.train import load, prepare, train
    from gannet.core.errors import GannetError

__all__ = ["GannetError", "Model", "compare", "load", "prepare", "train"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``gannet --help`` need not wait for PyTorch."""
    import importlib

    if name == "GannetError":
        return importlib.import_module("gannet.core.errors").GannetError
    if name == "compare":
        return importlib.import_module("gannet.api.compare").compare
    if name in __all__:  # ``Model`` is imported by ``gannet.api.train`` too
        return getattr(importlib.import_module("gannet.api.train"), name)
    raise AttributeError(f"module 'gannet' has no attribute {name!r}")
