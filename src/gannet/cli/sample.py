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

    artifact = load(run).artifact
    options = read_flags(flags, sample_fields(artifact.recipe, artifact.codecs))
    written = write_samples(artifact, count=count, out=out, seed=seed, **options)
    print(f"{count} samples: {written}")


def apply(
    run: Path,
    given: Path,
    /,
    *flags: RunFlags,
    out: Path,
    samples: int = 1,
    seed: int = 0,
    transform: str = "",
) -> None:
    """Transform an input into an output: fill the holes of a table, make pictures sharper.

    `gannet apply RUN --help` lists the further flags that RUN takes, such as --interpolation or
    --mask.

    Args:
        run: A run's folder.
        given: The input, of the kind that the run takes: a table with the columns of training, a
            picture of any size; or a folder of such files.
        out: The output, in the format that its suffix says; a folder for a folder. Of several,
            out-1, out-2, ...
        samples: How many outputs of one input. One is the single best answer. Of several, each is
            drawn by chance: their spread shows how sure the answer is.
        seed: Of the draws.
        transform: Which, of a recipe that knows several; by default the usual one.
    """
    from gannet.api.train import load
    from gannet.inference.apply import ApplyRequest, apply_file
    from gannet.inference.options import transform_fields

    def say(done: int, all_of: int) -> None:
        print(f"\r{done} of {all_of}", end="" if done < all_of else "\n", file=sys.stderr)

    def warn(said: str) -> None:
        print(f"note: {said}", file=sys.stderr)

    artifact = load(run).artifact
    options = read_flags(flags, transform_fields(artifact.recipe, artifact.codecs))
    wanted = ApplyRequest(samples, seed, options, transform, say=say, warn=warn)
    for path in apply_file(artifact, given, out, wanted):
        print(f"written: {path}")


def edit(
    run: Path,
    pictures: list[Path] | None = None,
    /,
    *,
    out: Path,
    directions: bool = False,
    edit: Words = (),
    fix: Words = (),
    target_class: Annotated[str | None, Parameter(name="--class")] = None,
    label: str | None = None,
    pivotal_tuning: bool = True,
    frames: int = 0,
    save_latents: Path | None = None,
    labels: Path | None = None,
    positive: Path | None = None,
    negative: Path | None = None,
    seed: int = 0,
) -> None:
    """Change pictures in the noise of a generator: find, move, blend and walk them.

    Args:
        run: Folder of a run that makes pictures from noise.
        pictures: Pictures to change, or files that --save-latents wrote; none for samples of the
            run. Several are blended, from the first to the last.
        out: A picture; of several pictures or --frames a .png sheet, a .gif or an .mp4 (extra
            `video`).
        directions: Draw a sheet of all that can be changed, and print what each direction was seen
            to change.
        edit: What to change and how far, as brightness=+1.5 or, by its number, 3=-2. About 1 is
            a nudge, 3 is far.
        fix: What shall stay as it is meanwhile.
        target_class: Of runs with classes: the class that the pictures become.
        label: Of runs with classes: the class that the pictures are of; found by trying if left
            out.
        pivotal_tuning: Bend a copy of the generator until it gives each picture, not only one like
            it.
        frames: Steps on the way, written as one film or sheet.
        save_latents: A .safetensors file for what was found and changed, to go on with or to undo.
        labels: Data with labels, which become names that --edit knows.
        positive: A folder with a handful of pictures; --edit positive=1 goes towards them.
        negative: A folder with a handful of others.
        seed: Of everything that is random.
    """
    from gannet.api.train import load
    from gannet.core.config import pairs
    from gannet.inference.editing.files import EditRequest, LabeledExamples, amounts, edit_files

    wanted = EditRequest(
        changes=amounts(pairs(edit, "--edit")),
        fix=fix,
        directions=directions,
        target_class=target_class,
        label=label,
        pivotal_tuning=pivotal_tuning,
        frames=frames,
        save_latents=save_latents,
        examples=LabeledExamples(labels, positive, negative, seed),
    )
    print("\n".join(edit_files(load(run).artifact, pictures or [], out, wanted)))
