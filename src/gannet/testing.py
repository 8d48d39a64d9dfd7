"""The laws that every recipe, codec and metric must keep, ours or yours.

In a test: ``check_recipe(recipe, batch)``, ``check_codec(codec, raws, folder, ".png")``,
``check_metric(metric, "low")``. Each trains or computes a little, takes seconds, and raises an
``AssertionError`` that begins with the name of the law that is broken.
"""

from __future__ import annotations

import inspect
import io
import json
import math
from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise, repeat
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.config import C, parse
from gannet.core.errors import ConfigError
from gannet.core.recipe import Fit, Recipe
from gannet.core.types import Batch, Condition, Spec, Terms, trainable
from gannet.modalities.registry import codec_of, modality_modules
from gannet.training.trainer import Duel

R = TypeVar("R")
Fault = Literal["shift", "collapse"]


def changed(recipe: Recipe[C], **fields: Any) -> Recipe[C]:
    """The same recipe with other fields in its records, as ``changed(recipe, build=build)``."""
    records: dict[str, Any] = {}
    for name in ("inputs", "training", "inference", "evaluation"):
        record = getattr(recipe, name)
        own = {each: fields.pop(each) for each in record.__dataclass_fields__ if each in fields}
        records[name] = replace(record, **own)
    return replace(recipe, **records, **fields)


def check_recipe(recipe: Recipe[C], batch: Batch, **settings: object) -> None:
    """Train a little on one small batch and check each law in turn.

    Args:
        recipe: What is checked.
        batch: At least two rows, as the codecs give them.
        settings: For small networks, so that it takes seconds.

    Raises:
        AssertionError: naming the law that is broken, and by what.
    """
    assert len(batch) > 1, "a batch of one has no neighbours to depend on"
    config = recipe.config.model_validate({"steps": 4, "batch": len(batch), **settings})
    assert recipe.config.model_validate_json(config.model_dump_json()) == config, (
        "settings: the JSON round trip changes them"
    )
    _check_schedule(recipe, config)
    problem = _check_corrupt(recipe, batch, config)
    spec = Spec.of(problem)
    if recipe.training.fit is not None:
        _check_fit(recipe, recipe.training.fit, problem, config)
        return

    def start() -> Duel[C]:
        return Duel(recipe, config, spec)

    _check_optimizers(recipe, config, spec)
    _check_same(start().players.state_dict(), start().players.state_dict(), "build: the same seed")
    for name in start().sides:
        _check_terms(start, name, problem)
    _check_training(start, batch)
    _check_samples(start(), problem.condition)


def _check_fit(recipe: Recipe[C], fit: Fit[C], train: Batch, config: C) -> None:
    """A recipe that is fitted at once gives a function of its rows, which what is built holds."""
    spec, before = Spec.of(train), deepcopy(train)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = fit(config, spec, train).eval()
        torch.manual_seed(1)
        second = fit(config, spec, train)
    assert _alike(before, train), "fit: changes the rows"
    _check_same(first.state_dict(), second.state_dict(), "fit: asked twice, it")
    blank = recipe.inference.model(recipe.training.build(config, spec)).eval()
    built = {name: value.shape for name, value in blank.state_dict().items()}
    made = {name: value.shape for name, value in first.state_dict().items()}
    assert built == made, f"fit: gives numbers {made}, build has room for {built}"
    fewer = {name: value.shape for name, value in fit(config, spec, train[:2]).state_dict().items()}
    assert fewer == made, "fit: sizes hang on the number of rows, not on settings"
    whole = dict(first.state_dict())
    idle = all(map(torch.equal, whole.values(), blank.state_dict().values()))
    assert not idle, "fit: learns nothing"
    blank.load_state_dict(whole)
    _check_inferred(partial(recipe.inference.infer, first), train.condition, config)
    noise = torch.randn(len(train), config.noise)
    pair = (recipe.inference.infer(each, noise, train.condition, config) for each in (first, blank))
    assert torch.equal(*pair), "fit: keeps something outside its state"


def _check_optimizers(recipe: Recipe[C], config: C, spec: Spec) -> None:
    """Each player has losses and an optimizer, which moves all of its weights and no others."""
    players = recipe.training.build(config, spec)
    optimizers, named = recipe.training.optimizers(config, players), players.by_name
    for law, found in (("losses", recipe.training.losses), ("optimizers", optimizers)):
        missing, strange = sorted(named.keys() - found), sorted(found.keys() - named)
        assert not missing, f"{law}: none for {', '.join(missing)}"
        assert not strange, f"{law}: of {', '.join(strange)}, who does not play"
    for name, network in named.items():
        moved = {id(each) for group in optimizers[name].param_groups for each in group["params"]}
        own = {id(weight) for weight in trainable(network)}
        assert own <= moved, f"optimizers: that of the {name} leaves {len(own - moved)} weights out"
        assert moved <= own, f"optimizers: that of the {name} moves weights that are not its own"


