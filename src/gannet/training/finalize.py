"""What a run leaves for people: sample grids, a calibrated judge, a model card."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gannet.core.io.files import write_whole, writing
from gannet.core.seeding import noise_at, seed_at, some_of
from gannet.core.types import Batch, Condition
from gannet.data.dataset import Dataset, Rows
from gannet.evaluation.two_sample_test import FEWEST, UNSURE, fresh_critic
from gannet.inference.artifact import Artefact
from gannet.inference.card import Card, Scale
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.grid import answers_sheet, grid_png
from gannet.modalities.table.codec import TableCodec
from gannet.networks.features import Plain
from gannet.training.plan import Plan
from gannet.training.trainer import Duel

SETTLED = 50_000
"""Most rows of each part from which a recipe works out what it keeps."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COIN = 0.5

CRITIC_ROWS, CRITIC_STEPS = 1_000, 120
"""Samples on each side for the fresh critic, and batches that it learns from."""

TABLE_ROWS, TABLE_STEPS = 4_000, 300
"""The same for tables, whose rows cost little and whose faults are fine."""

HELD_BYTES, HELD_LEAST = 64 * 2**20, 64
"""Most room for samples that are held at once for one purpose, and how many may be held anyway."""

COLOURS = 3
"""Channels of a picture in colour."""

ANSWERS = 12
"""Held-out pictures whose answers are shown."""

JUDGED = 2_000
"""Held-out reals, and as many fakes, on which the judge's scale is fitted."""


