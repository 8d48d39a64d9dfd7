"""Flags that depend on a run: those of its kind of data, its conditions and its recipe.

They are read from pydantic models, so that a new kind of data or recipe brings its own flags. A
run is loaded, and PyTorch imported, only where its flags are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_origin

from cyclopts import Parameter

from gannet.core.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Words = Annotated[tuple[str, ...], Parameter(consume_multiple=True)]
"""A flag that takes several values."""

Flags = Annotated[list[str], Parameter(help="options of the kind of data, and settings")]
"""Flags of the kind of data and of the recipe, each with its values."""

RunFlags = Annotated[str, Parameter(allow_leading_hyphen=True, help="what this run takes")]
"""Flags that are known once the run is loaded, with their values."""


def named(options: Mapping[str, list[str]]) -> dict[str, object]:
    """Flags by their names in Python; a single value is not in a list."""
    return {
        name.replace("-", "_"): words[0] if len(words) == 1 else words
        for name, words in options.items()
    }


def repeated(words: Sequence[str]) -> list[str]:
    """``--flag A=1 B=2`` as ``--flag A=1 --flag B=2``, so that one flag may take several values.

    >>> repeated(["train", "--column", "age=integer", "zip=category", "--seed", "3"])
    ['train', '--column', 'age=integer', '--column', 'zip=category', '--seed', '3']
    """
    made: list[str] = []
    flag = ""
    for word in words:
        before = made[-1] if made else ""
        if word.startswith("--"):
            flag = word if "=" not in word else ""
        elif "=" not in word:
            flag = ""
        elif flag and before != flag:
            made.append(flag)
        made.append(word)
    return made


def read_flags(words: Sequence[str], fields: Mapping[str, FieldInfo]) -> dict[str, object]:
    """Flags and their values by the names of fields; values stay text.

    A boolean field takes no value, a collection takes all arguments up to the next flag, any other
    field takes one. Unknown flags are kept with their values: the caller refuses them.

    Raises:
        ConfigError: naming every argument that belongs to no flag, and every flag without its
            value.
    """
    from gannet.core.config import flag

    found: dict[str, list[str]] = {}
    faults: list[str] = []
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            name = name.replace("-", "_")
            if name in found and not _several(fields.get(name)):
                faults.append(f"{flag(name)}: is given twice")
            found.setdefault(name, [])
            if equals:
                found[name].append(value)
        elif name:
            found[name].append(word)
        else:
            faults.append(f"{word!r} is not expected here")
    given: dict[str, object] = {}
    for name, values in found.items():
        field, off = fields.get(name), name.removeprefix("no_")
        if field is None and off != name and _truth(fields.get(off)):
            given[off] = False
        elif _truth(field) and not values:
            given[name] = True
        elif field is None or _several(field):
            given[name] = tuple(values)
        elif len(values) == 1:
            given[name] = values[0]
        else:
            got = f"got {' '.join(values)}" if values else "got none"
            faults.append(f"{flag(name)}: takes one value, {got}")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Flags are --name value, after the run.")
    return given


def _truth(field: FieldInfo | None) -> bool:
    return field is not None and field.annotation is bool


def _several(field: FieldInfo | None) -> bool:
    return field is not None and get_origin(field.annotation) in (tuple, list, dict)


def print_run_flags(words: Sequence[str]) -> None:
    """Print, after the help of a command, the flags of the run among its arguments."""
    command, *rest = words
    run = next((Path(word) for word in rest if (Path(word) / "card.json").is_file()), None)
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