def _check_schedule(recipe: Recipe[C], config: C) -> None:
    for share in (0.0, 0.5, 1.0):
        now = recipe.training.schedule(config, share)
        assert _valid(now, config), f"schedule: at a share of {share} the settings are not valid"
        assert recipe.training.schedule(config, share) == now, (
            "schedule: asked twice, it answers otherwise"
        )


def _valid(now: C, config: C) -> bool:
    try:
        return parse(type(config), now.model_dump()) == now
    except ConfigError:
        return False


def _check_corrupt(recipe: Recipe[C], batch: Batch, config: C) -> Batch:
    before = deepcopy(batch)
    first, second = (
        recipe.training.corrupt(batch, torch.Generator().manual_seed(0), config) for _ in range(2)
    )
    assert _alike(before, batch), "corrupt: changes the batch"
    assert _alike(first, second), "corrupt: draws from elsewhere than the generator it is given"
    return first


def _check_terms(start: Callable[[], Duel[C]], name: str, problem: Batch) -> None:
    """The laws of one side's terms, on a copy of the duel for each call."""
    (duel, terms), (_, again) = _terms(start(), name, problem), _terms(start(), name, problem)
    law = f"{name}_losses"
    assert terms, f"{law}: names no term"
    for each, term in terms.items():
        assert each.isidentifier(), f"{law}: {each!r} is no name"
        assert term.shape == (), f"{law}: {each!r} is no scalar but {tuple(term.shape)}"
        assert term.isfinite(), f"{law}: {each!r} is not finite at first but {term.item()}"
        assert each in again, f"{law}: not repeatable, {each!r} comes and goes"
        assert torch.equal(term, again[each]), f"{law}: not repeatable, {each!r} differs"
    side, fresh = duel.sides[name], start()
    torch.stack([*terms.values()]).sum().backward()
    idle = sum(weight.grad is None for weight in side.weights)
    assert not idle, f"{law}: leaves {idle} of {len(side.weights)} weights untrained"
    own = {id(weight) for weight in side.weights}
    for each in duel.sides.values():
        # What two players share, either of them trains.
        others = [weight for weight in each.weights if id(weight) not in own]
        trained = sum(weight.requires_grad or weight.grad is not None for weight in others)
        assert not trained, f"{law}: trains {trained} weights of the {each.name}"
        still = all(map(torch.equal, each.weights, fresh.sides[each.name].weights))
        assert still, f"{law}: changes weights of the {each.name} by itself"


def _terms(duel: Duel[C], name: str, problem: Batch) -> tuple[Duel[C], Terms]:
    side = duel.sides[name]
    duel.let_learn(side)
    before = deepcopy(problem)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        noise = torch.randn(len(problem), duel.config.noise)
        terms = side.terms(duel.players, problem, noise, duel.config)
    assert _alike(before, problem), f"{name}_losses: changes the batch"
    clean = not any(part.requires_grad for part in _tensors(problem))
    assert clean, f"{name}_losses: leaves requires_grad on the batch"
    return duel, terms


