"""The command line: one function per command. Exit code 2 means: you can mend this, see above."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, validators

from gannet.core.errors import ConfigError, GannetError

app = App(
    name="gannet",
    help="Generative adversarial networks that do not collapse, with numbers to believe.",
    help_format="plaintext",
)


Words = Annotated[tuple[str, ...], Parameter(consume_multiple=True)]
"""Several words behind one flag."""


@app.command
def inspect(
    data: Path,
    /,
    *,
    label: str | None = None,
    recipe: str | None = None,
    json: bool = False,
    **options: Annotated[list[str], Parameter(help="an option of the kind of data")],
) -> None:
    """Look at data: what is there, what is wrong with it, what can be trained on it.

    Parameters
    ----------
    data: Path
        A folder of pictures, a table, an archive or an array file.
    label: str
        Column of the classes, where there are several.
    recipe: str
        Look at the data as this recipe reads them; by default as the one that suits them.
    json: bool
        Print one JSON object instead of words.
    options: list[str]
        Options of the kind of data; of tables --column NAME=TYPE, where looking is not good enough.
    """
    from gannet.training.plan import advise
    from gannet.training.session import look_at

    found = look_at(data, label=label, recipe=recipe, **_named(options))
    found = found.model_copy(update={"plan": advise(found)})
    print(found.model_dump_json(indent=2) if json else "\n".join(found.words()))


@app.command
def train(
    data: Path,
    /,
    *,
    out: Path,
    minutes: float | None = None,
    recipe: str | None = None,
    seed: int = 0,
    label: str | None = None,
    balance: Literal["on", "off"] = "on",
    device: str | None = None,
    tensorboard: bool = False,
    save_seconds: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 20.0,
    **settings: Annotated[
        list[str],
        Parameter(help="any setting that `gannet settings` lists, or option of the kind of data"),
    ],
) -> None:
    """Train on DATA into the folder OUT. The same command goes on with a run that was stopped.

    Parameters
    ----------
    data: Path
        A folder of pictures, a table, an archive or an array file.
    out: Path
        Folder of the run; becomes an artefact that `gannet sample` reads.
    minutes: float
        Time to train; by default what `gannet inspect` says, from 10 minutes on.
    recipe: str
        The task; `gannet recipes` lists them. By default `table` for a table, else `generate`.
    seed: int
        Of everything that is random.
    label: str
        Column of the classes, where there are several.
    balance: str
        Whether verdicts of health may change settings.
    device: str
        cpu, cuda or mps.
    tensorboard: bool
        Write event files beside the run (extra `tensorboard`).
    save_seconds: float
        Least time between two saves of the run; what a killed run loses at most.
    """
    from gannet.api.model import prepare
    from gannet.cli.progress import watch
    from gannet.core.config import parse
    from gannet.recipes.registry import find_recipe

    given = _named(settings)
    if "clock" in given:  # an argument of ``prepare``, but for Python alone
        parse(find_recipe(recipe or "generate").config, given)
    session = prepare(
        data,
        out,
        recipe=recipe,
        minutes=minutes,
        seed=seed,
        label=label,
        balance=balance == "on",
        device=device,
        **given,
    )
    with stop_on_signal() as stopped:
        watch(session, stopped, tensorboard=tensorboard, save_seconds=save_seconds)


@app.command
def sample(
    run: Path,
    /,
    *,
    count: int = 64,
    out: Path,
    label: str | None = None,
    given: Words = (),
    balance_by: str | None = None,
    require: Words = (),
    seed: int = 0,
    grid: bool = False,
    escape_formulas: bool = False,
) -> None:
    """Make new samples. Row n depends on the seed and on n alone.

    Parameters
    ----------
    run: Path
        A run's folder.
    count: int
        How many.
    out: Path
        A folder for single files; or a file: .npz or .parquet holds all of them, .png is one
        grid, .csv rows. Of tables: .csv, .tsv, .jsonl or .parquet.
    label: str
        A class, for runs trained with classes; by default all of them, and none, as often as in
        the training data.
    given: tuple[str, ...]
        Of tables: what cells must be, as COLUMN=VALUE or, of numbers and dates, COLUMN=LOW..HIGH.
        A column that is named again may have either.
    balance_by: str
        Of tables: a column whose values shall occur equally often.
    require: tuple[str, ...]
        Of tables: rules that every row obeys, such as 'start <= end' or 'occurs(city, country)'.
    seed: int
        Other seeds give other samples.
    grid: bool
        Also draw all samples into OUT/grid.png.
    escape_formulas: bool
        Of tables: quote cells that a spreadsheet would run.
    """
    from gannet.api.model import load
    from gannet.inference.write_samples import TableOptions, write_samples

    asked = _pairs(given, "--given", several=True)
    table = TableOptions(asked, balance_by, require, escape_formulas)
    written = write_samples(
        load(run), count=count, out=out, label=label, seed=seed, grid=grid, table=table
    )
    print(f"{count} samples: {written}")


@app.command
def apply(
    run: Path,
    given: Path,
    /,
    *,
    out: Path,
    count: Annotated[int, Parameter(name=("--count", "--draws"))] = 1,
    seed: int = 0,
    quality: float | None = None,
    scale: int | None = None,
    mask: Path | None = None,
    to: str = "",
) -> None:
    """Turn an input into an output: fill the holes of a table, make pictures sharper.

    Parameters
    ----------
    run: Path
        A run's folder.
    given: Path
        The input. For a run of `impute`, a table with the columns of training; for recipes that
        take pictures, one of any size or a folder of them.
    out: Path
        The output, in the format that its suffix says; a folder for a folder. Of several, out-1,
        out-2, ...
    count: int
        How many outputs of one input. One is the single best answer. Of several, each is drawn by
        chance: their spread shows how sure the answer is.
    seed: int
        Of the draws.
    quality: float
        Of super_resolve: from 0, faithful, to 1, vivid; by default as it was trained.
    scale: int
        Of super_resolve: how many times the pixels each way. A run knows the one that it was
        trained for, and is refused if this is another.
    mask: Path
        Of recipes that fill pictures: white where nothing is known; or a folder of masks.
    to: str
        Of translate_unpaired: the side that pictures shall become like, by its folder's name.
    """
    from gannet.api.model import load
    from gannet.inference.apply import Wanted, apply_file

    def say(done: int, all_of: int) -> None:
        print(f"\r{done} of {all_of}", end="" if done < all_of else "\n", file=sys.stderr)

    def warn(said: str) -> None:
        print(f"note: {said}", file=sys.stderr)

    said = {"quality": quality, "scale": scale, "mask": mask, "to": to or None}
    options = {name: value for name, value in said.items() if value is not None}
    wanted = Wanted(count, seed, options, say=say, warn=warn)
    for path in apply_file(load(run).artefact, given, out, wanted):
        print(f"written: {path}")


@app.command
def edit(
    run: Path,
    pictures: list[Path] | None = None,
    /,
    *,
    out: Path,
    directions: bool = False,
    change: Words = (),
    hold: Words = (),
    become: str | None = None,
    label: str | None = None,
    tune: bool = True,
    frames: int = 0,
    keep: Path | None = None,
    labels: Path | None = None,
    liked: Path | None = None,
    disliked: Path | None = None,
    seed: int = 0,
) -> None:
    """Change pictures in the noise of a generator: find, move, blend and walk them.

    Parameters
    ----------
    run: Path
        Folder of a run that makes pictures from noise.
    pictures: list[Path]
        Pictures to change, or files that --keep wrote; none for samples of the run. Several are
        blended, from the first to the last.
    out: Path
        A picture; of several pictures or --frames a .png sheet, a .gif or an .mp4 (extra `video`).
    directions: bool
        Draw a sheet of all that can be changed, and print what each direction was seen to change.
    change: tuple[str, ...]
        What to change and how far, as brightness=+1.5 or, by its number, 3=-2. About 1 is a nudge,
        3 is far.
    hold: tuple[str, ...]
        What shall stay as it is meanwhile.
    become: str
        Of runs with classes: the class that the pictures become.
    label: str
        Of runs with classes: the class that the pictures are of; found by trying if left out.
    tune: bool
        Bend a copy of the generator until it gives each picture, not only one like it.
    frames: int
        Steps on the way, written as one film or sheet.
    keep: Path
        A .safetensors file for what was found and changed, to go on with or to undo.
    labels: Path
        Data with labels, which become names that --change knows.
    liked: Path
        A folder with a handful of pictures; --change liked=1 goes towards them.
    disliked: Path
        A folder with a handful of others.
    seed: int
        Of everything that is random.
    """
    from gannet.api.model import load
    from gannet.inference.editing.files import EditExamples, EditRequest, amounts, edit_files

    wanted = EditRequest(
        changes=amounts(_pairs(change, "--change")),
        hold=hold,
        directions=directions,
        become=become,
        label=label,
        tune=tune,
        frames=frames,
        keep=keep,
        told=EditExamples(labels, liked, disliked, seed),
    )
    print("\n".join(edit_files(load(run).artefact, pictures or [], out, wanted)))


@app.command
def judge(run: Path, files: list[Path], /, *, label: str | None = None, json: bool = False) -> None:
    """Say how likely each file is real, beside what is usual for held-out reals and for fakes.

    Parameters
    ----------
    run: Path
        A run's folder.
    files: list[Path]
        Pictures, or files of rows.
    label: str
        Judge them as samples of this class; by default as the class that fits best.
    json: bool
        Print one JSON object instead of words.
    """
    from gannet.api.model import load
    from gannet.inference.write_samples import judge_files

    print(judge_files(load(run), files, label=label, json=json))


@app.command
def evaluate(
    run: Path,
    data: Path,
    /,
    *,
    count: int = 2_000,
    seed: int = 0,
    features: str = "auto",
    label: str | None = None,
    out: Path | None = None,
    seeds: int = 1,
) -> None:
    """Score a run on held-out data: every score with its interval, floor and baseline.

    Parameters
    ----------
    run: Path
        A run's folder.
    data: Path
        The data it was trained on; the same part is held out again.
    count: int
        Fakes to score, and held-out reals where there are as many.
    seed: int
        Of the fakes and of all subsets.
    features: str
        auto, classifier, efficientnet, random, or a path to Inception weights.
    label: str
        Column of the classes; by default the one that the run was begun with.
    out: Path
        Folder of report.html (extra `report`), report.json, report.md and, of pictures,
        neighbours.png; the run's own by default.
    seeds: int
        Training runs to score: this one, and further ones with other seeds, which are trained in
        RUN/seeds unless they are there. Intervals then cover the choice of seeds as well.
    """
    from gannet.api.model import load
    from gannet.api.seeds import evaluate_over_seeds
    from gannet.evaluation.report.markdown import to_markdown

    folder = out or run
    _say_if_no_page()
    options: dict[str, Any] = {"seed": seed, "features": features, "label": label}
    if seeds == 1:
        report = load(run).evaluate(data, count=count, out=folder, **options)
    else:
        with stop_on_signal() as stopped:
            several: dict[str, Any] = {"seeds": seeds, "count": count, "out": folder}
            found = evaluate_over_seeds(run, data, stop=stopped, say=_said, **several, **options)
        if found is None:
            print("stopped; the same command goes on")
            return
        report = found
    print(to_markdown(report))
    print(f"written: {_page_or(folder / 'report.html', folder / 'report.md')}")


@app.command
def compare(
    runs: list[Path],
    /,
    *,
    data: Path,
    count: int = 2_000,
    seed: int = 0,
    features: str = "auto",
    label: str | None = None,
    out: Path | None = None,
) -> None:
    """Score runs alike on the same held-out data, and say which differences are noise.

    Parameters
    ----------
    runs: list[Path]
        Folders of two or more runs; others are compared with the first. Runs that differ in
        nothing but their seed make one entry, with an interval over runs.
    data: Path
        The data that all of them were trained on; the same part is held out again.
    count: int
        Fakes of each to score, and held-out reals where there are as many.
    seed: int
        Of the fakes and of all subsets, the same for all.
    features: str
        auto, classifier, efficientnet, random, or a path to Inception weights.
    label: str
        Column of the classes; by default the one that the runs were begun with.
    out: Path
        Folder of compare.json, compare.md and (extra `report`) compare.html; none by default.
    """
    from gannet.api.compare import compare as compared
    from gannet.api.compare import to_markdown

    if out is not None:
        _say_if_no_page()
    options: dict[str, Any] = {"seed": seed, "features": features, "label": label}
    print(to_markdown(compared(runs, data, count=count, out=out, **options)))
    if out is not None:
        print(f"written: {_page_or(out / 'compare.html', out / 'compare.md')}")


@app.command
def recipes() -> None:
    """List what can be trained."""
    from gannet.recipes.registry import recipe_modules

    print("\n".join(sorted(recipe_modules())))


@app.command
def settings(
    recipe: str = "generate",
    /,
    **given: Annotated[str, Parameter(help="settings to try")],
) -> None:
    """List the settings of a recipe, or check some: `gannet settings generate --width 48`."""
    from gannet.core.config import describe, parse
    from gannet.recipes.registry import find_recipe

    config, unused = find_recipe(recipe).config, find_recipe(recipe).unused
    if given:
        tried = parse(config, {name.replace("-", "_"): value for name, value in given.items()})
        print(tried.model_dump_json(indent=2))
        return
    for name, kind, default, meaning in describe(config):
        if name.removeprefix("--").replace("-", "_") in unused:
            continue
        print(f"{name:24} {meaning}\n{'':24} {kind}; default {default}")


@app.command
def demo(*, out: Path = Path("demo"), minutes: float = 2.0, seed: int = 0) -> None:
    """Train on 5,000 real digits, then sample, judge and evaluate (extra `demo`).

    Parameters
    ----------
    out: Path
        Folder for data and run.
    minutes: float
        Time to train.
    seed: int
        Of everything that is random.
    """
    from gannet.cli.demo import show

    with stop_on_signal() as stopped:
        show(out, minutes=minutes, seed=seed, stop=stopped)


def _named(options: Mapping[str, list[str]]) -> dict[str, Any]:
    """Flags by the names that Python has for them; what was said once is one word."""
    return {
        name.replace("-", "_"): words[0] if len(words) == 1 else words
        for name, words in options.items()
    }


def _said(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _say_if_no_page() -> None:
    """Before minutes of work: what will be missing, and how to have it."""
    from gannet.evaluation.report.html.page import can_draw

    if not can_draw():
        print(
            "no page in HTML: matplotlib or Jinja2 is not installed "
            "(pip install 'gannet-gan[report]'); JSON and Markdown are written",
            file=sys.stderr,
        )


def _page_or(page: Path, other: Path) -> Path:
    """What was written for people to read."""
    from gannet.evaluation.report.html.page import can_draw

    return page if can_draw() else other


def _pairs(words: Sequence[str], flag: str, *, several: bool = False) -> dict[str, Any]:
    """``NAME=VALUE`` words as a mapping; a name that comes again has a list, where it may."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ConfigError(f"{flag}: {word!r}", remedy=f"Write {flag} NAME=VALUE.")
        found.setdefault(name, []).append(value)
    if twice := [name for name, values in found.items() if len(values) > 1 and not several]:
        raise ConfigError(f"{flag}: {twice[0]!r} is named twice", remedy="Name it once.")
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


