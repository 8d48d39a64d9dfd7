"""Recipes are found by name, ours and those of other packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from gannet.core import plugins
from gannet.core.errors import ConfigError
from gannet.core.recipe import Recipe
from gannet.recipes.registry import find_recipe, recipe_modules


def plugged(monkeypatch, *entries):
    found = [EntryPoint(name, value, "gannet.recipes") for name, value in entries]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found)


def test_our_recipes_are_files():
    assert recipe_modules()["generate"] == "gannet.recipes.generate"


@pytest.mark.parametrize("name", sorted(recipe_modules()))
def test_every_listed_recipe_can_be_had(name):
    assert isinstance(find_recipe(name), Recipe)


def test_a_misspelt_recipe_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="no recipe 'generat'\n  Did you mean generate"):
        find_recipe("generat")


def test_a_recipe_like_no_other_is_refused_with_all_names():
    with pytest.raises(ConfigError, match="generate"):
        find_recipe("xyzzy")


def test_recipes_of_other_packages_are_found(monkeypatch):
    plugged(monkeypatch, ("theirs", "gannet.recipes.generate"))
    assert find_recipe("theirs") is find_recipe("generate")


def test_two_recipes_of_one_name_are_refused(monkeypatch):
    plugged(monkeypatch, ("generate", "their.package"))
    with pytest.raises(
        ConfigError, match="'generate' is the name of more than one recipe"
    ) as caught:
        recipe_modules()
    assert "their.package" in str(caught.value)
