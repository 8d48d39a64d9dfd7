"""Find pairs of inputs and targets: two folders, a table of pairs, or both in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from gannet.core.config import NO_CONTROLS, Controls, with_flag
from gannet.core.errors import DataError
from gannet.core.source import SAMPLE, Source
from gannet.data.containers import pairs
from gannet.data.containers.cells import CellTable
from gannet.data.containers.detect import unread_by_kinds
from gannet.data.containers.folders import tree_of_folder
from gannet.data.containers.layouts.accounting import not_used
from gannet.data.containers.layouts.arranged import part_below
from gannet.data.containers.layouts.tree import Tree
from gannet.data.find import Claimed, claimed_by, file_filter_of, find, source_of
from gannet.modalities.modality import Modality
from gannet.modalities.registry import find_modality, modalities


def find_pairs(
    path: Path,
    how: str = "auto",
    given: str = "",
    *,
    kinds: Mapping[str, Sequence[str]] | None = None,
    role: str = "grid",
    controls: Controls = NO_CONTROLS,
) -> Source:
    """A source of targets, each with its input in another role.

    Args:
        path: A folder.
        how: ``auto``, ``table``, ``folders``, ``beside`` (each input beside its target, with the
            same name and another suffix), ``side_by_side``, or an input that the kind can derive
            from a target, such as ``edges``.
        given: Which folder, or which side, is the input; by default the only one that holds inputs,
            else the first by name, or the left.
        kinds: Role -> allowed kinds; all of them by default.
        role: Role of the inputs.
        controls: Settings of the recipe that messages may name.

    Raises:
        DataError: if there are no pairs; files without a partner are listed.
    """
    path = Path(path)
    targets = _candidates(kinds, SAMPLE)
    given_filter = file_filter_of(_candidates(kinds, role))
    sides = pairs.PairSides(given_filter, file_filter_of(targets), _remedy(targets, controls))
    if not path.is_dir():
        problem = "a file, expected a folder" if path.exists() else "no such folder"
        raise DataError(problem, where=str(path), remedy=sides.remedy)
    tree = tree_of_folder(path)
    if how == "auto":
        how = _layout(tree, sides, targets)
    if (table := _table(tree, how, given, sides)) is not None:
        notes = not_used(tree, table, sides.either, unread_by_kinds)
        table = replace(table, problems=(*table.problems, *notes))
        return _paired(table, kinds, role)
    source = find(path, label="", kinds=[each.name for each in targets])
    pairing = find_modality(source.kind).reading.pairing
    if how in pairing.derived:
        given_source = pairing.derived[how](source)
        layout = f"{source.layout}, each with its {given_source.layout}"
        return replace(source, layout=layout, roles={role: replace(given_source, layout=layout)})
    if pairing.halves is None:
        raise DataError(
            f"{_layout_named(how, controls)}: no such pairs", where=str(path), remedy=sides.remedy
        )
    target_source, given_source = pairing.halves(source, given)
    return replace(target_source, roles={role: given_source})


def _candidates(kinds: Mapping[str, Sequence[str]] | None, role: str) -> tuple[Modality, ...]:
    return tuple(map(find_modality, kinds[role])) if kinds else modalities()


def _table(tree: Tree, how: str, given: str, sides: pairs.PairSides) -> CellTable | None:
    """The pairs of files in some layout; ``None`` if each file holds both sides of a pair.

    Raises:
        DataError: if there are no such pairs.
    """
    if how == "table":
        return pairs.from_pairs_table(_with_table(tree), sides)
    if how not in ("folders", "beside", "endings"):
        return None
    found = pairs.arranged_pairs(tree, sides)
    if how == "folders":
        if len(found.groups) != pairs.SIDES:
            pairs.check_no_empty_side(tree.path, sides)
        return pairs.from_two_folders(found, given, sides)
    if how == "beside":
        return pairs.from_one_folder(found, sides)
    halves = pairs.with_endings(found, given, sides)
    return None if halves is None else pairs.from_endings(found, halves)


def _with_table(tree: Tree) -> Tree:
    """The folder with the table of pairs: the whole, or its training part."""
    while pairs.pairs_table(tree) is None:
        below = part_below(tree, lambda name: PurePath(name).name == pairs.TABLE)
        if below is None:
            break
        tree, _ = below
    return tree


def _layout(tree: Tree, sides: pairs.PairSides, targets: Sequence[Modality]) -> str:
    """Detect how pairs are laid out in a folder."""
    if pairs.pairs_table(_with_table(tree)) is not None:
        return "table"
    pairs.check_no_empty_side(tree.path, sides)
    found = pairs.arranged_pairs(tree, sides)
    if found.groups or not found.flat:
        return "folders"
    if pairs.lie_beside(found, sides):
        return "beside"
    names = [each.name for each in found.flat]
    for modality in targets:
        mine = [name for name in names if PurePath(name).suffix.lower() in modality.readers]
        files = [tree.path / name for name in mine]
        if files and modality.reading.pairing.sides(files, tree.path):
            return "side_by_side"
    if pairs.with_endings(found, "", sides) is not None:
        return "endings"
    raise DataError(
        f"single {sides.target.many}, no pairs", where=str(tree.path), remedy=sides.remedy
    )


def _paired(table: CellTable, kinds: Mapping[str, Sequence[str]] | None, role: str) -> Source:
    """A source from a table with targets in its first column and inputs in its second."""
    sources: list[Source] = []
    for view, each in zip(table.views, (SAMPLE, role), strict=True):
        claimed: Claimed = claimed_by(replace(table, views=(view,)), _candidates(kinds, each))
        sources.append(source_of(table, claimed, ""))
    targets, given = sources
    if targets.kind == given.kind:
        find_modality(targets.kind).reading.pairing.check(targets, given)
    return replace(targets, roles={role: given})


def _layout_named(how: str, controls: Controls) -> str:
    """A layout as the recipe's setting chooses it; its name alone where there is no setting."""
    return with_flag("", controls.pair_layout, f" {how}") or how


def _remedy(targets: Sequence[Modality], controls: Controls) -> str:
    derived = [name for each in targets for name in each.reading.pairing.derived]
    halves = any(each.reading.pairing.halves for each in targets)
    many = file_filter_of(targets).many
    beside = _layout_named("side_by_side", controls)
    suggestions = ["Give two folders with equal names"]
    suggestions += [f"one folder with {many} side by side ({beside})"] * halves
    suggestions += [f"a folder with {pairs.TABLE} ({','.join(pairs.COLUMNS)})"]
    if derived:
        suggestions += [
            "any folder with " + " or ".join(_layout_named(name, controls) for name in derived)
        ]
    return ", ".join(suggestions[:-1]) + f", or {suggestions[-1]}."
