"""Options of kinds of data: which exist, and validation of those that were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from gannet.core.config import flag, pairs
from gannet.core.errors import ConfigError
from gannet.modalities.modality import Modality
from gannet.modalities.registry import modalities


def known_options() -> dict[str, tuple[Modality, ...]]:
    """Name -> the kinds of data that have an option of that name."""
    owners: dict[str, tuple[Modality, ...]] = {}
    for modality in modalities():
        for name in modality.options.model_fields:
            owners[name] = (*owners.get(name, ()), modality)
    return owners


def options_for(modality: Modality, given: Mapping[str, object]) -> BaseModel:
    """The given options, validated for a kind of data.

    Raises:
        ConfigError: if the kind has no such options, or a value is invalid.
    """
    fields = modality.options.model_fields
    for name in given:
        if name not in fields:
            others = " or ".join(each.data for each in known_options().get(name, ()))
            raise ConfigError(
                f"{flag(name)} is for {others or 'no kind of data'}; these data are "
                f"{modality.data}",
                remedy="Leave it out.",
            )
    values = {name: _parsed_value(modality, name, value) for name, value in given.items()}
    try:
        return modality.options.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{flag(str(fault['loc'][0]))}: {fault['msg']}, got {fault['input']!r}"
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(faults), remedy="Change it, or leave it out.") from None


def options_by_role(
    kinds: Mapping[str, Modality], given: Mapping[str, object]
) -> dict[str, BaseModel]:
    """The given options, validated for the kind of data in each role.

    What lies beside the samples and is of their kind has no options: it takes the samples' size.

    Args:
        kinds: Role -> kind of data, with the samples first.
        given: Values by name.

    Raises:
        ConfigError: if no kind has such an option, or a value is invalid.
    """
    (first, sample), *others = kinds.items()
    own = {first: sample} | {role: kind for role, kind in others if kind.name != sample.name}
    known = {name for kind in own.values() for name in kind.options.model_fields}
    strange = {name: value for name, value in given.items() if name not in known}
    parsed: dict[str, BaseModel] = {role: kind.options() for role, kind in others}
    for role, kind in own.items():
        mine = {name: v for name, v in given.items() if name in kind.options.model_fields}
        parsed[role] = options_for(kind, mine | (strange if role == first else {}))
    return parsed


def given_options(options: BaseModel) -> dict[str, Any]:
    """The options that differ from their defaults, as JSON."""
    return options.model_dump(mode="json", exclude_defaults=True)


def _parsed_value(modality: Modality, name: str, value: object) -> object:
    """The value of command-line arguments: ``NAME=VALUE`` pairs if the option is a mapping."""
    default: object = modality.options.model_fields[name].default
    if isinstance(value, str):
        value = [value]
    elif isinstance(value, tuple):
        value = list(cast(tuple[object, ...], value))
    if not isinstance(value, list):
        return value
    values = cast(list[object], value)
    if isinstance(default, dict):
        return pairs([str(item) for item in values], flag(name))
    return values[0] if len(values) == 1 else values
