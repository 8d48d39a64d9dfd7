"""Finding recipes by name: files of ``gannet.recipes`` and entry points of other packages."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
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


def recipe_sentences() -> dict[str, str]:
    """Name -> first line of the documentation of every recipe. Nothing is imported."""
    modules = recipe_modules()
    return {name: _sentence(modules[name]) for name in sorted(modules)}


def is_baseline(name: str, sentence: str) -> bool:
    """Whether a recipe is there to be compared with, by its name and its sentence."""
    return name.startswith("baseline_") or "a baseline" in sentence


def _sentence(module: str) -> str:
    """The first line of a module's documentation; empty if it cannot be read."""
    found = find_spec(module)
    if found is None or found.origin is None:
        return ""
    try:
        tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    return (ast.get_docstring(tree) or "").partition("\n")[0]