@torch.no_grad()
def preview(duel: Duel[Any], plan: Plan, out: Path, given: Batch, count: int = 64) -> Path | None:
    """A grid of the averaged generator's samples, from the same noise at every call.

    Args:
        duel: As it stands.
        plan: Of its run.
        out: Folder of its run.
        given: Held-out samples with what is told of them; of a recipe whose samples are answers,
            the grid shows some of these: what was given, the answer, and what it should be.
        count: Pictures in the grid.

    Returns:
        ``samples/step-000500.png``, or ``None`` if the samples are no pictures.
    """
    if len(plan.spec.shape) != 3:
        return None
    if duel.recipe.conditional:
        given = given[: count // 3]
        count, told = len(given), given.condition
    else:
        told = grid_conditions(plan.spec.shape, plan.spec.vector, count)
    noise = noise_at(plan.seed, range(count), duel.config.noise)
    network, told_there = duel.sampler(averaged=True), told.to(duel.device)
    made = duel.recipe.sampling(network, noise.to(duel.device), told_there, duel.config)
    path = out / "samples" / f"step-{duel.step:06d}.png"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if duel.recipe.conditional:
            answers_png(given, made.float().cpu(), path)
        else:
            grid_png(made.float().cpu(), path, columns(count))
    return path


def answers_png(given: Batch, made: Tensor, path: Path, across: int = 3) -> None:
    """A sheet of triples: what was given, the answer, and what it should be."""
    write_whole(path, answers_sheet(given, [made], across))


def columns(count: int) -> int:
    """How many samples stand side by side in a grid of ``count``.

    >>> columns(64), columns(10), columns(1)
    (8, 4, 1)
    """
    return max(math.ceil(math.sqrt(count)), 1)


def grid_conditions(shape: tuple[int, ...], classes: int, count: int) -> Condition:
    """One class after another, so that each column of a grid shows every class by turns."""
    blank = Condition.none(torch.zeros(count, *shape))
    vector = torch.zeros(count, classes)
    if classes:
        vector[torch.arange(count), torch.arange(count) % classes] = 1
    return Condition(vector, blank.grid, blank.tokens)


def within_memory(count: int, shape: tuple[int, ...]) -> int:
    """How many samples of a shape may be held at once: ``count``, or what 64 MiB have room for.

    >>> within_memory(2_000, (3, 32, 32)), within_memory(2_000, (3, 256, 256))
    (2000, 85)
    """
    room = HELD_BYTES // (4 * math.prod(shape))
    return min(count, max(room, HELD_LEAST))


def settled(artefact: Artefact, dataset: Dataset) -> Artefact:
    """The same artefact with what its recipe works out once the duel is over."""
    settle = artefact.recipe.inference.fit_after_training
    if settle is None:
        return artefact
    seed = artefact.card.seed
    train = dataset.train.take(sorted(some_of(len(dataset.train), SETTLED, seed)))
    # Every other held-out row: what is weighed on them must be scored on the rest.
    half = range(0, len(dataset.held_out), 2)
    held_out = dataset.held_out.take([half[at] for at in sorted(some_of(len(half), SETTLED, seed))])
    return replace(artefact, kept=settle(artefact.trained, train, held_out, seed))


def calibrated(artefact: Artefact, dataset: Dataset) -> Artefact:
    """The same artefact with scales that turn logits into probabilities.

    Source: Platt 1999, Probabilistic outputs for support vector machines, section 2.
    """
    (real, real_own), (fake, fake_own) = (
        _logits(artefact, each) for each in _heaps(artefact, dataset)
    )
    update = {"scale": _scale(real, fake)}
    least = min(len(real_own), len(fake_own))
    if least >= FEWEST:
        update["scale_of_class"] = _scale(real_own[:least], fake_own[:least])
    return replace(artefact, card=artefact.card.model_copy(update=update))


def _heaps(artefact: Artefact, dataset: Dataset) -> tuple[Iterator[Batch], Iterator[Batch]]:
    """Held-out reals and as many fakes, each with its class, in parts that memory has room for."""
    count, seed = min(len(dataset.held_out), JUDGED), artefact.card.seed
    rows = some_of(len(dataset.held_out), count, seed)
    part = within_memory(256, artefact.card.spec.shape)
    starts = range(0, count, part)
    fresh = seed_at(seed, 1)

    def made(start: int) -> Batch:
        told = artefact.held_out_conditions(held_out(start), seed=fresh, start=start)
        return Batch(artefact.fakes(told, seed=fresh, start=start), told)

    def held_out(start: int) -> Batch:
        return dataset.held_out.take(rows[start : start + part])

    def real(start: int) -> Batch:
        return artefact.recipe.at_use(held_out(start), artefact.card.spec)

    reals = (real(start) for start in starts)
    return reals, (made(start) for start in starts)


def _logits(artefact: Artefact, parts: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Of samples as the class that fits each best, and as their own class where that is known."""
    best: list[Tensor] = []
    own: list[Tensor] = []
    for batch in parts:
        best.append(artefact.logits(batch.real))
        if not artefact.classes:
            continue
        known = batch[batch.condition.vector.sum(1).nonzero().squeeze(1)]
        own.append(artefact.logits(known.real, known.condition))
    return torch.cat(best), torch.cat([torch.zeros(0), *own])


def _scale(real: Tensor, fake: Tensor) -> Scale:
    slope, offset = _platt(real, fake)
    shares = torch.tensor(QUANTILES)
    usual: list[tuple[float, ...]] = []
    for logits in (real, fake):
        chances: list[float] = (logits * slope + offset).sigmoid().quantile(shares).tolist()
        usual.append(tuple(round(chance, 4) for chance in chances))
    return Scale(slope=slope, offset=offset, real=usual[0], fake=usual[1], count=len(real))


def _platt(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Slope and offset of a logistic regression on one number, by Newton's method."""
    logits = torch.cat([real, fake]).double()
    centre, spread = logits.mean(), logits.std().clamp_min(1e-12)
    x = torch.stack([(logits - centre) / spread, torch.ones_like(logits)], 1)
    # Platt's targets: not quite 1 and 0, so that separable data do not give infinite slopes.
    target = torch.cat(
        [
            torch.full((len(real),), (len(real) + 1) / (len(real) + 2)),
            torch.full((len(fake),), 1 / (len(fake) + 2)),
        ]
    ).double()
    weights: Tensor = torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        chance: Tensor = (x @ weights).sigmoid()
        bend = (chance * (1 - chance)).clamp_min(1e-9)
        hessian = x.T @ (x * bend[:, None]) + 1e-9 * torch.eye(2, dtype=torch.float64)
        step = _solved(hessian, x.T @ (target - chance))
        before = binary_cross_entropy_with_logits(x @ weights, target)
        while step.abs().max() > 1e-9:
            if binary_cross_entropy_with_logits(x @ (weights + step), target) <= before:
                break
            step *= 0.5
        weights += step
        if step.abs().max() < 1e-9:
            break
    slope = float(weights[0] / spread)
    # A judge that ranks fakes above reals on unseen data knows nothing: say so with a flat scale.
    if slope < 0:
        return 0.0, 0.0
    return slope, float(weights[1] - weights[0] * centre / spread)


def _solved(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.linalg.solve(matrix, vector)


def judged_afresh(artefact: Artefact, dataset: Dataset) -> Artefact:
    """The same artefact with the verdict of a fresh critic on its card.

    The duel's own discriminator proves nothing: it may be weak. A critic that was never part of
    the duel learns from half of held-out reals and fakes and is tested on the other half.
    """
    table = bool(artefact.card.spec.table.cardinalities)
    rows, steps = (TABLE_ROWS, TABLE_STEPS) if table else (CRITIC_ROWS, CRITIC_STEPS)
    most = within_memory(rows, artefact.card.spec.shape)
    count, seed = min(len(dataset.held_out), most), artefact.card.seed
    if count < FEWEST:
        return artefact
    held_out = dataset.held_out.take(some_of(len(dataset.held_out), count, seed))
    real, fresh = artefact.view(held_out.real), seed_at(seed, 2)
    fake = artefact.view(artefact.fakes_like(held_out, seed=fresh))
    # Waves over so many axes would hide from it which values occur together (measured).
    eye = Plain(real.shape[1]) if table else None
    found = fresh_critic(real, fake, seed=seed, steps=steps, features=eye)
    return replace(artefact, card=artefact.card.model_copy(update={"critic": asdict(found)}))


def proof(card: Card) -> str:
    """What the fresh critic found, in a sentence."""
    found = card.critic
    if not found:
        return "Too little was held out for a fresh critic to judge."
    words = (
        f"A fresh critic tells {found['accuracy']:.1%} of held-out reals and fakes rightly "
        f"({found['low']:.1%} to {found['high']:.1%}, {found['tested']} samples); 50 % is a coin"
    )
    if found["low"] <= COIN and found["high"] > UNSURE:
        return f"{words}: these are too few to say whether it sees a difference."
    if found["low"] <= COIN:
        return f"{words}: as far as this test can see, real and fake are 50:50."
    return f"{words}: it still sees a difference."


def _samples(artefact: Artefact, out: Path) -> None:
    seed, classes = artefact.card.seed, len(artefact.classes)
    told = (
        grid_conditions(artefact.card.spec.shape, classes, 64)
        if classes
        else artefact.conditions(64, seed=seed)
    )
    with writing(out / "grid.png"):
        grid_png(artefact.fakes(told, seed=seed), out / "grid.png", columns(64))


def _answers(artefact: Artefact, held_out: Rows, out: Path) -> None:
    some = held_out.take(some_of(len(held_out), ANSWERS, artefact.card.seed))
    given = artefact.recipe.at_use(some, artefact.card.spec)
    made = artefact.fakes(given.condition, seed=artefact.card.seed)
    with writing(out / "grid.png"):
        answers_png(given, made, out / "grid.png")


def finish(artefact: Artefact, out: Path, held_out: Rows | None = None) -> Artefact:
    """Save the artefact, its grid and its model card; answers are shown to held-out pictures."""
    if isinstance(artefact.codecs["sample"], ImageCodec):
        if held_out is not None and artefact.recipe.conditional:
            _answers(artefact, held_out, out)
        elif not artefact.recipe.conditional:
            _samples(artefact, out)

    artefact.save(out)
    write_whole(out / "README.md", model_card(artefact, out.resolve().name).encode())
    return artefact


def model_card(artefact: Artefact, name: str) -> str:
    """The README of the folder ``name``, a model card as the Hugging Face hub reads it."""
    card, fitted = artefact.card, artefact.recipe.training.fit is not None
    pictures = len(card.spec.shape) == 3
    size = "x".join(str(side) for side in card.spec.shape)
    codec = artefact.codecs["sample"]
    table = codec if isinstance(codec, TableCodec) else None
    what = f"rows of {len(table.columns)} columns" if table else f"samples of {size}"
    lines = [
        "---",
        "library_name: gannet",
        *(["pipeline_tag: unconditional-image-generation"] if pictures else []),
        "tags: [gan, gannet, " + ("image-generation" if pictures else "tabular") + "]",
        "---",
        "",
        f"# {card.data.get('name') or 'samples'}: a generator made with gannet",
        "",
        f"Recipe `{card.recipe}`, {'fitted at once' if fitted else f'{card.steps} steps'}, "
        f"seed {card.seed}, gannet {card.gannet}. Trained on {card.data['train']} {what}; "
        f"{card.data['held_out']} were held out.",
        "",
        *(["![samples](grid.png)", ""] if pictures else []),
        f"**A baseline: {card.verdict['name']}.** {card.verdict['evidence']}."
        if fitted
        else f"**Health at the end: {card.verdict['name']}.** {card.verdict['evidence']}. "
        f"Stopped because: {card.verdict['stopped']}.",
        "",
        _distance(card.distance),
        "",
        proof(card),
        "",
        "## Use",
        "",
        "```python",
        "import gannet",
        "",
        f"model = gannet.load({json.dumps(name)})",
        _usage(artefact),
        "```",
        "",
        "It had no opponent, so that it judges nothing."
        if fitted
        else "The discriminator's probabilities are fitted on held-out data and on fakes of this "
        "very generator; they say little about fakes from elsewhere.",
    ]
    if artefact.classes:
        lines += ["", "Classes: " + ", ".join(artefact.classes) + "."]
    if table:
        lines += ["", "## Columns", "", *(f"- {words}" for words in table.describe())]
        lines += ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join(lines) + "\n"


def _usage(artefact: Artefact) -> str:
    """A line of Python that does what the recipe is for."""
    if artefact.recipe.conditional:
        return 'picture = model.apply("in.png")  # draws=5 for five different ones'
    if artefact.recipe.inference.transform is not None:
        return 'filled = model.apply("holes.csv")  # draws=5 for five draws'
    if artefact.card.spec.table.cardinalities:
        return "rows = model.sample(1000, seed=0)"
    return "samples = model.sample(16, seed=0)"


def _distance(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "Distance to held-out data: not measured, the run was stopped before its first look."
    value, error, floor = (
        "not known" if found[name] is None else f"{found[name]:.3g}"
        for name in ("value", "error", "floor")
    )
    return (
        f"Distance to held-out data ({found['name']}): {value}, standard error {error}; training "
        f"data themselves stand at {floor}."
    )
