"""Open flags: of the kind of data, of the recipe, of a trained run.

They are read from pydantic models, so that a new kind of data or recipe brings its own flags. Those
of ``train`` and ``inspect`` are checked in ``training``, where the data are known; those of
``sample`` and ``apply`` here, by the run, which is loaded, and PyTorch imported, only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter as Parameter_
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from cyclopts import Parameter, Token

from gannet.core.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def whole_number(_type: object, tokens: Sequence[Token]) -> int:
    """A whole number; ``1.6`` is refused, where cyclopts would round it.

    Raises:
        ValueError: if it is none; cyclopts names the flag.
    """
    value = tokens[0].value
    number = float(value) if "." in value else int(value)
    if number != int(number):
        raise ValueError(f"must be a whole number, got {value}")
    return int(number)


Whole = Annotated[int, Parameter(converter=whole_number)]
"""A whole number on the command line."""

BARE = ("data", "run", "runs", "files", "given", "images")
"""What commands take without a flag."""

MultipleValues = Annotated[tuple[str, ...], Parameter(consume_multiple=True)]
"""A flag that takes several values."""

Flags = Annotated[list[str], Parameter(help="options of the kind of data, and settings")]
"""Flags of the kind of data and of the recipe, each with its values."""

Out = Annotated[Path, Parameter(name=("--out", "-o"))]
Count = Annotated[int, Parameter(name=("--count", "-n"), converter=whole_number)]
Seed = Annotated[int, Parameter(name=("--seed", "-s"), converter=whole_number)]
"""Flags that many commands take."""

RunFlags = Annotated[str, Parameter(allow_leading_hyphen=True, help="what this run takes")]
"""Flags that are known once the run is loaded, with their values."""


def named(options: Mapping[str, list[str]], known: Callable[..., object]) -> dict[str, Any]:
    """Flags by their names in Python; a single value is not in a list.

    Args:
        options: Flags with their values.
        known: The function that takes them, besides parameters of its own.

    Raises:
        ConfigError: for a flag with the name of one of the function's own parameters.
    """
    from gannet.core.config import flag

    given = {name.replace("-", "_"): values for name, values in options.items()}
    reserved = [
        name
        for name, parameter in signature(known).parameters.items()
        if parameter.kind is not Parameter_.VAR_KEYWORD and name in given
    ]
    if reserved:
        hint = "It is given without a flag, after the command." if reserved[0] in BARE else ""
        raise ConfigError(f"{flag(reserved[0])}: no such setting", remedy=hint)
    return {name: values[0] if len(values) == 1 else values for name, values in given.items()}


def repeated(arguments: Sequence[str]) -> list[str]:
    """``--flag A=1 B=2`` as ``--flag A=1 --flag B=2``, so that one flag may take several values.

    >>> repeated(["train", "--column", "age=integer", "zip=category", "--seed", "3"])
    ['train', '--column', 'age=integer', '--column', 'zip=category', '--seed', '3']
    """
    expanded: list[str] = []
    flag = ""
    for argument in arguments:
        before = expanded[-1] if expanded else ""
        if argument.startswith("--"):
            flag = argument if "=" not in argument else ""
        elif "=" not in argument:
            flag = ""
        elif flag and before != flag:
            expanded.append(flag)
        expanded.append(argument)
    return expanded


def read_flags(arguments: Sequence[str], fields: Mapping[str, FieldInfo]) -> dict[str, object]:
    """Flags and their values by the names of fields; values stay text.

    A boolean field takes no value, a collection takes all arguments up to the next flag, any other
    field takes one. Unknown flags are kept with their values: the caller refuses them.

    Raises:
        ConfigError: naming every argument that belongs to no flag, and every flag without its
            value.
    """
    from gannet.core.config import flag

    raw_values: dict[str, list[str]] = {}
    faults: list[str] = []
    name = ""
    for argument in arguments:
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            name = name.replace("-", "_")
            if name in raw_values and not _takes_several(fields.get(name)):
                faults.append(f"{flag(name)}: is given twice")
            raw_values.setdefault(name, [])
            if equals:
                raw_values[name].append(value)
        elif name:
            raw_values[name].append(argument)
        else:
            faults.append(f"{argument!r} is not expected here")
    parsed: dict[str, object] = {}
    for name, values in raw_values.items():
        field, off = fields.get(name), name.removeprefix("no_")
        if field is None and off != name and _is_boolean(fields.get(off)):
            parsed[off] = False
        elif _is_boolean(field) and not values:
            parsed[name] = True
        elif field is None or _takes_several(field):
            parsed[name] = tuple(values)
        elif len(values) == 1:
            parsed[name] = values[0]
        else:
            got = f"got {' '.join(values)}" if values else "got none"
            faults.append(f"{flag(name)}: takes one value, {got}")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Flags are --name value, after the run.")
    return parsed


def _is_boolean(field: FieldInfo | None) -> bool:
    return field is not None and field.annotation is bool


def _takes_several(field: FieldInfo | None) -> bool:
    return field is not None and get_origin(field.annotation) in (tuple, list, dict)


def print_run_flags(arguments: Sequence[str]) -> None:
    """Print, after the help of a command, the flags of the run among its arguments."""
    command, *rest = arguments
    run = next(
        (Path(argument) for argument in rest if (Path(argument) / "card.json").is_file()), None
    )
    if run is None:
        return
    from gannet.core.config import described
    from gannet.inference.artifact import Artifact
    from gannet.inference.options import FIELDS_OF

    try:
        artifact = Artifact.load(run)
        fields = FIELDS_OF[command](artifact.recipe, artifact.codecs)
    except (ArtifactError, ConfigError) as error:
        print(f"\n{error}")
        return
    print(f"\nFlags of {run}, a run of the recipe {artifact.card.recipe}:")
    for name, kind, default, meaning in map(described, fields, fields.values()):
        print(f"  {name:22} {meaning}\n{'':25}{kind}; default {default}")
    if not fields:
        print("  none besides those above")
