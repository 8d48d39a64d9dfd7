"""Attacks on commands: hostile data, damaged runs, arguments that make no sense."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gannet.core.errors import GannetError
from gannet.core.io.checksum import sealed_json
from gannet.core.io.training_log import read_training_log
from gannet.evaluation.report import markdown
from gannet.evaluation.report.markdown import describe_action
from tests.fuzz.harness import Outcome, outcome
from tests.fuzz.inputs import DATA, NAMES, VALUES, damaged, pixels, table

Attack = Callable[[random.Random, Path, Path], tuple[str, str]]
"""A seed, a run and an empty folder to what was done and what was wrong; empty if nothing was."""


def told(words: list[str], got: Outcome) -> tuple[str, str]:
    """What was done, and what was wrong."""
    return " ".join(words), got.fault


def data(rng: random.Random, _run: Path, out: Path) -> tuple[str, str]:
    """Inspect or train on hostile data."""
    make = rng.choice(DATA)
    (out / "data").mkdir()
    path = make(rng, out / "data")
    words = ["inspect", str(path)]
    if rng.random() < 0.3:
        words = ["train", str(path), "--out", str(out / "run"), "--dry-run", "--steps", "5"]
    return told([make.__name__, *words], outcome(words))


def given(rng: random.Random, run: Path, out: Path) -> tuple[str, str]:
    """Judge, evaluate on or apply to hostile files."""
    make = rng.choice(DATA)
    (out / "data").mkdir()
    path = make(rng, out / "data")
    command = rng.choice(("judge", "judge", "apply", "edit"))
    words = [command, str(run), str(path)]
    words += ["--out", str(out / "made.png")] * (command != "judge")
    return told([make.__name__, *words], outcome(words))


# -- saves -------------------------------------------------------------------------------------


def sampled(run: Path, out: Path) -> tuple[Outcome, bytes]:
    """Samples of a run, and the bytes of their file."""
    got = outcome(["sample", str(run), "--count", "3", "--seed", "1", "--out", str(out / "x.npz")])
    return got, (out / "x.npz").read_bytes() if got.code == 0 else b""


def bytes_of_save(rng: random.Random, run: Path, out: Path) -> tuple[str, str]:
    """Change bytes of a file of a run; samples are refused, or equal to those before."""
    _, before = sampled(run, out)
    copy = shutil.copytree(run, out / "run", ignore=shutil.ignore_patterns("samples", "cache"))
    name = rng.choice(("card.json", "model.safetensors", "model.safetensors", "card.json"))
    (copy / name).write_bytes(damaged(rng, (copy / name).read_bytes()))
    got, after = sampled(copy, out)
    silent = got.code == 0 and after != before
    return f"bytes of {name}", got.fault or ("silent damage" if silent else "")


def values_of_save(rng: random.Random, run: Path, out: Path) -> tuple[str, str]:
    """Forge a value of a card, a plan or a log, with a checksum that fits, and use the run."""
    copy = shutil.copytree(run, out / "run", ignore=shutil.ignore_patterns("samples"))
    name = rng.choice(("card.json", "card.json", "plan.json", "training_log.jsonl"))
    lines = (copy / name).read_text().splitlines() if name.endswith("l") else []
    content: Any = json.loads(lines[-1] if lines else (copy / name).read_text())
    place = forge(rng, content)
    text = json.dumps(content) if lines else sealed_json(json.dumps(content))
    (copy / name).write_text("\n".join([*lines[:-1], text, ""]))
    if name == "training_log.jsonl":
        return f"{name} {place}", fault_of_log(copy)
    source = json.loads((run / "plan.json").read_text())["data"]
    words = ["sample", str(copy), "--count", "2", "--out", str(out / "x.npz")]
    if name == "plan.json":
        words = ["train", source, "--out", str(copy), "--dry-run", "--steps", "4"]
    elif rng.random() < 0.3:
        words = ["judge", str(copy), str(pictures(rng, out))]
    return told([f"{name} {place}", *words], outcome(words))


def fault_of_log(run: Path) -> str:
    """What comes of a training log in reports, but for clear errors."""
    try:
        log = read_training_log(run, recipe="generate", diagnosis={})
        for name in ("energy_distance", "reference", "auc_train"):
            assert all(isinstance(value, float) for _, value in log.series(name))
        _ = [describe_action(action) for _, action in log.actions], markdown.of_training(log)
    except GannetError:
        return ""
    except Exception as error:  # noqa: BLE001  # whatever comes out is a fault
        return f"{type(error).__name__} of a log: {error}"
    return ""


def forge(rng: random.Random, content: Any) -> str:
    """Put another value somewhere into nested values; returns where."""
    at, path = content, ""
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = rng.choice(keys)
        path += f".{key}"
        below = at[key]
        if isinstance(below, dict | list) and below and rng.random() < 0.7:
            at = below
            continue
        if rng.random() < 0.2 and isinstance(at, dict):
            del at[key]
            return f"{path} removed"
        if isinstance(below, int | float) and rng.random() < 0.4:
            value: object = rng.choice((-below, below * 1000, below + 1, 0))
        else:
            value = rng.choice(VALUES)
        at[key] = value
        return f"{path} = {str(value)[:40]!r}"


def checkpoint(rng: random.Random, run: Path, out: Path) -> tuple[str, str]:
    """Change bytes of a checkpoint; resuming is refused."""
    from gannet.training.checkpoint import load_checkpoint

    content = (run / "checkpoint.pt").read_bytes()
    (out / "checkpoint.pt").write_bytes(changed := damaged(rng, content))
    try:
        load_checkpoint(out, "cpu", lambda _: None)
    except GannetError:
        return "checkpoint.pt", ""
    return "checkpoint.pt", "" if changed == content else "silent damage"


# -- arguments ---------------------------------------------------------------------------------

NUMBERS = (
    "0",
    "-1",
    "1e9",
    "1000000000",
    "nan",
    "inf",
    "ten",
    "",
    "9" * 30,
    "0.5",
    "2.5",
    "\x1b[31m",
)


def arguments(rng: random.Random, run: Path, out: Path) -> tuple[str, str]:
    """Commands with values that make no sense."""
    source = out / "t.csv"
    source.write_text(table(rng))
    flags = {
        "sample": ("--count", "--seed", "--label", "--start", "--bogus", "--device"),
        "train": ("--seed", "--minutes", "--steps", "--batch", "--latent-dim", "--width",
                  "--device", "--learning-rate", "--threads", "--resolution", "--label",
                  "--recipe", "--lr", "--save-seconds", "--data"),
        "evaluate": ("--count", "--seed", "--seeds", "--features", "--label", "--device"),
        "judge": ("--label", "--device", "--seed"),
        "inspect": ("--label", "--recipe", "--column", "--resolution"),
        "settings": ("--steps", "--batch", "--width"),
    }  # fmt: skip
    command = rng.choice(list(flags))
    words = {
        "sample": ["sample", str(run), "--out",
                   str(out / rng.choice(("x.npz", "x.csv/y.csv", "x.wav", "x")))],
        "train": ["train", str(source), "--out", str(out / "run"), "--dry-run"],
        "evaluate": ["evaluate", str(run), "--out", str(out / "report")],
        "judge": ["judge", str(run), str(pictures(rng, out))],
        "inspect": ["inspect", str(source)],
        "settings": ["settings", rng.choice(("generate", "table", "bogus", *NAMES[:2]))],
    }[command]  # fmt: skip
    safe = [each for each in NAMES if "\udcff" not in each]
    values = NUMBERS if rng.random() < 0.7 else safe
    for flag in rng.sample(flags[command], rng.choice((1, 1, 2))):
        words += [flag, rng.choice(values)]
    if command == "evaluate":
        words += [] if "--count" in words else ["--count", "20"]
        words += [] if "--features" in words else ["--features", "random"]
    return told(words, outcome(words))


def pictures(rng: random.Random, out: Path) -> Path:
    """A picture."""
    path = out / "picture.png"
    path.write_bytes(pixels(rng))
    return path


ATTACKS: tuple[Attack, ...] = (
    data, data, data, given, bytes_of_save, values_of_save, checkpoint, checkpoint, arguments,
    arguments,
)  # fmt: skip
"""All of them; what is quick or large more than once."""
