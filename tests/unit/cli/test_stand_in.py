"""Lists of recipes and settings do not wait for PyTorch, and leave nothing odd behind."""

from __future__ import annotations

import subprocess
import sys

from gannet.cli.stand_in import settings_of
from gannet.recipes.registry import find_recipe, recipe_modules

RECIPES = sorted(recipe_modules())

RUN = """
import sys
from gannet.cli.main import main
for words in {words!r}:
    assert main(words) == 0
    assert not [name for name in sys.modules if name.partition(".")[0] == "torch"], words
"""

AFTERWARDS = """
import torch, gannet
assert torch.zeros(2).sum() == 0
assert gannet.load.__wrapped__.__globals__["Model"] is gannet.Model
from gannet.recipes.registry import find_recipe
assert find_recipe("generate").config.__name__ == "GenerateConfig"
"""


def in_a_process_of_its_own(*words, then=""):
    code = RUN.format(words=words) + then
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_recipes_are_listed_without_pytorch():
    words = in_a_process_of_its_own(["recipes"]).split()
    assert [each for each in words if each in RECIPES] == sorted(RECIPES, key=words.index)


def test_settings_of_every_recipe_are_listed_without_pytorch():
    said = in_a_process_of_its_own(*(["settings", name] for name in RECIPES))
    assert said.count("--latent-dim ") == len(RECIPES)


def test_pytorch_is_itself_again_afterwards():
    said = in_a_process_of_its_own(["settings", "baseline_mean"], then=AFTERWARDS)
    assert "--latent-dim " in said
    assert "--batch " not in said, "a setting without a say"


def test_with_pytorch_at_hand_nothing_stands_in_for_it():
    assert settings_of("generate")[0] is find_recipe("generate").config