def _check_training(start: Callable[[], Duel[C]], batch: Batch) -> None:
    """All sides learn; killed half-way, a run ends with the same bits."""
    whole, first, second = start(), start(), start()
    for progress in whole.run(repeat(batch)):
        progress.numbers()
    for name, side in whole.sides.items():
        pairs = zip(side.weights, second.sides[name].weights, strict=True)
        moved = any(not torch.equal(after, before) for after, before in pairs)
        assert moved, f"training: the {name} stands still"
    list(islice(first.run(repeat(batch)), whole.config.steps // 2))
    saved = io.BytesIO()
    torch.save(first.state_dict(), saved)
    saved.seek(0)
    second.load_state_dict(torch.load(saved, weights_only=True))
    list(second.run(repeat(batch)))
    _check_same(whole.players.state_dict(), second.players.state_dict(), "resume: a resumed run")
    _check_same(whole.average.state_dict(), second.average.state_dict(), "resume: a resumed run")


def _check_same(one: dict[str, Any], other: dict[str, Any], law: str) -> None:
    assert one.keys() == other.keys(), f"{law} has other weights"
    for name, weight in one.items():
        assert torch.equal(weight, other[name]), f"{law} gives another {name}"


def _check_samples(duel: Duel[C], told: Condition) -> None:
    _check_inferred(partial(duel.recipe.inference.infer, duel.average), told, duel.config)


def _check_inferred(
    use: Callable[[Tensor, Condition, C], Tensor], told: Condition, config: C
) -> None:
    noise = torch.randn(len(told), config.noise, generator=torch.Generator().manual_seed(1))

    def infer(rows: slice) -> Tensor:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            return use(noise[rows], told[rows], config)

    together, alone = infer(slice(None)), infer(slice(0, 1))
    assert len(together) == len(told), "infer: does not give one sample per condition"
    assert together.isfinite().all(), "infer: gives numbers that are not finite"
    assert torch.equal(together, infer(slice(None))), "infer: asked twice, it answers otherwise"
    # Sums over batches of different sizes are blocked differently, hence no equality of bits.
    near = torch.allclose(alone, together[:1], atol=1e-5)
    assert near, "infer: a sample depends on its neighbours"


def _tensors(batch: Batch) -> tuple[Tensor, ...]:
    told = batch.condition
    return batch.real, told.vector, told.grid, told.tokens


def _alike(one: Batch, other: Batch) -> bool:
    return all(map(torch.equal, _tensors(one), _tensors(other)))


def check_codec(codec: Codec[R], raws: Sequence[R], folder: Path, suffix: str) -> None:
    """Encode, decode, save and load some raw samples and check each law in turn.

    Args:
        codec: Fitted to data like ``raws``.
        raws: At least two samples.
        folder: An existing place for one file.
        suffix: Of a file format that loses nothing, such as ``.png``.

    Raises:
        AssertionError: naming the law that is broken, and by what.
    """
    assert len(raws) > 1, "one sample cannot show that a list equals its parts"
    before = deepcopy(list(raws))
    encoded = codec.encode(raws)
    size = (len(raws), *codec.shape)
    assert tuple(encoded.shape) == size, f"shape: encodes to {tuple(encoded.shape)}, not {size}"
    assert encoded.dtype == torch.float32, f"shape: encodes to {encoded.dtype}"
    assert encoded.isfinite().all(), "shape: encodes to numbers that are not finite"
    _check_equal(codec, before, raws, "purity: encoding changes the raw samples")
    _check_equal(codec, raws, codec.decode(encoded), "round trip: decode(encode(x)) is not x")
    parts = torch.cat([codec.encode([raw]) for raw in raws])
    assert torch.equal(encoded, parts), "parts: encoding a list differs from encoding its parts"
    nothing = codec.encode([])
    assert tuple(nothing.shape) == (0, *codec.shape), "parts: the empty list has another shape"
    assert codec.decode(nothing) == [], "parts: nothing decodes to something"
    _check_squash(codec)
    _check_state(codec, raws)
    path = folder / f"sample{suffix}"
    codec.write(raws[0], path)
    _check_equal(codec, raws[:1], [codec.read(path)], "file: read(write(x)) is not x")


def _check_squash(codec: Codec[Any]) -> None:
    rng = torch.Generator().manual_seed(0)
    for scale in (1.0, 100.0):
        output = (scale * torch.randn(8, *codec.shape, generator=rng)).requires_grad_()
        before = output.detach().clone()
        made = codec.squash(output)
        assert torch.equal(before, output), "squash: changes what it is given"
        assert made.isfinite().all(), "squash: gives numbers that are not finite"
        assert made.shape == output.shape, "squash: changes the shape"
        raws = codec.decode(made)
        assert len(raws) == len(made), "squash: loses samples in decoding"
        again = codec.decode(codec.encode(raws))
        _check_equal(codec, raws, again, "squash: what it gives does not decode to raw samples")
        assert len(codec.decode(before)) == len(before), "decode: fails on finite numbers"
        if scale == 1.0:
            _check_gradient(made, output)


def _check_gradient(made: Tensor, output: Tensor) -> None:
    assert made.requires_grad, "gradient: squash cuts it off"
    (gradient,) = torch.autograd.grad(made.square().sum(), output)
    assert gradient.isfinite().all(), "gradient: of squash is not finite"
    assert gradient.abs().sum() > 0, "gradient: of squash is zero everywhere"


def _check_state(codec: Codec[R], raws: Sequence[R]) -> None:
    """What a card keeps must be enough to decode."""
    state = json.loads(json.dumps(codec.model_dump(mode="json")))
    # A codec of another package is not in our list of kinds.
    rebuilt = (
        codec_of(codec.kind, state) if codec.kind in modality_modules() else _revived(codec, state)
    )
    assert rebuilt.model_dump(mode="json") == state, "state: the JSON round trip changes it"
    same = torch.equal(rebuilt.encode(raws), codec.encode(raws))
    assert same, "state: rebuilt from its JSON, the codec encodes otherwise"


def _revived(codec: Codec[R], state: dict[str, object]) -> Codec[R]:
    found: Codec[R] = getattr(type(codec), "model_validate")(state)  # noqa: B009 # not in the protocol
    return found


def _check_equal(codec: Codec[R], wanted: Sequence[R], got: Sequence[R], law: str) -> None:
    assert len(wanted) == len(got), f"{law}: {len(got)} samples instead of {len(wanted)}"
    for row, (one, other) in enumerate(zip(wanted, got, strict=True)):
        assert _near(one, other, codec.tolerance), f"{law}: row {row} is {other!r}, not {one!r}"


def _near(one: object, other: object, tolerance: float) -> bool:
    if not isinstance(one, np.ndarray):
        return one == other
    left: NDArray[Any] = one
    right: NDArray[Any] = np.asarray(other)
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    # The tolerance is for numbers of size one; larger ones have as many digits.
    return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance))


