"""Settings are validated, and all their faults are told at once."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from gannet.core.config import Config, describe, flag, parse
from gannet.core.errors import ConfigError
from gannet.recipes.registry import find_recipe


class Mine(Config):
    """A recipe's settings."""

    color: Literal["grey", "blue"] = Field("grey", description="of everything")


def test_text_from_the_command_line_becomes_numbers():
    config = parse(Mine, {"steps": "12", "learning_rate": "1e-3", "color": "blue"})
    assert (config.steps, config.learning_rate, config.color) == (12, 1e-3, "blue")


def test_choices_that_are_numbers_may_be_told_as_text():
    config = find_recipe("super_resolve").config
    assert parse(config, {"scale": "3"}) == parse(config, {"scale": 3})
    for wrong in ("5", "3.0", True):
        with pytest.raises(ConfigError, match=f"--scale: .*got {wrong!r}"):
            parse(config, {"scale": wrong})


def test_a_misspelt_setting_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="--leaning-rate: no such setting; did you mean --learni"):
        parse(Mine, {"leaning_rate": 1})


def test_a_setting_like_no_other_gets_no_hint():
    with pytest.raises(ConfigError) as caught:
        parse(Mine, {"xyzzy": 1})
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", "many"),
        ("steps", 2.5),
        ("batch", -1),
        ("learning_rate", 0),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("beta1", 1),
        ("ema_decay", -0.1),
        ("color", "green"),
        ("precision", "float16"),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_it_got(name, value):
    with pytest.raises(ConfigError) as caught:
        parse(Mine, {name: value})
    assert flag(name) in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "gannet settings" in caught.value.remedy


def test_several_faults_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        parse(Mine, {"steps": 0, "wdith": 3, "color": "green"})
    assert len(caught.value.problem.splitlines()) == 3


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        parse(Mine, {}).steps = 3


@given(st.floats(0.01, 10), st.integers(1, 10**9))
def test_settings_survive_json(rate, steps):
    config = Mine(learning_rate=rate, steps=steps)
    assert Mine.model_validate_json(config.model_dump_json()) == config


def test_every_setting_is_described_with_its_range():
    rows = {name: rest for name, *rest in describe(find_recipe("generate").config)}
    assert len(rows) > 15
    assert all(meaning for _, _, meaning in rows.values())
    assert rows["--beta1"][0].startswith("float at least 0")
    assert "dcgan" in rows["--architecture"][0]


def test_a_choice_among_numbers_can_be_given_as_a_flag():
    config = find_recipe("super_resolve").config
    assert parse(config, {"scale": "2"}).scale == 2
    with pytest.raises(ConfigError, match="2, 3 or 4, got '5'"):
        parse(config, {"scale": "5"})
