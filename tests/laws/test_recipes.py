"""Every recipe of the catalogue keeps the laws, and every law catches who breaks it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gannet.core.device import adam
from gannet.core.recipe import adam_per_player
from gannet.core.types import Batch, Condition, Networks, TableLayout
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.testing import changed, check_recipe

KNOWN = {
    "autoencoder",
    "baseline_copula",
    "generate",
    "impute",
    "inpaint",
    "baseline_mean",
    "baseline_copies",
    "baseline_shuffle",
    "super_resolve",
    "table",
    "translate",
    "translate_unpaired",
    "vae",
}
SMALL = {"width": 4, "latent_dim": 6}


def told(real, classes):
    """A condition with every other row labelled."""
    blank = Condition.none(real)
    vector = torch.zeros(len(real), classes)
    if classes:
        vector[torch.arange(0, len(real), 2), torch.arange(0, len(real), 2) % classes] = 1
    return Condition(vector, blank.grid, blank.tokens)


def pictures(classes=0, channels=1, height=8, width=8):
    real = torch.randn(6, channels, height, width, generator=torch.Generator().manual_seed(0))
    real = real.tanh()
    return Batch(real, told(real, classes), kind="image")


def numbers(classes=0):
    real = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    return Batch(real, told(real, classes))


def examples(kind, count=6):
    """Encoded examples of a kind, as its record gives them."""
    modality = find_modality(kind)
    raws = list(modality.examples(count, np.random.default_rng(0)))
    codec = modality.codec.fit(raws)
    real = codec.encode(raws)
    table = modality.reading.table(codec)
    return Batch(real, Condition.none(real), table=table, kind=kind)


def cells():
    rng = torch.Generator().manual_seed(0)
    real = torch.stack([torch.randint(3, (6,), generator=rng), torch.arange(6) % 2], 1)
    real = torch.cat([real.float(), torch.rand(6, 1, generator=rng)], 1)
    return Batch(real, Condition.none(real), table=TableLayout((3, 2, 0)))


OWN = {
    "baseline_copula": {"stored_samples": 4},
    "baseline_copies": {"stored_samples": 4},
    "baseline_shuffle": {"stored_samples": 4},
    "inpaint": {"downsamplings": 2, "discriminator_width": 4},
    "super_resolve": {"scale": 2, "depth": 2, "detail_blocks": 1, "discriminator_width": 4},
    "translate": {"downsamplings": 2, "discriminator_width": 4},
    "translate_unpaired": {"downsamplings": 2, "discriminator_width": 4, "discriminator_levels": 2},
}
"""Settings without which a recipe would be slow, or could not take pictures this small."""

BATCHES = {
    "image": {"grey": pictures(), "colour-oblong-half-labelled": pictures(3, 3, 8, 13)},
    "vector": {"rows": numbers(), "rows-half-labelled": numbers(3)},
    "table": {"cells": cells()},
}
SIDES = {"grey-two-sides": pictures(2), "colour-oblong-two-sides": pictures(2, 3, 8, 13)}
"""For recipes that cannot do without classes; every other row is of nobody knows which."""


def batches(name):
    recipe = find_recipe(name)
    if "vector" in recipe.inputs.slots and not recipe.inputs.slots["vector"].optional:
        return SIDES
    return {
        case: batch
        for kind in recipe.inputs.slots["sample"].modalities
        for case, batch in BATCHES.get(kind, {kind: examples(kind)}).items()
    }


CASES = [
    pytest.param(name, batch, id=f"{name}-{case}")
    for name in sorted(recipe_modules())
    for case, batch in batches(name).items()
]


def beside(recipe, batch):
    """The batch with what the recipe is told in further slots, and does not make itself."""
    told = {}
    for role, slot in recipe.inputs.slots.items():
        if role in ("sample", "vector") or role in recipe.inputs.derived:
            continue
        kind = slot.modalities[0]
        alike = kind == batch.kind == "image"  # and of the same size
        told[role] = batch.real[:, :1].flip(3) if alike else examples(kind, len(batch)).real
    return replace(batch, condition=replace(batch.condition, **told))


def test_the_catalogue_holds_what_we_know_of():
    assert set(recipe_modules()) >= KNOWN


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_every_recipe_keeps_the_laws(name, batch):
    small = {"latent_dim": 6} if find_recipe(name).training.fit else SMALL
    check_recipe(find_recipe(name), beside(find_recipe(name), batch), **small | OWN.get(name, {}))


@pytest.mark.parametrize("architecture", ["mlp", "dcgan", "upsampling", "residual"])
@pytest.mark.parametrize(
    "objective",
    ["relativistic", "non_saturating", "minimax", "least_squares", "hinge", "wasserstein"],
)
def test_generate_keeps_the_laws_with_every_network_and_objective(architecture, objective):
    chosen = {"architecture": architecture, "loss": objective}
    check_recipe(find_recipe("generate"), pictures(2), **SMALL, **chosen)


@pytest.mark.parametrize(
    "chosen",
    [
        {"augment_p": 0.5},
        {"gradient_penalty": 0.0},
        {"n_critic": 2},
        {"precision": "bfloat16"},
        {"weight_clip": 0.01, "loss": "wasserstein", "gradient_penalty": 0.0, "wgan_gp": 0.0},
    ],
    ids=lambda chosen: "-".join(chosen),
)
def test_generate_keeps_the_laws_with_other_settings(chosen):
    check_recipe(find_recipe("generate"), pictures(2), **SMALL, **chosen)


@pytest.mark.parametrize(
    "chosen",
    [
        {"adversarial_weight": 0.5},
        {"gradient_penalty": 0.0},
        {"latent_dim": 2},
        {"precision": "bfloat16"},
        {"discriminator_batch": 2},
    ],
    ids=lambda chosen: "-".join(chosen),
)
def test_table_keeps_the_laws_with_other_settings(chosen):
    check_recipe(find_recipe("table"), cells(), **SMALL | chosen)


@pytest.mark.parametrize(
    "chosen", [{"gradient_penalty": 0.0}, {"max_mask_ratio": 0.3}, {"latent_dim": 2}]
)
def test_impute_keeps_the_laws_with_cells_that_are_missing(chosen):
    holed = replace(cells(), table=TableLayout((3, 2, 0), (0, -1, 0)))
    check_recipe(find_recipe("impute"), holed, **SMALL | chosen)


# Broken specimens: small, and each breaks one law of a recipe that keeps all of them. ------------
generate = find_recipe("generate")


def scaled(losses, by):
    return {name: term * by(name) for name, term in losses.items()}


def add(losses, **more):
    return dict(losses) | more


def forgets_a_weight(config, spec):
    networks = generate.training.build(config, spec)
    networks.generator.idle = nn.Linear(2, 2)
    return networks


def draws_from_numpy(config, spec):
    networks = generate.training.build(config, spec)
    with torch.no_grad():
        next(networks.generator.parameters()).add_(float(np.random.default_rng().normal()))
    return networks


def hidden_memory():
    seen = []

    def terms(networks, batch, noise, config):
        seen.append(1)
        return scaled(
            generate.training.generator_losses(networks, batch, noise, config), lambda _: len(seen)
        )

    return terms


def steps_by_itself(networks, batch, noise, config):
    losses = generate.training.discriminator_losses(networks, batch, noise, config)
    with torch.no_grad():
        next(networks.generator.parameters()).mul_(0.5)
    return losses


def wakes_the_other(networks, batch, noise, config):
    networks.discriminator.requires_grad_(True)
    return generate.training.generator_losses(networks, batch, noise, config)


def changes_the_batch(networks, batch, noise, config):
    batch.real.mul_(0.5)
    return generate.training.discriminator_losses(networks, batch, noise, config)


def marks_the_batch(networks, batch, noise, config):
    batch.real.requires_grad_(True)
    return generate.training.discriminator_losses(networks, batch, noise, config)


def with_terms(change):
    def terms(networks, batch, noise, config):
        return change(generate.training.generator_losses(networks, batch, noise, config))

    return {"generator_losses": terms}


class Forgetful(nn.Module):
    """Keeps something that counts outside its state."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.calls = inner, 0

    def forward(self, noise, condition):
        self.calls += 1
        return self.inner(noise * self.calls, condition)