@contextmanager
def stop_on_signal() -> Generator[Callable[[], bool]]:
    """Ask for a tidy end on Ctrl-C and SIGTERM; a second Ctrl-C ends at once.

    The exit code is 0 after a tidy end: what was asked for has happened, the artefact is whole,
    and schedulers that send SIGTERM before they take a machine away do not report a failure.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _repeated(words: Sequence[str]) -> list[str]:
    """``--flag A=1 B=2`` as ``--flag A=1 --flag B=2``, so that one flag may have several of them.

    >>> _repeated(["train", "--column", "age=integer", "zip=category", "--seed", "3"])
    ['train', '--column', 'age=integer', '--column', 'zip=category', '--seed', '3']
    """
    made: list[str] = []
    flag = ""
    for word in words:
        before = made[-1] if made else ""
        if word.startswith("--"):
            flag = word if "=" not in word else ""
        elif "=" not in word:
            flag = ""
        elif flag and before != flag:
            made.append(flag)
        made.append(word)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit code 2 means: you can mend this, and the message says how."""
    try:
        words = sys.argv[1:] if argv is None else argv
        app(_repeated(words), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"gannet: {error}", file=sys.stderr)
        return 2
    except GannetError as error:
        print(f"gannet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gannet: stopped; the same command goes on from the last save", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0
