"""Find pairs of inputs and targets: two folders, a table of pairs, or both in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gannet.core.config import NO_CONTROLS, Controls, with_flag
from gannet.core.errors import DataError
from gannet.core.source import SAMPLE, Source
from gannet.data.containers import pairs
from gannet.data.containers.cells import CellTable
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
    if how == "auto":
        how = _layout(path, sides, targets)
    if how == "table":
        return _paired(pairs.from_pairs_table(path, sides), kinds, role)
    if how == "folders":
        return _paired(pairs.from_two_folders(path, given, sides), kinds, role)
    if how == "beside":
        return _paired(pairs.from_one_folder(path, sides), kinds, role)
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


def _layout(path: Path, sides: pairs.PairSides, targets: Sequence[Modality]) -> str:
    """Detect how pairs are laid out in a folder."""
    if (path / pairs.TABLE).exists():
        return "table"
    files = pairs.files_in(path, sides.target)
    if not files:
        return "folders"
    if pairs.lie_beside(path, sides):
        return "beside"
    for modality in targets:
        mine = [each for each in files if each.suffix.lower() in modality.readers]
        if mine and modality.reading.pairing.sides(mine, path):
            return "side_by_side"
    raise DataError(f"single {sides.target.many}, no pairs", where=str(path), remedy=sides.remedy)


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
