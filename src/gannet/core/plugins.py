"""Plug-ins by name: modules of a package, and entry points of other packages."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

from gannet.core.errors import ConfigError


def named(what: str, group: str, own: Mapping[str, str]) -> dict[str, str]:
    """Name -> module of every plug-in. Nothing is imported, so listing is quick.

    Args:
        what: What a plug-in is called in error messages.
        group: Of the entry points of other packages.
        own: Name -> module of gannet's own.

    Raises:
        ConfigError: if an installed package claims a name that is taken.
    """
    modules = dict(own)
    for plug in _entry_points(entry_points, group, tuple(sys.path)):
        if plug.name in modules:
            raise ConfigError(
                f"{plug.name!r} is the name of more than one {what}: {modules[plug.name]} and "
                f"{plug.value}",
                remedy="Rename one, or uninstall its package.",
            )
        modules[plug.name] = plug.value
    return modules


@cache
def _entry_points(
    read: Callable[..., Iterable[EntryPoint]], group: str, _path: tuple[str, ...]
) -> tuple[EntryPoint, ...]:
    """Entry points of installed packages, read once for each search path: it takes a while."""
    return tuple(read(group=group))


def modules_of(package: str) -> Iterable[tuple[str, bool]]:
    """Names of a package's modules, and whether each is a package itself."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        yield module.name, module.ispkg


def load(what: str, name: str, modules: Mapping[str, str], attribute: str) -> Any:
    """Import the plug-in of that name and return its attribute.

    Raises:
        ConfigError: if there is none; the closest names are in the message.
    """
    if name not in modules:
        near = difflib.get_close_matches(name, modules) or sorted(modules)
        raise ConfigError(f"no {what} {name!r}", remedy=f"Did you mean {', '.join(near)}?")
    return getattr(importlib.import_module(modules[name]), attribute)


def gannet_version() -> str:
    """The installed release, or ``0`` where gannet runs from bare source."""
    try:
        return version("gannet-gan")
    except PackageNotFoundError:
        return "0"
