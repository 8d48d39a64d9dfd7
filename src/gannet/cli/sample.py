"""Inference: ``gannet sample``, ``gannet apply``, ``gannet edit``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gannet.cli.flags import Count, MultipleValues, Out, RunFlags, Seed, Whole, read_flags
from gannet.cli.screen import raw


def sample(
    run: Path,
    /,
    *flags: RunFlags,
    count: Count = 64,
    out: Out,
    seed: Seed = 0,
    device: str = "cpu",
) -> None:
    """Generate new samples. Sample n depends only on the seed and on n.

    `gannet sample RUN --help` lists the further flags that RUN takes, such as --label.

    Args:
        run: A run's folder.
        count: How many.
        out: A folder for single files; or a file, whose suffix chooses the format: .npz holds the
            samples of any run that makes arrays; .png is one grid of images, .csv a table of rows.
        seed: Other seeds give other samples.
        device: cpu, cuda or mps.
    """
    from gannet.api.train import load
    from gannet.inference.options import sample_fields
    from gannet.inference.write_samples import write_samples

    artifact = load(run, device=device).artifact
    options = read_flags(flags, sample_fields(artifact.recipe, artifact.codecs))
    written = write_samples(artifact, count=count, out=out, seed=seed, **options)
    print(f"{count} samples: {written}")
    for limit in artifact.facts.get("limits", ()):
        print(f"note: {limit}", file=sys.stderr)


def apply(
    run: Path,
    given: Path,
    /,
    *flags: RunFlags,
    out: Out,
    samples: Whole = 1,
    seed: Seed = 0,
    transform: str = "",
    device: str = "cpu",
) -> None:
    """Transform an input into an output: impute missing values, make images sharper.

    `gannet apply RUN --help` lists the further flags that RUN takes, such as --interpolation or
    --mask.

    Args:
        run: A run's folder.
        given: The input, of the kind that the run takes: a table with the columns of training, an
            image of any size; or a folder of such files.
        out: The output; its suffix gives the format. A folder for a folder. Several outputs are
            called out-1, out-2, ...
        samples: Number of outputs for one input. One is the best estimate. Several are random
            samples: their spread shows the uncertainty.
        seed: Of the random samples.
        transform: Which one, if the recipe has several; by default its first.
        device: cpu, cuda or mps.
    """
    from gannet.api.train import load
    from gannet.inference.apply import ApplyRequest, apply_file
    from gannet.inference.options import transform_fields

    def report_progress(done: int, all_of: int) -> None:
        end = "" if done < all_of else "\n"
        print(f"\r{done} of {all_of}", end=end, file=raw(sys.stderr), flush=True)

    def warn(message: str) -> None:
        print(f"note: {message}", file=sys.stderr)

    artifact = load(run, device=device).artifact
    options = read_flags(flags, transform_fields(artifact.recipe, artifact.codecs))
    request = ApplyRequest(
        samples, seed, options, transform, on_progress=report_progress, warn=warn
    )
    for path in apply_file(artifact, given, out, request):
        print(f"written: {path}")


def edit(
    run: Path,
    images: list[Path] | None = None,
    /,
    *,
    out: Out,
    directions: bool = False,
    edit: MultipleValues = (),
    fix: MultipleValues = (),
    target_class: Annotated[str | None, Parameter(name="--class")] = None,
    label: str | None = None,
    pivotal_tuning: bool = True,
    frames: Whole = 0,
    save_latents: Path | None = None,
    labels: Path | None = None,
    positive: Path | None = None,
    negative: Path | None = None,
    seed: Seed = 0,
) -> None:
    """Edit images in the latent space of a generator: invert, edit, interpolate.

    Args:
        run: Folder of a run that generates images from latents.
        images: Images to edit, or files that --save-latents wrote; none for samples of the run.
            Several are interpolated, from the first to the last.
        out: An image file; for several images or --frames a .png grid, a .gif or an .mp4 (extra
            `video`).
        directions: Draw a grid of all directions, and print what each was measured to change.
        edit: What to change and how far, as brightness=+1.5 or, by its number, 3=-2. About 1 is
            a little, 3 is much.
        fix: Attributes that the edit must not change.
        target_class: Of runs with classes: the class to change the images to.
        label: Of runs with classes: the class of the images; by default the one that fits best.
        pivotal_tuning: Fine-tune a copy of the generator until it reproduces each image, not only
            a similar one.
        frames: Number of interpolation steps, written as one film or grid.
        save_latents: A .safetensors file for the latents, to edit further or to undo.
        labels: Labelled data; its labels become attributes for --edit.
        positive: A folder with some positive example images; --edit positive=1 moves towards them.
        negative: A folder with some negative example images.
        seed: Of everything that is random.
    """
    from gannet.api.train import load
    from gannet.core.config import pairs
    from gannet.inference.editing.files import EditRequest, LabeledExamples, amounts, edit_files

    request = EditRequest(
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
    print("\n".join(edit_files(load(run).artifact, images or [], out, request)))
