"""``python -m benchmarks NAME --data FOLDER``: a measurement, with all it takes to judge it.

A benchmark is a file ``benchmarks/<name>.py`` with ``run(data: Path, **flags) -> dict``. Whatever
it prints is progress and goes to the error stream; the last line of the output is one JSON object.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import platform
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import benchmarks
from benchmarks.flags import from_flags
from gannet.core.device import best_device, hardware
from gannet.core.errors import ConfigError, GannetError

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("gannet-gan", "torch", "numpy")


def names() -> list[str]:
    """All benchmarks there are; files without a ``run`` are parts that they share."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    here = Path(__file__).parent
    return sorted(name for name in found if "\ndef run(" in _text(here / f"{name}.py"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def setting() -> dict[str, object]:
    """What a result depends on besides the code: machine, versions, time, other work."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "hardware": hardware(best_device()),
        "system": platform.system(),
        "versions": versions,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def plain(value: str) -> Any:
    """A flag's text as a number, truth value or list where it reads as one.

    >>> plain("3"), plain("mnist")
    (3, 'mnist')
    """
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


@contextmanager
def prints_are_progress() -> Generator[None]:
    """Send output to the error stream, also that of child processes."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def measure(name: str, data: Path, flags: Mapping[str, Any]) -> dict[str, object]:
    """Run one benchmark and describe the circumstances.

    Raises:
        ConfigError: if there is no benchmark of that name.
    """
    if name not in names():
        raise ConfigError(
            f"no benchmark {name!r}", remedy=f"There are: {', '.join(names()) or 'none yet'}."
        )
    around = setting()
    wall, busy = perf_counter(), process_time()
    with prints_are_progress():
        found: dict[str, object] = importlib.import_module(f"benchmarks.{name}").run(data, **flags)
    spent = {
        "wall_seconds": round(perf_counter() - wall, 1),
        "cpu_seconds": round(process_time() - busy, 1),
    }
    return {"name": name, "repeats": 1} | found | {"flags": dict(flags)} | around | spent


def main(words: Sequence[str]) -> int:
    """Measure, save, print. Exit code 2: the request cannot be met, and the message says why."""
    if not words:
        print("\n".join(names()))
        return 0
    name, *rest = words
    try:
        flags = {flag: plain(value) for flag, value in from_flags(rest).items()}
        result = measure(name, Path(str(flags.pop("data", "data"))), flags)
    except GannetError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2, allow_nan=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(json.dumps(result, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