def forgetful(config, spec):
    networks = generate.training.build(config, spec)
    return Networks(Forgetful(networks.generator), networks.discriminator)


def half_hides(batch, _rng, _config):
    batch.real[:1] = 0
    return batch


def other_settings(config, share):
    return config.model_copy(update={"learning_rate": -share})


SPECIMENS = {
    "schedule: at progress 0": {"schedule": other_settings},
    "schedule: a second call": {
        "schedule": lambda config, _: config.model_copy(update={"ema_decay": random.random()})
    },
    "corrupt: changes the batch": {"corrupt": half_hides},
    "corrupt: draws random numbers from another generator": {
        "corrupt": lambda batch, _rng, _: replace(batch, real=batch.real * random.random())
    },
    "build: the same seed": {"build": draws_from_numpy},
    "generator_losses: gives no loss": with_terms(lambda _: {}),
    "generator_losses: 'the loss' is not an identifier": with_terms(
        lambda losses: {"the loss": losses["adversarial"]}
    ),
    "generator_losses: 'adversarial' is not a scalar": with_terms(
        lambda losses: {"adversarial": losses["adversarial"].expand(2)}
    ),
    "generator_losses: 'adversarial' is not finite": with_terms(
        lambda losses: {"adversarial": losses["adversarial"] / 0}
    ),
    "generator_losses: not repeatable, 'adversarial'": {"generator_losses": hidden_memory()},
    "generator_losses: not repeatable, 'extra": with_terms(
        lambda losses: add(losses, **{f"extra{random.getrandbits(60)}": losses["adversarial"]})
    ),
    "generator_losses: leaves 2 of": {"build": forgets_a_weight},
    "generator_losses: trains .* weights of the discriminator": {
        "generator_losses": wakes_the_other
    },
    "discriminator_losses: changes weights of the generator": {
        "discriminator_losses": steps_by_itself
    },
    "discriminator_losses: changes the batch": {"discriminator_losses": changes_the_batch},
    "discriminator_losses: leaves requires_grad": {"discriminator_losses": marks_the_batch},
    "training: the weights of the generator do not change": with_terms(
        lambda losses: scaled(losses, lambda _: 0)
    ),
    "resume: a resumed run": {"build": forgetful},
    "infer: does not give one sample": {
        "infer": lambda net, noise, condition, _: net(noise, condition)[:1],
    },
    "infer: gives numbers that are not finite": {
        "infer": lambda net, noise, condition, _: net(noise, condition) / 0,
    },
    "infer: a second call": {
        "infer": lambda net, noise, condition, _: net(noise, condition) * random.random(),
    },
    "infer: a sample depends on the rest of the batch": {
        "infer": lambda net, noise, condition, _: (
            net(noise, condition) - net(noise, condition).mean(0)
        ),
    },
}


