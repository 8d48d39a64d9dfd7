"""WebDataset: files of one sample share a name, as ``0001.jpg``, ``0001.cls`` and ``0001.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, cast

from gannet.data.containers import metadata
from gannet.data.containers.cells import CellTable, FileFilter
from gannet.data.containers.layouts.arranged import of_members
from gannet.data.containers.layouts.tree import Member, Tree

LABEL, TEXT, RECORD = "cls", "txt", "json"
"""Endings of files beside a sample: its class, a text, and an object of further values."""

_SHARED = 0.5
"""So large a fraction of the samples must have a file beside it."""

_FILE = "\0file"


def read(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Samples of an archive with what lies beside each; ``None`` if hardly anything does."""
    if tree.noun == "folder":
        return None
    beside: dict[str, dict[str, str]] = {}
    samples: list[Member] = []
    for each in tree.members:
        key, ending = _key(each.name)
        if file_filter.fits(each.name):
            samples.append(each)
        elif ending in (LABEL, TEXT, RECORD):
            beside.setdefault(key, {})[ending] = each.name
    described = [each for each in samples if _key(each.name)[0] in beside]
    if not samples or len(described) < _SHARED * len(samples):
        return None
    lines = [
        {_FILE: each.name} | _row(tree, beside.get(_key(each.name)[0], {})) for each in samples
    ]
    found = metadata.Metadata.of_columns(lines, str(tree.path), _FILE)
    base = of_members(tree, samples, f"WebDataset of {{}} in a {tree.noun}")
    used = [name for each in described for name in beside[_key(each.name)[0]].values()]
    return replace(
        base,
        views=(base.views[0], *found.views(tree.cell, {})),
        classes=found.classes,
        members=[*base.members, *used],
    )


def _key(name: str) -> tuple[str, str]:
    """The name that files of one sample share, and the ending."""
    path = PurePosixPath(name)
    stem, _, ending = path.name.partition(".")
    return str(path.with_name(stem)) if stem else name, ending.lower()


def _row(tree: Tree, files: Mapping[str, str]) -> dict[str, str]:
    row: dict[str, str] = {}
    if RECORD in files:
        row |= _record(tree.read(files[RECORD]))
    if TEXT in files:
        row["text"] = tree.read(files[TEXT]).decode("utf-8", errors="replace").strip()
    if LABEL in files:
        row["label"] = tree.read(files[LABEL]).decode("utf-8", errors="replace").strip()
    return row


def _record(content: bytes) -> dict[str, str]:
    try:
        value: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    cells = cast(dict[str, object], value)
    return {
        name: "" if cell is None else str(cell)
        for name, cell in cells.items()
        if not isinstance(cell, dict | list)
    }
