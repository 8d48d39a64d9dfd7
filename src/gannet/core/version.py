"""Which gannet this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def gannet_version() -> str:
    """The installed release, or ``0`` where gannet runs from bare source."""
    try:
        return version("gannet-gan")
    except PackageNotFoundError:
        return "0"