@pytest.mark.parametrize("law", SPECIMENS)
def test_the_laws_bite(law):
    with pytest.raises(AssertionError, match=law):
        check_recipe(changed(generate, **SPECIMENS[law]), numbers(), **SMALL)


# More than two players. --------------------------------------------------------------------------
class Headed(nn.Module):
    """A body, which others may have too, and a head of its own."""

    def __init__(self, body, width):
        super().__init__()
        self.body, self.head = body, nn.Linear(8, width)

    def forward(self, samples, condition):
        return self.head(self.body(samples).tanh()).squeeze(1)


def three_players(shared):
    """The players of ``generate`` on rows, and a classifier that may share the judge's body."""

    def build(config, spec):
        generator, body = generate.training.build(config, spec).generator, nn.Linear(3, 8)
        classifier = Headed(body if shared else nn.Linear(3, 8), 3)
        return Networks(generator, Headed(body, 1), classifier=classifier)

    return build


def classes(networks, batch, noise, config):
    logits = networks.auxiliary["classifier"](batch.real, batch.condition)
    return {"classes": cross_entropy(logits, batch.condition.vector)}


def idle(networks, batch, noise, config):
    return scaled(classes(networks, batch, noise, config), lambda _: 0)


def of_three(*, shared=False, losses=classes, **fields):
    return changed(
        generate, build=three_players(shared), auxiliary_losses={"classifier": losses}, **fields
    )


