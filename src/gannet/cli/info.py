"""Information: ``gannet inspect`` data, list ``recipes`` and ``settings``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gannet.cli.flags import Flags, named
from gannet.modalities import DEFAULT_RECIPE


def inspect(
    data: Path,
    /,
    *,
    label: str | None = None,
    recipe: str | None = None,
    json: bool = False,
    **options: Flags,
) -> None:
    """Report on data: what is there, what is wrong with it, what can be trained on it.

    Args:
        data: A folder of images, a table, an archive or an array file.
        label: Column of the classes, if several could be.
        recipe: Read the data as this recipe does; by default as the one that suits them.
        json: Print one JSON object instead of text.
        options: Options of the kind of data; of tables --column NAME=TYPE, where the inferred type
            is wrong.
    """
    from gannet.core.io.json_text import json_text
    from gannet.training.plan import advise
    from gannet.training.session import inspect_data

    findings = inspect_data(data, label=label, recipe=recipe, **named(options, inspect_data))
    findings = findings.model_copy(update={"plan": advise(findings)})
    print(json_text(findings, indent=2) if json else "\n".join(findings.describe()))


def recipes() -> None:
    """List what can be trained, with a sentence on each."""
    from gannet.recipes.registry import is_baseline, recipe_sentences

    sentences = recipe_sentences()
    width = max(map(len, sentences))
    for heading, baselines in (("Recipes:", False), ("Baselines, to compare with:", True)):
        print(heading)
        for name, sentence in sentences.items():
            if is_baseline(name, sentence) is baselines:
                print(f"  {name:{width}}  {sentence}")


def settings(
    recipe: str = DEFAULT_RECIPE,
    /,
    **given: Annotated[str, Parameter(help="settings to try")],
) -> None:
    """List the settings of a recipe, or check some: `gannet settings generate --width 48`."""
    from gannet.cli.stand_in import settings_of
    from gannet.core.config import describe, parse

    config, unused = settings_of(recipe)
    if given:
        tried = parse(config, {name.replace("-", "_"): value for name, value in given.items()})
        print(tried.model_dump_json(indent=2))
        return
    for name, kind, default, meaning in describe(config):
        if name.removeprefix("--").replace("-", "_") in unused:
            continue
        print(f"{name:24} {meaning}\n{'':24} {kind}; default {default}")
