"""Finding recipes by name: files of ``gannet.recipes`` and entry points of other packages."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from gannet.core.errors import ConfigError
from gannet.core.recipe import Recipe

PACKAGES = {"gannet.recipes": "", "gannet.recipes.baselines": "baseline_"}
"""Packages whose modules are recipes, and what their names begin with."""


def recipe_modules() -> dict[str, str]:
    """Name -> module of every recipe. Nothing is imported, so listing is quick.

    Raises:
        ConfigError: if an installed package claims a name that is taken.
    """
    found = {
        f"{prefix}{module.name}": f"{package}.{module.name}"
        for package, prefix in PACKAGES.items()
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if not module.ispkg and f"{package}.{module.name}" != __name__
    }
    for plug in entry_points(group="gannet.recipes"):
        if plug.name in found:
            raise ConfigError(
                f"two recipes are called {plug.name!r}: {found[plug.name]} and {plug.value}",
                remedy="Rename one, or uninstall its package.",
            )
        found[plug.name] = plug.value
    return found


def find_recipe(name: str) -> Recipe[Any]:
    """Import the one recipe asked for.

    Raises:
        ConfigError: if there is none of that name; the closest names are in the message.
    """
    modules = recipe_modules()
    if name not in modules:
        near = difflib.get_close_matches(name, modules) or sorted(modules)
        raise ConfigError(f"no recipe {name!r}", remedy=f"Did you mean {', '.join(near)}?")
    recipe = importlib.import_module(modules[name]).recipe
    assert isinstance(recipe, Recipe), f"{modules[name]} must end in `recipe = Recipe(...)`"
    return recipe