def check_metric(
    metric: Callable[..., float],
    better: Literal["low", "high"],
    *,
    least: float = -math.inf,
    most: float = math.inf,
    symmetric: bool = False,
    sees: Collection[Fault] = ("shift", "collapse"),
    width: int = 6,
) -> None:
    """Compare heaps of Gaussian features and check each law in turn.

    Args:
        metric: ``(real (N, F), fake (M, F)) -> number``; a parameter ``cells``, if it has one,
            bounds what is held in memory at once.
        better: Which end is good.
        least: What it can never be below.
        most: What it can never be above.
        symmetric: Whether reals and fakes may change places.
        sees: Faults that it is there to notice: fakes in the wrong place, fakes all alike.
        width: Features per sample.

    Raises:
        AssertionError: naming the law that is broken, and by what.
    """
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 160, width, generator=rng)
    pairs = {
        "equal": (real, real.clone()),
        "halves": (real, fake),
        "near": (real, fake + 0.5),
        "shift": (real, fake + 3),
        "collapse": (real, real[:1].expand(160, -1).clone()),
        "fewer": (real, fake[:70]),
    }
    values = {name: _measured(metric, *pair) for name, pair in pairs.items()}
    for name, value in values.items():
        assert math.isfinite(value), f"finite: {name} gives {value}"
        assert least <= value <= most, f"bounds: {name} gives {value}, not {least}..{most}"
    _check_value(metric, real, fake)
    if symmetric:
        _check_close(metric(fake + 0.5, real), values["near"], "symmetry: exchanging the two")
    sign = 1 if better == "high" else -1
    rising = ["shift", "near", "halves", "equal"] if "shift" in sees else ["halves", "equal"]
    for worse, good in pairwise(rising):
        slack = 1e-6 * (abs(values[worse]) + abs(values[good]))
        ordered = sign * values[good] >= sign * values[worse] - slack
        assert ordered, f"order: {good} {values[good]} is worse than {worse} {values[worse]}"
    for fault in sees:
        told = sign * values["halves"] > sign * values[fault]
        assert told, f"order: {fault} {values[fault]} is no worse than halves {values['halves']}"


def _measured(metric: Callable[..., float], real: Tensor, fake: Tensor) -> float:
    before = real.clone(), fake.clone()
    value = metric(real, fake)
    same = torch.equal(before[0], real) and torch.equal(before[1], fake)
    assert same, "purity: the metric changes its arguments"
    assert type(value) is float, f"finite: gives a {type(value).__name__}, not a float"
    assert metric(real, fake) == value, "purity: asked twice, the metric answers otherwise"
    return value


def _check_value(metric: Callable[..., float], real: Tensor, fake: Tensor) -> None:
    """What must not matter: the order of rows, the number format, the size of chunks."""
    value = metric(real, fake)
    mixed = torch.randperm(len(real), generator=torch.Generator().manual_seed(1))
    _check_close(metric(real[mixed], fake.flip(0)), value, "permutation: another order of rows")
    _check_close(metric(real.double(), fake.double()), value, "digits: 64 instead of 32 bit")
    if "cells" in inspect.signature(metric).parameters:
        _check_close(metric(real, fake, cells=500), value, "chunks: another size")


def _check_close(got: float, wanted: float, law: str) -> None:
    near = math.isclose(got, wanted, rel_tol=1e-4, abs_tol=1e-6)
    assert near, f"{law} gives {got}, not {wanted}"
