"""Evaluation: ``gannet judge``, ``gannet evaluate``, ``gannet compare``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gannet.cli.flags import Count, Flags, Out, Seed, Whole, named
from gannet.cli.signals import stop_on_signal


def judge(
    run: Path,
    files: list[Path],
    /,
    *,
    label: str | None = None,
    discriminator: bool = False,
    json: bool = False,
    device: str = "cpu",
    **options: Flags,
) -> None:
    """Print the probability that each file is real, or that it is unlike anything in training.

    Args:
        run: A run's folder.
        files: Files of one sample each, or of rows.
        label: Judge them as samples of this class; by default of any.
        discriminator: Ask the discriminator of training, which knows only its last fakes, instead
            of the judge.
        json: Print one JSON object instead of text.
        device: cpu, cuda or mps.
        options: What else they are said to be samples of, of runs that are sampled for a text or
            the like; `gannet sample RUN --help` lists them.
    """
    from gannet.api.train import load
    from gannet.inference.judge_files import judge_files

    print(
        judge_files(
            load(run, device=device).artifact,
            files,
            json=json,
            discriminator=discriminator,
            label=label,
            **named(options, judge_files),
        )
    )


def evaluate(
    run: Path,
    data: Path | None = None,
    /,
    *,
    count: Count | None = None,
    seed: Seed = 0,
    features: str = "auto",
    label: str | None = None,
    out: Out | None = None,
    seeds: Whole = 1,
    anyway: bool = False,
    device: str = "cpu",
) -> None:
    """Score a run on held-out data, with intervals, a reference (real against real) and a baseline.

    Args:
        run: A run's folder.
        data: By default the data it was trained on, of which the same part is held out again. Of
            others like them, all count as held out that it was not trained on.
        count: Number of fakes, and of held-out reals if there are that many; by default 2,000, of
            other data all of them, 10,000 at most.
        seed: Of the fakes and of all subsets.
        features: auto, classifier, efficientnet, random, or a path to Inception weights.
        label: Column of the classes; by default the one that the run was trained with.
        out: Folder for report.html (extra `report`), report.json, report.md and, for images,
            neighbors.png; by default the run's own. A report of other data that lies there is not
            overwritten: these then go to evaluations/NAME in it.
        seeds: Number of training runs to score: this one and further ones with other seeds, which
            are trained in RUN/seeds unless they exist. Intervals then include the variation over
            seeds.
        anyway: Score data of another size, class set or other columns than those of training.
        device: cpu, cuda or mps.
    """
    from gannet.api.scoring import report_folder
    from gannet.api.seeds import evaluate_over_seeds
    from gannet.api.train import load
    from gannet.evaluation.report.short import short_table

    target = out or run
    _warn_if_no_page()
    options: dict[str, Any] = {"seed": seed, "features": features, "label": label, "anyway": anyway}
    if seeds == 1:
        report = load(run, device=device).evaluate(data, count=count, out=target, **options)
    else:
        with stop_on_signal() as stopped:
            several: dict[str, Any] = {"seeds": seeds, "count": count, "out": target}
            combined = evaluate_over_seeds(run, data, stop=stopped, log=_log, **several, **options)
        if combined is None:
            print("stopped; the same command resumes")
            return
        report = combined
    print("\n".join([*report.notes, short_table(report)]))
    folder = report_folder(target, report)
    if folder != target:
        print(f"{target} holds a report of other data, which is left as it is")
    print(f"written: {_page_or(folder / 'report.html', folder / 'report.md')}")


def compare(
    runs: list[Path],
    /,
    *,
    data: Path | None = None,
    count: Count | None = None,
    seed: Seed = 0,
    features: str = "auto",
    label: str | None = None,
    out: Out | None = None,
    anyway: bool = False,
) -> None:
    """Score runs on the same held-out data, and say which differences are within noise.

    Args:
        runs: Folders of two or more runs; others are compared with the first. Runs that differ only
            in their seed make one entry, with an interval over runs.
        data: By default the data that all of them were trained on, of which the same part is held
            out again; or others like them.
        count: As for `gannet evaluate`.
        seed: Of the fakes and of all subsets, the same for all.
        features: auto, classifier, efficientnet, random, or a path to Inception weights.
        label: Column of the classes; by default the one that the runs were trained with.
        out: Folder for compare.json, compare.md and (extra `report`) compare.html; none by default.
        anyway: As for `gannet evaluate`.
    """
    from gannet.api.compare import compare as compared
    from gannet.evaluation.report.comparison import to_markdown

    if out is not None:
        _warn_if_no_page()
    options: dict[str, Any] = {"seed": seed, "features": features, "label": label, "anyway": anyway}
    print(to_markdown(compared(runs, data, count=count, out=out, **options)))
    if out is not None:
        print(f"written: {_page_or(out / 'compare.html', out / 'compare.md')}")


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _warn_if_no_page() -> None:
    """Warn, before minutes of work, that no HTML report can be written, and how to get one."""
    from gannet.evaluation.report.html.page import can_draw

    if not can_draw():
        print(
            "no HTML report: matplotlib or Jinja2 is not installed "
            "(pip install 'gannet-gan[report]'); JSON and Markdown are written",
            file=sys.stderr,
        )


def _page_or(page: Path, other: Path) -> Path:
    """The HTML page if it can be drawn, else the other file."""
    from gannet.evaluation.report.html.page import can_draw

    return page if can_draw() else other
