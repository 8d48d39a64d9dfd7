"""Runs at work: ``gannet sample``, ``gannet apply``, ``gannet edit``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gannet.cli.flags import RunFlags, Words, read_flags


def sample(run: Path, /, *flags: RunFlags, count: int = 64, out: Path, seed: int = 0) -> None:
    """Make new samples. Row n depends on the seed and on n alone.

    `gannet sample RUN --help` lists the further flags that RUN takes, such as --label.

    Args:
        run: A run's folder.
        count: How many.
        out: A folder for single files; or a file, whose suffix chooses the form: .npz holds all
            samples of any run, of pictures .png is one grid, of rows .csv a table.
        seed: Other seeds give other samples.
    """
    from gannet.api.train import load
    from gannet.inference.options import sample_fields
    from gannet.inference.write_samples import write_samples

    artefact = load(run).artefact
    options = read_flags(flags, sample_fields(artefact.recipe, artefact.codecs))
    written = write_samples(artefact, count=count, out=out, seed=seed, **options)
    print(f"{count} samples: {written}")


def apply(
    run: Path,
    given: Path,
    /,
    *flags: RunFlags,
    out: Path,
    count: Annotated[int, Parameter(name=("--count", "--draws"))] = 1,
    seed: int = 0,
    transform: str = "",
) -> None:
    """Transform an input into an output: fill the holes of a table, make pictures sharper.

    `gannet apply RUN --help` lists the further flags that RUN takes, such as --quality or --mask.

    Args:
        run: A run's folder.
        given: The input, of the kind that the run takes: a table with the columns of training, a
            picture of any size; or a folder of such files.
        out: The output, in the format that its suffix says; a folder for a folder. Of several,
            out-1, out-2, ...
        count: How many outputs of one input. One is the single best answer. Of several, each is
            drawn by chance: their spread shows how sure the answer is.
        seed: Of the draws.
        transform: Which, of a recipe that knows several; by default the usual one.
    """
    from gannet.api.train import load
    from gannet.inference.apply import Wanted, apply_file
    from gannet.inference.options import transform_fields

    def say(done: int, all_of: int) -> None:
        print(f"\r{done} of {all_of}", end="" if done < all_of else "\n", file=sys.stderr)

    def warn(said: str) -> None:
        print(f"note: {said}", file=sys.stderr)

    artefact = load(run).artefact
    options = read_flags(flags, transform_fields(artefact.recipe, artefact.codecs))
    wanted = Wanted(count, seed, options, transform, say=say, warn=warn)
    for path in apply_file(artefact, given, out, wanted):
        print(f"written: {path}")


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

    Args:
        run: Folder of a run that makes pictures from noise.
        pictures: Pictures to change, or files that --keep wrote; none for samples of the run.
            Several are blended, from the first to the last.
        out: A picture; of several pictures or --frames a .png sheet, a .gif or an .mp4 (extra
            `video`).
        directions: Draw a sheet of all that can be changed, and print what each direction was seen
            to change.
        change: What to change and how far, as brightness=+1.5 or, by its number, 3=-2. About 1 is
            a nudge, 3 is far.
        hold: What shall stay as it is meanwhile.
        become: Of runs with classes: the class that the pictures become.
        label: Of runs with classes: the class that the pictures are of; found by trying if left
            out.
        tune: Bend a copy of the generator until it gives each picture, not only one like it.
        frames: Steps on the way, written as one film or sheet.
        keep: A .safetensors file for what was found and changed, to go on with or to undo.
        labels: Data with labels, which become names that --change knows.
        liked: A folder with a handful of pictures; --change liked=1 goes towards them.
        disliked: A folder with a handful of others.
        seed: Of everything that is random.
    """
    from gannet.api.train import load
    from gannet.core.config import pairs
    from gannet.inference.editing.files import EditExamples, EditRequest, amounts, edit_files

    wanted = EditRequest(
        changes=amounts(pairs(change, "--change")),
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
