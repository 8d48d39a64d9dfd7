"""The data as a recipe reads them: of the kinds that its slots take, in pairs, in crops."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from gannet.core.config import Config
from gannet.core.errors import DataError
from gannet.core.recipe import Inputs, Recipe
from gannet.core.source import SAMPLE, Source
from gannet.data.dataset import LABEL, Dataset
from gannet.data.find import find, of_memory
from gannet.data.pairing import find_pairs
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import find_modality, modalities
from gannet.recipes.registry import find_recipe, recipe_modules

MAX_LISTED = 3
"""Maximum names listed in an error."""


def source_for(
    data: Path | str | Any,
    label: str | None,
    recipe: str,
    config: Config,
    *,
    kind: str = "",
    found: Source | None = None,
) -> Source:
    """The data as a recipe with these settings reads them: in pairs, in crops, or as they are.

    Args:
        data: A path, or a data frame.
        label: Column of the classes.
        recipe: Name of the task.
        config: Its settings.
        kind: The one kind that samples must be of; by default any that the recipe takes.
        found: The source, if it was found already.

    Raises:
        DataError: if they cannot be read so.
    """
    source = whole_source_for(data, label, recipe, config, kind=kind, found=found)
    side = find_recipe(recipe).inputs.crop_size(config)
    return find_modality(source.kind).reading.crop(source, side) if side else source


def whole_source_for(
    data: Path | str | Any,
    label: str | None,
    recipe: str,
    config: Config,
    *,
    kind: str = "",
    found: Source | None = None,
) -> Source:
    """The same before samples are cut into crops; see ``source_for``.

    Raises:
        DataError: if they cannot be read so.
    """
    task_recipe = find_recipe(recipe)
    inputs = task_recipe.inputs
    source = found
    if source is not None and source.kind not in inputs.slots[SAMPLE].modalities:
        raise _other_kind(source, recipe, inputs)
    known = {SAMPLE, LABEL} if _takes_classes(inputs) else {SAMPLE}
    if source is None or inputs.slots.keys() - known:
        source = _source(data, label, task_recipe, config, kind)
    inputs.check(source)
    _check_slots(source, recipe, inputs)
    return source


def _other_kind(source: Source, recipe: str, inputs: Inputs[Any]) -> DataError:
    """The error for samples of a kind that the recipe does not take."""
    expected = " or ".join(find_modality(each).noun[1] for each in inputs.slots[SAMPLE].modalities)
    able = [
        name
        for name in sorted(recipe_modules())
        if source.kind in find_recipe(name).inputs.slots[SAMPLE].modalities
    ]
    return DataError(
        f"holds {find_modality(source.kind).noun[1]}, and the recipe {recipe} takes {expected}",
        where=str(source.path),
        remedy=f"Give --recipe {' or '.join(able)}." if able else "No recipe takes them yet.",
    )


def recognized(data: Path | str | Any, label: str | None) -> Source:
    """The data as the first kind of data that recognizes them reads them.

    Raises:
        DataError: if nothing is there, or nothing that can be used.
    """
    every = tuple(each.name for each in modalities())
    return _simple_source(data, label, kinds_for(every, label))


def kinds_for(kinds: Sequence[str], label: str | None) -> Sequence[str]:
    """The kinds that can have a column of labels, if one is named; else all of them."""
    labeled_kinds = [name for name in kinds if find_modality(name).reading.own_labels]
    return labeled_kinds if label and labeled_kinds else kinds


def label_for(inputs: Inputs[Any], label: str | None) -> str | None:
    """The column of classes as a recipe reads it: none if their slot takes other kinds only.

    Raises:
        DataError: if one is named all the same.
    """
    if _takes_classes(inputs):
        return label
    if label:
        raise DataError(
            f"--label {label}: the recipe takes no classes",
            remedy="Leave it out: the column is then like any other.",
        )
    return ""


def _takes_classes(inputs: Inputs[Any]) -> bool:
    """Whether classes may be told to networks: unless their slot takes other kinds only."""
    slot = inputs.slots.get(LABEL)
    return slot is None or LabelCodec.kind in slot.modalities


def check_classes(dataset: Dataset, inputs: Inputs[Any]) -> None:
    """Refuse data in which a class has no training samples, where classes are needed.

    Raises:
        DataError: naming the classes.
    """
    slot = inputs.slots.get(LABEL)
    if slot is None or slot.optional or not dataset.classes:
        return
    present = set(dataset.train.labels.tolist())
    missing = [name for number, name in enumerate(dataset.classes) if number not in present]
    if missing:
        one, many = find_modality(dataset.source.kind).noun
        broken = [f"{name} ({why})" for name, why in dataset.skipped[:MAX_LISTED]]
        raise DataError(
            f"no {one} of {', '.join(missing[:MAX_LISTED])} is left to train on"
            + (f"; cannot be read: {', '.join(broken)}" if broken else ""),
            where=str(dataset.source.path),
            remedy=f"Add {many} that can be read.",
        )


def _source(
    data: Path | str | Any,
    label: str | None,
    recipe: Recipe[Any],
    config: Config,
    kind: str,
) -> Source:
    slots = recipe.inputs.slots
    kinds = {role: slot.modalities for role, slot in slots.items()}
    kinds[SAMPLE] = (kind,) if kind else kinds[SAMPLE]
    others = {role: named for role, named in kinds.items() if role != SAMPLE}
    label = label_for(recipe.inputs, label)
    if not isinstance(data, str | Path):
        return of_memory(data, kinds=kinds[SAMPLE], label=label, roles=others)
    path = Path(data)
    find_columns = partial(
        find, path, label=label, kinds=kinds_for(kinds[SAMPLE], label), roles=others
    )
    given = recipe.inputs.given
    in_files = any(find_modality(each).readers for each in kinds.get(given, ()))
    if given not in slots or not recipe.inputs.paired or not in_files:
        return find_columns()
    controls, settings = recipe.training.controls, config.model_dump()
    how = settings.get(controls.pair_layout, "auto")
    if how == "auto" or path.is_file():
        # A folder without such columns may hold pairs in another layout.
        with nullcontext() if path.is_file() else suppress(DataError):
            source = find_columns()
            if given in source.roles:
                return source
    side = settings.get(controls.pair_input, "")
    return find_pairs(path, how, side, kinds=kinds, role=given, controls=controls)


def _simple_source(data: Path | str | Any, label: str | None, kinds: Sequence[str]) -> Source:
    if isinstance(data, str | Path):
        return find(Path(data), label=label, kinds=kinds)
    return of_memory(data, kinds=kinds, label=label)


def _check_slots(source: Source, recipe: str, inputs: Inputs[Any]) -> None:
    """Refuse data that lack a required input of the recipe."""
    for role, slot in inputs.slots.items():
        if role == SAMPLE or slot.optional or role in source.roles:
            continue
        if role != LABEL or not _takes_classes(inputs):
            kinds = " or ".join(find_modality(each).noun[1] for each in slot.modalities)
            raise DataError(
                f"the recipe {recipe} needs {kinds} beside each sample, and there are none",
                where=str(source.path),
                remedy="Add columns of them; beside files, in a metadata.csv.",
            )
        if not source.classes:
            raise DataError(
                f"the recipe {recipe} needs classes, and there are none",
                where=str(source.path),
                remedy="Give a folder with a folder per class, or name a column with --label.",
            )
