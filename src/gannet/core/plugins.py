"""Finding what extends gannet by name: modules of a package, and entry points of other packages."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any

from gannet.core.errors import ConfigError


def named(what: str, group: str, own: Mapping[str, str]) -> dict[str, str]:
    """Name -> module of every plug-in. Nothing is imported, so listing is quick.

    Args:
        what: What one is called, for errors.
        group: Of entry points that other packages may name theirs under.
        own: Name -> module of those that gannet brings.

    Raises:
        ConfigError: if an installed package claims a name that is taken.
    """
    found = dict(own)
    for plug in entry_points(group=group):
        if plug.name in found:
            raise ConfigError(
                f"two {what}s are called {plug.name!r}: {found[plug.name]} and {plug.value}",
                remedy="Rename one, or uninstall its package.",
            )
        found[plug.name] = plug.value
    return found


def modules_of(package: str) -> Iterable[tuple[str, bool]]:
    """Names of a package's modules, and whether each is a package itself."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        yield module.name, module.ispkg


def load(what: str, name: str, modules: Mapping[str, str], attribute: str) -> Any:
    """Import the one that is asked for.

    Raises:
        ConfigError: if there is none of that name; the closest names are in the message.
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
