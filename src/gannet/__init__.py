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

    __version__: str

__all__ = ["GannetError", "Model", "__version__", "compare", "load", "prepare", "train"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``gannet --help`` need not wait for PyTorch."""
    import importlib

    if name == "GannetError":
        return importlib.import_module("gannet.core.errors").GannetError
    if name == "__version__":
        return importlib.import_module("gannet.core.plugins").gannet_version()
    if name not in __all__:
        raise AttributeError(f"module 'gannet' has no attribute {name!r}")
    # ``Model`` is imported by ``gannet.api.train`` too
    home = importlib.import_module(f"gannet.api.{'compare' if name == 'compare' else 'train'}")
    found = getattr(home, name)
    if isinstance(found, type):
        return found
    from gannet.core.errors import spoken_in_python

    globals()[name] = spoken = spoken_in_python(found)
    return spoken
