"""Outside ``modalities`` nothing asks which kind of data it has: the source is read for that."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gannet.modalities.registry import modalities, modality_modules
from gannet.recipes.common.kinds import stands_alone
from gannet.recipes.registry import find_recipe, recipe_modules

PACKAGE = Path(__file__).parents[2] / "src" / "gannet"
KINDS = frozenset(modality_modules())
RECIPES = frozenset(recipe_modules())
ROLES = frozenset({"sample", "real", "vector", "grid", "tokens"})
NEEDS = ("need", "MissingExtraError")
"""Calls whose words are names of extras."""

SLOTS = ("Slot", "Column")
"""Records in which a recipe declares the kinds that it takes."""

COMMON = frozenset({"label", "table"}) | ROLES
"""Kinds whose names are also words for other things, which only their place tells apart."""

PICTURES = ("inference/editing", "networks")
"""Folders that are about pictures: by its task, as `InferenceHooks.editable` declares, and layers
that are built for them."""

AXES = ("ndim", "dim")
ASKING = ("kind", "takes", "modality", "recipe", "name")
"""Names of what is compared, or given by keyword, where a word may be a kind's or a recipe's."""


def settings():
    """Settings that only some recipes have: whoever reads one by its name asks for a recipe."""
    fields = [set(find_recipe(name).config.model_fields) for name in RECIPES]
    return frozenset(set.union(*fields) - set.intersection(*fields))


def words(names):
    return "|".join(sorted(names, key=len, reverse=True))


def options():
    """Options that only some kinds of data have."""
    models = [
        model
        for each in modalities()
        for model in (each.options, each.inference.options, each.inference.condition_options)
    ]
    return {name for model in models for name in model.model_fields} - COMMON


SETTINGS = settings()
AXES_OF_KINDS = {each.axes for each in modalities() if len(each.axes) > 1}
NOUNS = {
    noun for each in modalities() if stands_alone(each) and each.item_suffix for noun in each.noun
}
FLAG = re.compile(
    rf"--(?:{words(name.replace('_', '-') for name in SETTINGS | options())})(?![\w-])"
)
RECIPE = re.compile(
    rf"(?:\bruns? of|\brecipes?|--recipe) [`']?(?:{words(RECIPES)})\b"
    rf"|\b(?:{words(name for name in RECIPES if '_' in name or name in ('vae', 'autoencoder'))})\b"
)
NOUN = re.compile(rf"\b(?:{words(NOUNS)})\b")


def breaches(source, *, recipe=False, pictures=False):
    """Lines of a module that ask for a kind of data, for a recipe, or for a recipe's setting."""
    tree = ast.parse(source)
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent
    found = set()
    for node in ast.walk(tree):
        if why := _why(node, recipe=recipe, pictures=pictures):
            found.add((node.lineno, why))
    return sorted(found)


def _why(node, *, recipe, pictures):
    if _is_isinstance_of_a_codec(node) and not isinstance(node.parent, ast.Assert):
        return "isinstance of a codec"
    if isinstance(node, ast.Compare) and any(map(_counts_axes, [node.left, *node.comparators])):
        others = [node.left, *node.comparators]
        if any(isinstance(each, ast.Constant | ast.Name | ast.BinOp) for each in others):
            return "counts axes"
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        if not recipe and _is_axes(node):
            return "names the axes of a kind"
        if len(node.elts) > 1 and _in_call(node, SLOTS):
            return "lists kinds"
    if isinstance(node, ast.Attribute) and not recipe and node.attr in SETTINGS:
        read = any(name in ("settings", "config", "now") for name in _names(node.value))
        return f"reads the setting {node.attr!r}" if read else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _word(node, recipe=recipe) or (
            "" if recipe or isinstance(node.parent, ast.Expr) else _prose(node.value, pictures)
        )
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
    if not recipe and word in (KINDS | RECIPES) - COMMON:
        return f"names {word!r}"
    if not recipe and word in SETTINGS and ("_" in word or _reads(node)):
        return f"reads the setting {word!r}"
    return ""


def _is_axes(node):
    values = tuple(each.value for each in node.elts if isinstance(each, ast.Constant))
    return len(values) == len(node.elts) and values in AXES_OF_KINDS


def _prose(text, pictures):
    """What a message says that is true of one kind or of one recipe alone."""
    if found := FLAG.search(text):
        return f"names the flag {found[0]}"
    if found := RECIPE.search(text):
        return f"names a recipe in {found[0]!r}"
    if " " in text and not pictures and (found := NOUN.search(text)):
        return f"says {found[0]!r}"
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
    if isinstance(parent, ast.BoolOp):
        return any(name in ASKING for side in parent.values for name in _names(side))
    if isinstance(parent, ast.arguments):
        return any(each.arg in ASKING for each in _with_default(parent, node))
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


def _with_default(arguments, default):
    """The argument whose default a word is."""
    placed = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(reversed(placed), reversed(arguments.defaults), strict=False)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [each for each, value in pairs if value is default]


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
    found = breaches(
        path.read_text(encoding="utf-8"),
        recipe=inside.parts[0] == "recipes",
        pictures=inside.as_posix().startswith(PICTURES),
    )
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
        ("parse(find_recipe(recipe or 'generate'), given)", "names 'generate'"),
        ("def settings(recipe: str = 'generate'): pass", "names 'generate'"),
        ("def settings(*, recipe: str = 'table'): pass", "names 'table'"),
        ("task = recipe or 'table'", "names 'table'"),
        ("AXES = ('channel', 'height', 'width')", "names the axes of a kind"),
        ("raise E(remedy='Give a run of generate, vae or autoencoder.')", "names a recipe"),
        ("remedy = 'Try vae instead.'", "names a recipe in 'vae'"),
        ("advice = f'give {how} --gradient-penalty'", "names the flag --gradient-penalty"),
        ("advice = 'Try a larger network (--width), or more data.'", "names the flag --width"),
        ("remedy = f'side by side (--pairs side_by_side)'", "names the flag --pairs"),
        ("remedy = 'Leave --given and --stratify-by out.'", "names the flag --given"),
        ("raise E('only images without labels can have these')", "says 'images'"),
        ("update = {'augment_p': 0.3}", "reads the setting 'augment_p'"),
        ("weight = trainer.config.gradient_penalty", "reads the setting 'gradient_penalty'"),
    ],
)
def test_what_asks_is_found(source, why):
    assert any(said.startswith(why) for _, said in breaches(source))


def test_what_does_not_ask_is_left_alone():
    assert not breaches('''"""image"""
need("pandas", "table")
condition["vector"]
columns = {"label": 1}
give("--learning-rate, --batch, --steps or --minutes")
path = where or "table"
AXES = ("channel", "time")
''')
    assert not breaches('Slot(("image",), optional=True)', recipe=True)
    assert not breaches("Slot(continuous)", recipe=True)


def test_a_slot_lists_no_kinds_but_says_what_they_must_be_able_to():
    assert breaches('Slot(("image", "vector"))', recipe=True) == [(1, "lists kinds")]


@pytest.mark.parametrize("name", sorted(name for name in RECIPES if name.startswith("baseline_")))
def test_a_baseline_names_no_kind_that_it_takes(name):
    assert callable(find_recipe(name).inputs.slots["sample"].kinds)
