"""``gannet train``, which starts or resumes a run, and ``gannet demo``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

from gannet.cli.flags import Out, Seed, named
from gannet.cli.signals import stop_on_signal
from gannet.core.io.stages import stages
from gannet.core.plugins import gannet_version


def train(
    data: Path,
    /,
    *,
    out: Out,
    minutes: float | None = None,
    recipe: str | None = None,
    seed: Seed = 0,
    label: str | None = None,
    auto_adjust: Literal["on", "off"] = "on",
    device: str | None = None,
    tensorboard: bool = False,
    save_seconds: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 20.0,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    **settings: Annotated[
        list[str],
        Parameter(help="any setting that `gannet settings` lists, or option of the kind of data"),
    ],
) -> None:
    """Train on DATA into the folder OUT. The same command resumes a run that was stopped.

    With more minutes than before, or more steps, it trains on from where it ended.

    Args:
        data: A folder of images, a table, an archive or an array file.
        out: Folder of the run, which `gannet sample` and the other commands read.
        minutes: Time to train; by default what `gannet inspect` says, at least 10 minutes.
        recipe: The task; `gannet recipes` lists them. By default the one that `gannet inspect`
            names.
        seed: Of everything that is random.
        label: Column of the classes, if several could be.
        auto_adjust: Whether diagnoses may change settings during training.
        device: cpu, cuda or mps.
        tensorboard: Write event files into the run's folder (extra `tensorboard`).
        save_seconds: Minimum seconds between two checkpoints; a killed run loses at most this much.
        dry_run: Show what would be trained, and stop.
    """
    print(f"gannet {gannet_version()}: reading {data}", flush=True)  # PyTorch takes a while
    from gannet.api.train import prepare
    from gannet.cli.progress import about, expected, watch

    was_there = out.exists()
    options: dict[str, Any] = named(settings, prepare) | {
        "auto_adjust": auto_adjust == "on",
        "device": device,
    }
    with stages(_tell):
        session = prepare(
            data, out, recipe=recipe, minutes=minutes, seed=seed, label=label, **options
        )
    if dry_run:
        print("\n".join([*about(session), *expected(session.plan)]))
        if not was_there:
            shutil.rmtree(out, ignore_errors=True)  # the cache
        return
    with stop_on_signal() as stopped:
        watch(session, stopped, tensorboard=tensorboard, save_seconds=save_seconds)


def _tell(text: str) -> None:
    print(text, flush=True)


def demo(*, out: Out = Path("demo"), minutes: float = 2.0, seed: Seed = 0) -> None:
    """Train on 5,000 real digits, then sample, judge and evaluate (extra `demo`).

    Args:
        out: Folder for data and run.
        minutes: Time to train.
        seed: Of everything that is random.
    """
    from gannet.cli.demo import show

    with stop_on_signal() as stopped:
        show(out, minutes=minutes, seed=seed, stop=stopped)
