"""The laws of a recipe."""

from __future__ import annotations

import io
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import islice, repeat
from typing import Any

import torch
from torch import Tensor

from gannet.core.config import C, parse
from gannet.core.errors import ConfigError
from gannet.core.recipe import Fit, Recipe
from gannet.core.types import Batch, Condition, Losses, Spec, trainable
from gannet.training.trainer import Trainer


def changed(recipe: Recipe[C], **fields: Any) -> Recipe[C]:
    """The recipe with some fields of its records replaced: ``changed(recipe, build=build)``."""
    records: dict[str, Any] = {}
    for name in ("inputs", "training", "inference", "evaluation"):
        record = getattr(recipe, name)
        own = {each: fields.pop(each) for each in record.__dataclass_fields__ if each in fields}
        records[name] = replace(record, **own)
    return replace(recipe, **records, **fields)


def check_recipe(recipe: Recipe[C], batch: Batch, **settings: object) -> None:
    """Train a little on one small batch and check each law in turn.

    Args:
        recipe: The recipe to check.
        batch: At least two encoded rows.
        settings: For small networks, so that it takes seconds.

    Raises:
        AssertionError: naming the broken law and the cause.
    """
    assert len(batch) > 1, "at least two rows are needed to test that they are independent"
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

    def start() -> Trainer[C]:
        return Trainer(recipe, config, spec)

    _check_optimizers(recipe, config, spec)
    _check_same(
        start().networks.state_dict(), start().networks.state_dict(), "build: the same seed"
    )
    for name in start().players:
        _check_losses(start, name, problem)
    _check_training(start, batch)
    _check_samples(start(), problem.condition)


def _check_fit(recipe: Recipe[C], fit: Fit[C], train: Batch, config: C) -> None:
    """A closed-form fit depends on its rows only, and its state fits the model that is built."""
    spec, before = Spec.of(train), deepcopy(train)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = fit(config, spec, train).eval()
        torch.manual_seed(1)
        second = fit(config, spec, train)
    assert _equal_batches(before, train), "fit: changes the rows"
    _check_same(first.state_dict(), second.state_dict(), "fit: a second call")
    blank = recipe.inference.model(recipe.training.build(config, spec)).eval()
    built_shapes = {name: value.shape for name, value in blank.state_dict().items()}
    fitted_shapes = {name: value.shape for name, value in first.state_dict().items()}
    assert built_shapes == fitted_shapes, (
        f"fit: gives tensors of shapes {fitted_shapes}, build expects {built_shapes}"
    )
    fewer_shapes = {
        name: value.shape for name, value in fit(config, spec, train[:2]).state_dict().items()
    }
    assert fewer_shapes == fitted_shapes, "fit: shapes depend on the number of rows"
    whole = dict(first.state_dict())
    idle = all(map(torch.equal, whole.values(), blank.state_dict().values()))
    assert not idle, "fit: learns nothing"
    blank.load_state_dict(whole)
    _check_inferred(partial(recipe.inference.infer, first), train.condition, config)
    noise = torch.randn(len(train), config.latent_dim)
    pair = (recipe.inference.infer(each, noise, train.condition, config) for each in (first, blank))
    assert torch.equal(*pair), "fit: the model depends on more than its state_dict"


def _check_optimizers(recipe: Recipe[C], config: C, spec: Spec) -> None:
    """Each player has losses and an optimizer of all of its weights and no others."""
    networks = recipe.training.build(config, spec)
    optimizers, named = recipe.training.optimizers(config, networks), networks.by_name
    for law, by_player in (("losses", recipe.training.losses), ("optimizers", optimizers)):
        missing, strange = sorted(named.keys() - by_player), sorted(by_player.keys() - named)
        assert not missing, f"{law}: none for {', '.join(missing)}"
        assert not strange, f"{law}: {', '.join(strange)} is not a player"
    for name, network in named.items():
        moved = {id(each) for group in optimizers[name].param_groups for each in group["params"]}
        own = {id(weight) for weight in trainable(network)}
        assert own <= moved, f"optimizers: that of the {name} leaves {len(own - moved)} weights out"
        assert moved <= own, f"optimizers: that of the {name} moves weights that are not its own"


