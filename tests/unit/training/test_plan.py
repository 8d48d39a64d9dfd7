"""The plan: what the user gave stays, what is open is chosen with a reason."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from gannet.core import device
from gannet.core.errors import ConfigError
from gannet.data.dataset import find, load
from gannet.modalities.image.inspect.sizes import Size
from gannet.modalities.image.reading.sizing import affordable
from gannet.modalities.reading import Budget
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.rows import rows_of
from gannet.recipes.registry import find_recipe
from gannet.testing import changed
from gannet.training.autotune import REPEATS, AutoConfig, choose_precision, steps_in
from gannet.training.plan import Plan, PreparedData, default_minutes, eval_interval, make_plan

SMALL = {"width": 4, "latent_dim": 6, "threads": 1, "precision": "float32"}


def ticking(seconds):
    """A clock by which everything takes the same time."""
    ticks = count()
    return lambda: next(ticks) * seconds


def plan(loaded, *, minutes=1.0, seconds=0.05, auto_adjust=True, seed=0, **given):
    return make_plan(
        PreparedData(loaded, 0 if "steps" in given else minutes),
        recipe="generate",
        given=SMALL | given,
        seed=seed,
        auto_adjust=auto_adjust,
        device="cpu",
        clock=ticking(seconds),
    )


@pytest.fixture(scope="module")
def timed(loaded):
    return plan(loaded, batch=8)


def test_what_the_user_gave_stays(loaded):
    found = plan(loaded, steps=30, batch=5, gradient_penalty=3.0, augment_p=0.0)
    asked = SMALL | {"steps": 30, "batch": 5, "gradient_penalty": 3.0, "augment_p": 0.0}
    assert {name: found.config[name] for name in asked} == asked
    assert found.user_settings == asked


def test_a_run_bounded_by_steps_has_no_time_budget(loaded):
    assert plan(loaded, steps=30, batch=8).budget_seconds == 0


def test_a_run_bounded_by_time_gets_as_many_steps_as_fit(timed):
    assert timed.budget_seconds == 60
    assert timed.step_seconds == pytest.approx(0.05)
    assert 0.7 * 60 / 0.05 < timed.config["steps"] <= 60 / 0.05


def test_a_batch_is_no_larger_than_the_data(loaded):
    found = plan(loaded, steps=5)
    assert found.config["batch"] <= len(loaded.train)


def test_few_pictures_seen_often_are_augmented_and_it_says_why(loaded):
    often = plan(loaded, steps=int(REPEATS * len(loaded.train) ** 2 / 8) + 8, batch=8)
    assert often.config["augment_p"] > 0
    assert any("augment_p" in reason and "seen" in reason for reason in often.reasons)
    assert "few_samples" in {each.code for each in often.findings}


def test_pictures_seen_seldom_are_not(loaded):
    seldom = plan(loaded, steps=int(REPEATS * len(loaded.train) ** 2 / 8) - 8, batch=8)
    assert seldom.config["augment_p"] == 0
    assert "few_samples" not in {each.code for each in seldom.findings}


@pytest.mark.parametrize(
    ("settings", "updates"), [({}, 1), ({"n_critic": 3}, 3), ({"discriminator_interval": 2}, 0.5)]
)
def test_samples_are_counted_as_often_as_the_discriminator_learns(loaded, settings, updates):
    planned = plan(loaded, steps=60, batch=8, **settings)
    times = updates * 60 * 8 / len(loaded.train)
    assert f"learnt from about {times:.1f} times" in planned.forecast[0]


def test_every_choice_has_a_reason_and_an_expectation(timed):
    assert timed.reasons
    assert all(": " in reason for reason in timed.reasons)
    assert any("minutes" in words for words in timed.forecast)


def test_a_plan_survives_json(timed):
    assert Plan.model_validate_json(timed.model_dump_json()) == timed


def test_a_plan_knows_its_data(timed, loaded):
    assert timed.digest == loaded.digest
    assert timed.spec.shape == (1, 8, 8)
    assert timed.spec.vector == 2
    assert set(timed.codecs) == {"sample", "vector"}


def test_the_same_machine_and_seed_give_the_same_plan(timed, loaded):
    assert plan(loaded, batch=8) == timed


def test_settings_out_of_range_are_refused(loaded):
    with pytest.raises(ConfigError, match="--width"):
        plan(loaded, width=1, steps=3)


@pytest.mark.parametrize("steps", [1, 30, 1_000, 10**7])
def test_looks_are_neither_too_often_nor_too_seldom(steps):
    assert 25 <= eval_interval(steps) <= 500
    assert eval_interval(steps, together=8) % 8 == 0, "the discriminator learns before each look"


@pytest.mark.parametrize("cost", [1.0, 1 / 16, 4.0, 256.0])
def test_the_usual_budget_lies_between_minutes_and_two_hours(cost):
    assert 10 <= default_minutes(cost, "cpu") <= 120
    assert default_minutes(cost, "cuda") < default_minutes(cost, "cpu")


@pytest.fixture
def able(monkeypatch):
    """A processor that claims to know 16-bit products."""
    monkeypatch.setattr(device, "may_use_bfloat16", lambda _name: True)


@pytest.fixture(scope="module")
def rows(points):
    source = find(points, kinds=["vector"])
    return load(source, {"sample": VectorCodec.fit(rows_of(source))})


def chosen_precision(data, *seconds):
    """What is chosen when steps in 32 and 16 bit take so long."""
    clock = iter(turn * taken for taken in seconds for turn in range(6))
    chooser = AutoConfig(find_recipe("generate"), data, {"width": 4, "latent_dim": 6}, 0, "cpu")
    choose_precision(chooser, lambda: next(clock))
    return chooser.config.precision, chooser.reasons


def test_a_recipe_that_needs_32_bit_gets_them_however_fast_16_are(loaded, able):
    recipe = changed(find_recipe("generate"), float32_only=True)
    chooser = AutoConfig(recipe, loaded, {"width": 4, "latent_dim": 6}, 0, "cpu")
    choose_precision(chooser, iter(()).__next__)  # no clock is asked
    assert chooser.config.precision == "float32"
    assert "stands still in 16 bit" in chooser.reasons[0]


def test_16_bit_are_taken_when_they_are_measured_to_be_faster(loaded, able):
    found, reasons = chosen_precision(loaded, 0.03, 0.02)
    assert found == "bfloat16"
    assert "32 bit: 30.0 ms" in reasons[0]
    assert "16 bit: 20.0 ms" in reasons[0]


def test_a_small_gain_is_not_worth_coarser_numbers(loaded, able):
    assert chosen_precision(loaded, 0.03, 0.028)[0] == "float32"


def test_rows_keep_32_bit_even_where_16_are_fast(rows, able):
    assert chosen_precision(rows, 0.03, 0.01)[0] == "float32"


def afforded(seconds, step_seconds, side=64):
    whole = Size(height=side, width=side, channels=1, reason="the pictures are so large")
    steps = partial(
        steps_in,
        kind="image",
        recipe=find_recipe("generate"),
        given={"width": 4, "latent_dim": 6, "batch": 2},
        seconds=seconds,
        device="cpu",
        clock=ticking(step_seconds),
    )
    return affordable(whole, Budget(steps=steps, minutes=seconds / 60))


def test_a_budget_with_time_for_enough_steps_keeps_the_size():
    found = afforded(seconds=60, step_seconds=0.05)
    assert (found.height, found.width) == (64, 64)
    assert found.reason == "the pictures are so large"


def test_a_short_budget_takes_smaller_pictures_and_says_why():
    found = afforded(seconds=60, step_seconds=0.2)  # 300 steps, at every size of this clock
    assert (found.height, found.width) == (16, 16)
    assert "in 1 minutes there is time for 300 steps" in found.reason


def test_a_slow_probe_is_cut_short(loaded):
    chooser = AutoConfig(find_recipe("generate"), loaded, SMALL | {"batch": 2}, 0, "cpu")
    ticks = []

    def clock():
        ticks.append(60.0 * len(ticks))
        return ticks[-1]

    assert chooser.time_step(clock=clock) == pytest.approx(60)
    assert len(ticks) == 2
    # From one step at which the discriminator learns to the next it is four, timed as one.
    assert chooser.time_step(clock=clock, discriminator_interval=4) == pytest.approx(15)
    assert len(ticks) == 4


def test_pictures_that_are_small_stay_as_they_are():
    assert afforded(seconds=1, step_seconds=1.0, side=28).height == 28
