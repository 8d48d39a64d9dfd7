"""Which scores are held to an independent answer, and how far they lie from it.

All scores there are: those that say of themselves what they mean (``documented``), each with a page
under ``docs/scores``. A score counts as checked where a test under ``tests/reference`` is marked
with its page, passes, and has compared at least one number.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gannet.core.errors import ConfigError, need
from gannet.core.scores import documented

ROOT = Path(__file__).parents[1]
AGREEMENT = "tests.reference.agreement"


def scores_there(package: Path = ROOT / "src" / "gannet") -> frozenset[str]:
    """Pages of all scores, without folder and suffix: ``ssim``, ``high-frequency-error``.

    >>> {"ssim", "kid", "interval-coverage"} <= scores_there()
    True
    """
    return frozenset(
        Path(documented(name, "")["page"]).stem
        for path in package.rglob("*.py")
        for name in _named(ast.parse(path.read_text(encoding="utf-8")))
    )


def _named(tree: ast.Module) -> Iterator[str]:
    """First arguments of the calls of ``documented``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "documented" and node.args:
            name = node.args[0]
            assert isinstance(name, ast.Constant), f"line {node.lineno}: a name that is computed"
            yield str(name.value)


@dataclass
class Passed:
    """Listens to pytest.

    Attributes:
        scores: With a test that passed.
        failed: Tests that did not.
        tests: How many were marked and ran.
    """

    scores: set[str] = field(default_factory=set[str])
    failed: list[str] = field(default_factory=list[str])
    tests: int = 0

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Called by pytest after each part of each test."""
        marked = {name for mark in item.iter_markers("reference") for name in mark.args}
        if not marked or call.when != "call":
            return
        self.tests += 1
        if call.excinfo is None:
            self.scores |= marked
        else:
            self.failed.append(item.nodeid)


def run(data: Path) -> dict[str, Any]:
    """Run the tests that compare scores with independent answers.

    Raises:
        ConfigError: if one of them fails.
    """
    pytest = need("pytest", "dev")
    heard = Passed()
    pytest.main(["-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "reference")], [heard])
    if heard.failed:
        raise ConfigError(f"references: {len(heard.failed)} tests fail: {', '.join(heard.failed)}")
    differences: Mapping[str, float] = getattr(sys.modules[AGREEMENT], "DIFFERENCES", {})
    there = scores_there()
    checked = there & heard.scores & differences.keys()
    return {
        "references": round(len(checked) / len(there), 4),
        "checked": len(checked),
        "there": len(there),
        "unchecked": sorted(there - checked),
        "tests": heard.tests,
        "differences": {name: float(f"{differences[name]:.2g}") for name in sorted(checked)},
        "asked": 1,
    }
