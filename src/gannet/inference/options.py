"""Options of a run by name: those of its modality, of its conditions and of its recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gannet.core.codec import Codec
from gannet.core.config import flag, hint_for, parse
from gannet.core.errors import ConfigError
from gannet.core.recipe import Recipe
from gannet.core.transform import Transform
from gannet.modalities.modality import Modality
from gannet.modalities.registry import find_modality, modalities
from gannet.recipes.registry import find_recipe, recipe_modules

K = TypeVar("K", bound=str)

LEAVE_OUT = (
    "Change or leave out what is named here; `gannet sample RUN --help` lists what it takes."
)

ALWAYS = ("count", "out", "seed")
"""Flags that every run takes."""


def slots_of(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> dict[str, Codec[Any]]:
    """The codecs of the conditions, by role."""
    own = ("sample", recipe.inference.output)
    return {role: codec for role, codec in codecs.items() if role not in own}


def sample_models(
    recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]
) -> dict[str, type[BaseModel]]:
    """Option models for sampling, by role: of the output's modality and of each condition."""
    kind = find_modality(codecs[recipe.inference.output].kind)
    condition_models = {
        role: find_modality(codec.kind).inference.condition_options
        for role, codec in slots_of(recipe, codecs).items()
    }
    return {recipe.inference.output: kind.inference.options, **condition_models}


def given_codec(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> Codec[Any] | None:
    """Codec of what is given to a conditional recipe, by default the samples'; ``None`` if none."""
    given = recipe.inputs.given
    return codecs.get(given, codecs["sample"]) if given else None


def given_modality(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> Modality | None:
    """Kind of data of what is given to a conditional recipe; ``None`` for all others."""
    codec = given_codec(recipe, codecs)
    return None if codec is None else find_modality(codec.kind)


def given_options(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> tuple[str, ...]:
    """Names of the options that say what is given, such as a text; empty if only files can be."""
    role = recipe.inputs.given
    if not role or role not in slots_of(recipe, codecs):
        return ()
    return tuple(find_modality(codecs[role].kind).inference.condition_options.model_fields)


def sample_fields(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> dict[str, FieldInfo]:
    """Options for sampling, by name."""
    models = sample_models(recipe, codecs)
    return {name: field for model in models.values() for name, field in model.model_fields.items()}


def transform_of(
    recipe: Recipe[Any], called: str, name: str = "", kind: str = ""
) -> Transform[Any]:
    """How a recipe transforms an input into an output.

    Args:
        recipe: The recipe.
        called: The recipe's name.
        name: Name of one of several transforms; by default the first.
        kind: Kind of the run's samples; by default any that the recipe takes.

    Raises:
        ConfigError: if it has no transform, or none of that name.
    """
    transforms = recipe.inference.transforms
    transform = transforms.get(name) if name else recipe.inference.transform
    if transform is not None:
        return transform
    if transforms:
        raise ConfigError(
            f"--transform: a run of the recipe {called} knows no {name!r}",
            remedy=f"Give {' or '.join(transforms)}.",
        )
    raise ConfigError(
        f"a run of the recipe {called} makes samples from nothing and transforms no input into an "
        "output",
        remedy=" ".join([*_others_that_transform(recipe, kind), "Use `gannet sample`."]),
    )


def _others_that_transform(recipe: Recipe[Any], kind: str) -> list[str]:
    """Recipes that transform data of the same modalities, in a sentence."""
    kinds = {kind} if kind else set(recipe.inputs.slots["sample"].modalities)
    suggestions = [
        f"--recipe {name} {other.inference.transform.description}"
        for name in sorted(recipe_modules())
        if (other := find_recipe(name)).inference.transform
        and kinds & set(other.inputs.slots["sample"].modalities)
    ]
    return [f"Train with {', or with '.join(suggestions)}."] if suggestions else []


def transform_fields(recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]]) -> dict[str, FieldInfo]:
    """Options of all transforms of a recipe, by name."""
    del codecs  # not needed here
    every = recipe.inference.transforms.values()
    return {name: field for each in every for name, field in each.options.model_fields.items()}


FieldsOf = Callable[[Recipe[Any], Mapping[str, Codec[Any]]], dict[str, FieldInfo]]
FIELDS_OF: Mapping[str, FieldsOf] = {
    "sample": sample_fields,
    "apply": transform_fields,
}
"""Options of a run, by command."""


def options_by_slot(
    recipe: Recipe[Any], codecs: Mapping[str, Codec[Any]], options: Mapping[str, object]
) -> dict[str, BaseModel]:
    """Options of each condition, by role.

    Raises:
        ConfigError: naming every option that no condition of the run has.
    """
    models = sample_models(recipe, codecs)
    del models[recipe.inference.output]
    return sorted_options(options, models)


def sorted_options(
    given: Mapping[str, object], models: Mapping[K, type[BaseModel]], *, remedy: str = LEAVE_OUT
) -> dict[K, BaseModel]:
    """Validate options with the models that define them; ``None`` counts as not given.

    Args:
        given: Values by name.
        models: By any key. No two have a field of the same name.
        remedy: Remedy of the errors.

    Raises:
        ConfigError: naming every fault at once: unknown options, with the nearest name, and values
            out of range.
    """
    options = {name: value for name, value in given.items() if value is not None}
    names = [name for model in models.values() for name in model.model_fields]
    faults = [
        ConfigError(_unknown(name, names), remedy=remedy) for name in options if name not in names
    ]
    parsed: dict[K, BaseModel] = {}
    for key, model in models.items():
        mine = {name: value for name, value in options.items() if name in model.model_fields}
        try:
            parsed[key] = parse(model, mine, remedy=remedy)
        except ConfigError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ConfigError("\n".join(each.problem for each in faults), remedy=remedy)
    return parsed


def _unknown(name: str, names: list[str]) -> str:
    """Why an option is unknown: it belongs to another modality, or is misspelled."""
    for each in modalities():
        if name in each.inference.options.model_fields:
            return f"{flag(name)}: is for {each.noun[1]}, which this run does not make"
        if name in each.inference.condition_options.model_fields:
            return f"{flag(name)}: this run was trained without {each.noun[1]}"
    hint = hint_for(name, [*names, *ALWAYS])
    return f"{flag(name)}: this run's recipe does not know it{hint}"
