"""The house stays in order: how many entries, how long, one name for one type, tests that mirror.

A folder that can be taken in at a glance and a name that occurs once are what lets a stranger find
any line in one hop. No code of the package is run.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MOST_ENTRIES = 14
"""Modules and packages in a folder, and so at the top."""

MOST_LINES = 400
"""Of a file."""

MOST_FUNCTION_LINES = 60
"""Of a function, with its decorators and its docstring."""

OPEN_ENDED = ("recipes",)
"""Folders with a file per task: there may be as many as there are tasks."""

PACKAGE = Path("src/gannet")
TESTS = Path("tests/unit")


def entries(folder: Path) -> list[str]:
    """Names of the modules and packages of a folder, but for ``__init__`` and its like."""
    modules = (each.stem for each in folder.glob("*.py"))
    packages = (each.name for each in folder.iterdir() if any(each.glob("*.py")))
    return sorted(name for name in {*modules, *packages} if not name.startswith("__"))


def crowded(root: Path) -> Iterator[str]:
    """Folders with too many entries."""
    package = root / PACKAGE
    for folder in [package, *sorted(each for each in package.rglob("*") if each.is_dir())]:
        count = len(entries(folder))
        if count > MOST_ENTRIES and folder.relative_to(package).as_posix() not in OPEN_ENDED:
            yield f"{folder.relative_to(root)}: {count} entries, at most {MOST_ENTRIES}"


def long_files(root: Path, trees: dict[Path, ast.Module]) -> Iterator[str]:
    """Files with too many lines."""
    for path in trees:
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MOST_LINES:
            yield f"{path.relative_to(root)}: {count} lines, at most {MOST_LINES}"


def long_functions(root: Path, trees: dict[Path, ast.Module]) -> Iterator[str]:
    """Functions with too many lines, wherever they stand."""
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = min(each.lineno for each in (node, *node.decorator_list))
            count = (node.end_lineno or first) - first + 1
            if count > MOST_FUNCTION_LINES:
                place = f"{path.relative_to(root)}:{first}"
                yield f"{place}: {node.name} has {count} lines, at most {MOST_FUNCTION_LINES}"


def types(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and line of each class and type alias at the top of a module.

    An alias is what is assigned to a name in CapWords, as ``Rows = NDArray[np.float64]``.
    """
    for node in tree.body:
        target: ast.expr | None = None
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        if isinstance(target, ast.Name) and is_alias(target.id):
            yield target.id, node.lineno


def is_alias(name: str) -> bool:
    """Whether a name is written like that of a type.

    >>> is_alias("FloatArray"), is_alias("_Found"), is_alias("MOST"), is_alias("C"), is_alias("x")
    (True, True, False, False, False)
    """
    bare = name.lstrip("_")
    return bare[:1].isupper() and not bare.isupper()


def shared_names(root: Path, trees: dict[Path, ast.Module]) -> Iterator[str]:
    """Types that share their name with another."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for name, line in types(tree):
            places[name].append(f"{path.relative_to(root)}:{line}")
    for name, found in sorted(places.items()):
        if len(found) > 1:
            yield f"{found[0]}: {len(found)} types are called {name}: also {', '.join(found[1:])}"


def homeless_tests(root: Path) -> Iterator[str]:
    """Tests that mirror nothing.

    ``tests/unit/a/test_b.py`` needs ``a/b.py`` or the package ``a/b`` in the package; below
    ``tests/unit/tools`` and ``tests/unit/benchmarks``, in ``tools`` and ``benchmarks``.
    """
    for path in sorted((root / TESTS).rglob("test_*.py")):
        place = path.relative_to(root / TESTS)
        home = root if place.parts[0] in ("tools", "benchmarks") else root / PACKAGE
        if place.stem.removeprefix("test_") not in entries_if_there(home / place.parent):
            yield f"{path.relative_to(root)}: no such module or package under {home.name}"


def entries_if_there(folder: Path) -> list[str]:
    """The entries of a folder; none where there is no folder."""
    return entries(folder) if folder.is_dir() else []


def strangers(root: Path) -> Iterator[str]:
    """Entries at the top that are no import layer, and layers that are no entry."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    lines = next(each["layers"] for each in contracts if each["type"] == "layers")
    layers = {name.strip() for line in lines for name in line.split("|")} - {"__main__"}
    top = set(entries(root / PACKAGE))
    for name in sorted(top - layers):
        yield f"{PACKAGE / name}: not among the import layers in pyproject.toml"
    for name in sorted(layers - top):
        yield f"pyproject.toml: the import layer {name} is no entry of {PACKAGE}"


def breaches(root: Path) -> Iterator[str]:
    """All that is out of order, each with its place and its number."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    yield from crowded(root)
    yield from long_files(root, trees)
    yield from long_functions(root, trees)
    yield from shared_names(root, trees)
    yield from homeless_tests(root)
    yield from strangers(root)


def main(root: Path) -> int:
    """Check the project; print each breach."""
    found = list(breaches(root.resolve()))
    for each in found:
        print(each, file=sys.stderr)
    print(f"{len(list((root / PACKAGE).rglob('*.py')))} modules, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent.parent))
