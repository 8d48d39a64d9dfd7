"""Finding recipes by name: files of ``gannet.recipes`` and entry points of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gannet.core import plugins

if TYPE_CHECKING:  # it imports PyTorch, which a list of names need not wait for
    from gannet.core.recipe import Recipe

PACKAGES = {"gannet.recipes": "", "gannet.recipes.baselines": "baseline_"}
"""Packages whose modules are recipes -> prefix of the recipes' names."""


def recipe_modules() -> dict[str, str]:
    """Name -> module of every recipe. Nothing is imported, so listing is quick.

    Raises:
        ConfigError: if an installed package claims a name that is taken.
    """
    own = {
        f"{prefix}{name}": f"{package}.{name}"
        for package, prefix in PACKAGES.items()
        for name, is_package in plugins.modules_of(package)
        if not is_package and f"{package}.{name}" != __name__
    }
    return plugins.named("recipe", "gannet.recipes", own)


def find_recipe(name: str) -> Recipe[Any]:
    """Import the one recipe asked for.

    Raises:
        ConfigError: if there is none of that name; the closest names are in the message.
    """
    modules = recipe_modules()
    recipe: Recipe[Any] = plugins.load("recipe", name, modules, "recipe")
    kind = type(recipe).__name__
    assert kind == "Recipe", f"{modules[name]} must end in `recipe = Recipe(...)`"
    return recipe