def some_adams(*names):
    """Optimizers of some players only."""

    def made(config, networks):
        found = adam_per_player(config, networks)
        return {name: found[name] for name in names}

    return made


def one_for_all(config, networks):
    every = adam(networks.parameters(), (0.0, 0.9), 1e-3)
    return adam_per_player(config, networks) | {"classifier": every}


@pytest.mark.parametrize("shared", [False, True])
def test_three_players_keep_the_laws_and_may_share_a_body(shared):
    check_recipe(of_three(shared=shared), numbers(3), **SMALL)


OF_THREE = {
    "training: the weights of the classifier do not change": {"losses": idle},
    "optimizers: none for classifier": {"optimizers": some_adams("generator", "discriminator")},
    "optimizers: none for generator": {"optimizers": some_adams("classifier", "discriminator")},
    "optimizers: that of the classifier moves weights": {"optimizers": one_for_all},
    "losses: attacker is not a player": {
        "auxiliary_losses": {"classifier": classes, "attacker": classes}
    },
    "losses: none for classifier": {"auxiliary_losses": {}},
}


@pytest.mark.parametrize("law", OF_THREE)
def test_the_laws_of_further_players_bite(law):
    broken = changed(
        of_three(losses=OF_THREE[law].get("losses", classes)),
        **{name: each for name, each in OF_THREE[law].items() if name != "losses"},
    )
    with pytest.raises(AssertionError, match=law):
        check_recipe(broken, numbers(3), **SMALL)


class Odd(nn.Module):
    """A product that remembers in the open, or not."""

    def __init__(self, size=1):
        super().__init__()
        self.register_buffer("held", torch.zeros(size, 3))
        self.beside = 0.0

    def forward(self, noise, condition):
        return self.held[:1].expand(len(noise), -1) + self.beside


def odd(rows, *, shuffled=False, beside=0.0, sized=False, spoilt=False):
    model = Odd(len(rows) if sized else 1)
    model.held += rows.real.mean(0) + (torch.rand(()) if shuffled else 0)
    model.beside = beside
    if spoilt:
        rows.real.mul_(0)
    return model


FITS = {
    "fit: a second call": {"shuffled": True},
    "fit: the model depends on more": {"beside": 1.0},
    "fit: gives tensors": {"sized": True},
    "fit: changes the rows": {"spoilt": True},
}


@pytest.mark.parametrize("law", FITS)
def test_the_laws_of_fits_bite(law):
    mean = find_recipe("baseline_mean")
    broken = changed(
        mean,
        build=lambda *_: Networks(Odd(), nn.Identity()),
        fit=lambda _config, _spec, rows: odd(rows, **FITS[law]),
    )
    check_recipe(changed(broken, fit=lambda _config, _spec, rows: odd(rows)), numbers())
    with pytest.raises(AssertionError, match=law):
        check_recipe(broken, numbers())


def test_a_fit_that_learns_nothing_or_grows_with_its_rows_is_caught():
    mean = find_recipe("baseline_mean")
    built = changed(mean, build=lambda *_: Networks(Odd(), nn.Identity()))
    with pytest.raises(AssertionError, match="learns nothing"):
        check_recipe(changed(built, fit=lambda *_: Odd()), numbers())
    wide = changed(mean, build=lambda *_: Networks(Odd(6), nn.Identity()))
    with pytest.raises(AssertionError, match="depend on the number of rows"):
        check_recipe(changed(wide, fit=lambda *args: odd(args[2], sized=True)), numbers())


def test_settings_that_json_changes_are_caught():
    class Odd(generate.config):
        def model_dump_json(self, **_):
            return type(self)(steps=self.steps + 1).model_dump_json_of_parent()

        def model_dump_json_of_parent(self):
            return generate.config.model_dump_json(self)

    with pytest.raises(AssertionError, match="settings: the JSON round trip"):
        check_recipe(changed(generate, config=Odd), numbers(), **SMALL)


def test_a_single_row_proves_nothing():
    with pytest.raises(AssertionError, match="at least two rows"):
        check_recipe(generate, numbers()[:1], **SMALL)
