"""Outside ``modalities`` nothing asks which kind of data it has: the source is read for that."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gannet.modalities.registry import modality_modules
from gannet.recipes.registry import find_recipe, recipe_modules

PACKAGE = Path(__file__).parents[2] / "src" / "gannet"
KINDS = frozenset(modality_modules())
RECIPES = frozenset(recipe_modules())
ROLES = frozenset({"sample", "real", "vector", "grid", "tokens"})
NEEDS = ("need", "MissingExtraError")
"""Calls whose words are names of extras."""

SLOTS = ("Slot", "Column")
"""Records in which a recipe declares the kinds that it takes."""

AXES = ("ndim", "dim")
ASKING = ("kind", "takes", "modality", "recipe", "name")
"""Names of what is compared, or given by keyword, where a word may be a kind's or a recipe's."""


def settings():
    """Settings that only some recipes have: whoever reads one by its name asks for a recipe."""
    fields = [set(find_recipe(name).config.model_fields) for name in RECIPES]
    return frozenset(set.union(*fields) - set.intersection(*fields))


SETTINGS = settings()


def breaches(source, *, recipe=False):
    """Lines of a module that ask for a kind of data, for a recipe, or for a recipe's setting."""
    tree = ast.parse(source)
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent
    found = set()
    for node in ast.walk(tree):
        if why := _why(node, recipe=recipe):
            found.add((node.lineno, why))
    return sorted(found)


def _why(node, *, recipe):
    if _is_isinstance_of_a_codec(node) and not isinstance(node.parent, ast.Assert):
        return "isinstance of a codec"
    if isinstance(node, ast.Compare) and any(map(_counts_axes, [node.left, *node.comparators])):
        others = [node.left, *node.comparators]
        if any(isinstance(each, ast.Constant | ast.Name | ast.BinOp) for each in others):
            return "counts axes"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _word(node, recipe=recipe)
    return ""


def _is_isinstance_of_a_codec(node):
    """What an ``assert`` says is no question: it tells the type checker what a slot declares."""
    return (
        isinstance(node, ast.Call)
        and _called(node) == "isinstance"
        and any(each.endswith("Codec") and each != "Codec" for each in _names(node.args[1]))
    )


def _word(node, *, recipe):
    word, parent = node.value, node.parent
    if isinstance(parent, ast.Expr) or _in_call(node, NEEDS):
        return ""
    if word in KINDS | RECIPES and _asks(node):
        return "" if recipe and _in_call(node, SLOTS) else f"names {word!r}"
    if not recipe and word in SETTINGS and _reads(node):
        return f"reads the setting {word!r}"
    return ""


def _asks(node):
    """Whether a word stands where kinds and recipes are told apart."""
    parent = node.parent
    while isinstance(parent, ast.Tuple | ast.Set | ast.List):
        parent = parent.parent
    if isinstance(parent, ast.Compare):
        sides = [parent.left, *parent.comparators]
        return any(name in ASKING for side in sides for name in _names(side))
    if isinstance(parent, ast.keyword):
        return parent.arg in ASKING
    if isinstance(parent, ast.Call):
        return _called(parent) in ("find_modality", "find_recipe", *SLOTS)
    known = KINDS - ROLES - {"label"}
    return isinstance(parent, ast.Dict) and node in parent.keys and node.value in known


def _reads(node):
    """Whether a word picks an entry: ``config["slope"]``, ``.get("slope")``, ``"slope" in``."""
    parent = node.parent
    if isinstance(parent, ast.Subscript) and parent.slice is node:
        return any(name in ("settings", "config", "now", "given") for name in _names(parent.value))
    if isinstance(parent, ast.Call) and _called(parent) == "get" and parent.args[0] is node:
        return any(name in ("settings", "config", "model_dump") for name in _names(parent.func))
    if isinstance(parent, ast.Compare):
        return any(
            name in ("model_fields", "settings", "config", "given")
            for side in parent.comparators
            for name in _names(side)
        )
    return False


def _counts_axes(node):
    if isinstance(node, ast.Attribute) and node.attr == "ndim":
        return "weight" not in _names(node.value)  # of a layer, not of a sample
    if isinstance(node, ast.Call) and _called(node) == "dim":
        return True
    return (
        isinstance(node, ast.Call)
        and _called(node) == "len"
        and isinstance(node.args[0], ast.Attribute | ast.Name)
        and any("shape" in name for name in _names(node.args[0]))
    )


def _in_call(node, names):
    while (node := getattr(node, "parent", None)) is not None:
        if isinstance(node, ast.Call) and _called(node) in names:
            return True
    return False


def _called(node):
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _names(node):
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "modalities"
)


def test_it_reads_the_whole_package():
    assert len(FILES) > 100
    assert {"image", "table", "vector", "label"} <= KINDS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_asks_for_a_kind(path):
    inside = path.relative_to(PACKAGE)
    found = breaches(path.read_text(encoding="utf-8"), recipe=inside.parts[0] == "recipes")
    assert not found, "\n".join(f"{inside}:{line}: {why}" for line, why in found)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("isinstance(codec, ImageCodec)", "isinstance of a codec"),
        ("if samples.ndim == 4: pass", "counts axes"),
        ("if samples.dim() != AXES + 1: pass", "counts axes"),
        ("pictures = len(card.spec.shape) == 3", "counts axes"),
        ("if source.kind == 'image': pass", "names 'image'"),
        ("find(path, kind='table')", "names 'table'"),
        ("WAYS = {'image': 1}", "names 'image'"),
        ("if plan.recipe in ('generate', 'vae'): pass", "names 'generate'"),
        ("find_recipe('impute')", "names 'impute'"),
    ],
)
def test_what_asks_is_found(source, why):
    assert why in {said: line for line, said in breaches(source)}


def test_what_does_not_ask_is_left_alone():
    assert not breaches('''"""image"""
need("pandas", "table")
condition["vector"]
columns = {"label": 1}
''')
    assert not breaches('Slot(("image", "vector"))', recipe=True)