def _check_schedule(recipe: Recipe[C], config: C) -> None:
    for progress in (0.0, 0.5, 1.0):
        now = recipe.training.schedule(config, progress)
        assert _valid(now, config), f"schedule: at progress {progress} the settings are not valid"
        assert recipe.training.schedule(config, progress) == now, (
            "schedule: a second call gives other settings"
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
    assert _equal_batches(before, batch), "corrupt: changes the batch"
    assert _equal_batches(first, second), "corrupt: draws random numbers from another generator"
    return first


def _check_losses(start: Callable[[], Trainer[C]], name: str, problem: Batch) -> None:
    """The laws of one player's losses, with a new trainer for each call."""
    (trainer, losses), (_, again) = (
        _compute_losses(start(), name, problem),
        _compute_losses(start(), name, problem),
    )
    law = f"{name}_losses"
    assert losses, f"{law}: gives no loss"
    for each, term in losses.items():
        assert each.isidentifier(), f"{law}: {each!r} is not an identifier"
        assert term.shape == (), f"{law}: {each!r} is not a scalar but {tuple(term.shape)}"
        assert term.isfinite(), f"{law}: {each!r} is not finite at the start but {term.item()}"
        assert each in again, f"{law}: not repeatable, {each!r} is missing in a second call"
        assert torch.equal(term, again[each]), f"{law}: not repeatable, {each!r} differs"
    side, untouched = trainer.players[name], start()
    torch.stack([*losses.values()]).sum().backward()
    idle = sum(weight.grad is None for weight in side.weights)
    assert not idle, f"{law}: leaves {idle} of {len(side.weights)} weights untrained"
    own = {id(weight) for weight in side.weights}
    for each in trainer.players.values():
        # Weights that two players share may be trained by either.
        others = [weight for weight in each.weights if id(weight) not in own]
        trained = sum(weight.requires_grad or weight.grad is not None for weight in others)
        assert not trained, f"{law}: trains {trained} weights of the {each.name}"
        still = all(map(torch.equal, each.weights, untouched.players[each.name].weights))
        assert still, f"{law}: changes weights of the {each.name} in place"


def _compute_losses(trainer: Trainer[C], name: str, problem: Batch) -> tuple[Trainer[C], Losses]:
    side = trainer.players[name]
    trainer.train_only(side)
    before = deepcopy(problem)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        noise = torch.randn(len(problem), trainer.config.latent_dim)
        losses = side.losses(trainer.networks, problem, noise, trainer.config)
    assert _equal_batches(before, problem), f"{name}_losses: changes the batch"
    clean = not any(part.requires_grad for part in _tensors(problem))
    assert clean, f"{name}_losses: leaves requires_grad on the batch"
    return trainer, losses


def _check_training(start: Callable[[], Trainer[C]], batch: Batch) -> None:
    """All players train; a run that is stopped half-way and resumed ends bitwise equal."""
    whole, first, second = start(), start(), start()
    for result in whole.run(repeat(batch)):
        result.numbers()
    for name, side in whole.players.items():
        pairs = zip(side.weights, second.players[name].weights, strict=True)
        moved = any(not torch.equal(after, before) for after, before in pairs)
        assert moved, f"training: the weights of the {name} do not change"
    list(islice(first.run(repeat(batch)), whole.config.steps // 2))
    saved = io.BytesIO()
    torch.save(first.state_dict(), saved)
    saved.seek(0)
    second.load_state_dict(torch.load(saved, weights_only=True))
    list(second.run(repeat(batch)))
    _check_same(whole.networks.state_dict(), second.networks.state_dict(), "resume: a resumed run")
    _check_same(whole.ema.state_dict(), second.ema.state_dict(), "resume: a resumed run")


def _check_same(one: dict[str, Any], other: dict[str, Any], law: str) -> None:
    assert one.keys() == other.keys(), f"{law} has other weights"
    for name, weight in one.items():
        assert torch.equal(weight, other[name]), f"{law} gives another {name}"


def _check_samples(trainer: Trainer[C], condition: Condition) -> None:
    _check_inferred(partial(trainer.recipe.inference.infer, trainer.ema), condition, trainer.config)


def _check_inferred(
    use: Callable[[Tensor, Condition, C], Tensor], condition: Condition, config: C
) -> None:
    noise = torch.randn(
        len(condition), config.latent_dim, generator=torch.Generator().manual_seed(1)
    )

    def infer(rows: slice) -> Tensor:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            return use(noise[rows], condition[rows], config)

    together, alone = infer(slice(None)), infer(slice(0, 1))
    assert len(together) == len(condition), "infer: does not give one sample per condition"
    assert together.isfinite().all(), "infer: gives numbers that are not finite"
    assert torch.equal(together, infer(slice(None))), "infer: a second call gives other samples"
    # Floating-point sums differ with the batch size, hence no bitwise equality.
    near = torch.allclose(alone, together[:1], atol=1e-5)
    assert near, "infer: a sample depends on the rest of the batch"


def _tensors(batch: Batch) -> tuple[Tensor, ...]:
    condition = batch.condition
    return batch.real, condition.vector, condition.grid, condition.tokens


def _equal_batches(one: Batch, other: Batch) -> bool:
    return all(map(torch.equal, _tensors(one), _tensors(other)))
