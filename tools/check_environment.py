"""Refuse packages that do not work beside our torch, and break others by being there.

``make check`` runs this. Of torch's sister packages no build imports beside the pinned torch; yet
other packages look whether they are there, import them, and fail.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

REFUSED = ("torchvision", "torchaudio", "torchcodec")


def named(names: Iterable[str]) -> list[str]:
    """Those of some package names that are refused, in any spelling.

    >>> named(["torch", "Torch_Vision", "torchvision"])
    ['torchvision']
    """
    return sorted({each.lower() for each in names} & set(REFUSED))


def pinned(constraints: str) -> list[str]:
    """Those that a file of constraints names."""
    return named(re.findall(r"^\s*([A-Za-z0-9._-]+?)\s*(?:[=<>!~\[;@ ]|$)", constraints, re.M))


def main() -> int:
    """Name what is refused; 1 if there is any."""
    here = named(each.metadata["Name"] or "" for each in distributions())
    listed = pinned(Path("constraints.txt").read_text(encoding="utf-8"))
    for name in here:
        print(f"{name} is installed: it does not import beside this torch; pip uninstall {name}")
    for name in listed:
        print(f"constraints.txt names {name}: find what asks for it, and leave that out")
    return int(bool(here or listed))


if __name__ == "__main__":
    sys.exit(main())
