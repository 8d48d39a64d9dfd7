"""Nothing that commands print is obeyed by a terminal, and every failure is one message."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import gannet
from gannet.cli.examples import EXAMPLES
from gannet.cli.main import app, main
from gannet.cli.screen import Screen, screens
from gannet.core.errors import ConfigError, GannetError, in_python, spoken_in_flags
from gannet.core.errors import spoken_in_python as spoken
from gannet.recipes.registry import find_recipe, is_baseline, recipe_sentences

HOSTILE = "a\x1b[31mb\x9bc\u202ed\udc80e\rf"


def test_a_stream_escapes_what_a_terminal_obeys():
    held = io.TextIOWrapper(io.BytesIO(), "ascii", newline="")
    Screen(held).write(f"{HOSTILE}ä\n\tg")
    held.flush()
    shown = held.buffer.getvalue().decode("ascii")
    assert shown == "a\\x1b[31mb\\x9bc\\u202ed\\x80e\\x0df\\xe4\n\tg"


def test_an_error_is_harmless_whatever_names_it_holds():
    error = GannetError(f"no {HOSTILE}", where="two\nlines", remedy=HOSTILE)
    assert str(error).isprintable() or str(error).replace("\n", "").isprintable()
    assert str(error).startswith("two\\nlines: no a\\x1b[31mb")


@pytest.mark.parametrize("words", [["inspect", HOSTILE], ["sample", HOSTILE, "--out", "x"]])
def test_names_of_arguments_are_shown_harmless(words, capsys):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "a\\x1b[31mb" in said


def test_warnings_of_other_packages_are_not_shown(capsys):
    with screens():
        warnings.warn("theirs", stacklevel=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("both", [False, True])
def test_a_full_screen_is_one_message(both):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gannet", "recipes"],
            stdout=full, stderr=full if both else subprocess.PIPE, text=True, timeout=120,
            env=os.environ,
        )  # fmt: skip
    assert done.returncode == 2
    assert both or done.stderr == "gannet: cannot print: No space left on device\n"


def test_the_version_is_told_by_the_command_and_by_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == gannet.__version__ != "0.0.0"


def test_every_command_has_examples_that_begin_with_it(capsys):
    commands = [each for each in app if not each.startswith("-")]
    assert sorted(EXAMPLES) == sorted(commands)
    for command, lines in EXAMPLES.items():
        assert all(line.startswith(f"gannet {command}") for line in lines)
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out
        assert lines[0] in shown
        assert "--empty-" not in shown


def test_recipes_have_a_sentence_each_and_baselines_stand_apart(capsys):
    assert main(["recipes"]) == 0
    first, _, second = capsys.readouterr().out.partition("Baselines")
    for name, sentence in recipe_sentences().items():
        assert sentence
        baseline = find_recipe(name).evaluation.is_baseline
        assert is_baseline(name, sentence) is baseline
        assert f"  {name} " in (second if baseline else first)


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--lr", "1"], "--lr: no such setting; did you mean --learning-rate?"),
        (["--epochs", "3"], "--epochs: no such setting; give --steps, or --minutes for a time"),
        (["--batch-size", "8"], "--batch-size: no such setting; did you mean --batch?"),
        (["--gpus", "2"], "--gpus: no such setting; give --device cuda"),
        (["--data", "x"], "--data: no such setting"),
        (["--seed", "99999999999999999999"], "--seed: must be below 2**63"),
    ],
)
def test_what_others_call_a_setting_is_named_as_it_is_called_here(
    points, tmp_path, capsys, flags, hint
):
    words = ["train", str(points), "--recipe", "generate", "-o", str(tmp_path / "run"), *flags]
    assert main(words) == 2
    assert hint in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", ["--latent-dim", "--batch"])
def test_settings_that_need_more_memory_than_there_is_are_refused(
    points, tmp_path, capsys, setting
):
    words = ["train", str(points), "-o", str(tmp_path / "run"), "--recipe", "generate"]
    assert main([*words, "--steps", "5", setting, "1000000000000"]) == 2
    said = capsys.readouterr().err
    assert "needs at least" in said
    assert f"Give a smaller {setting}." in said


def test_errors_name_flags_on_the_command_line_and_arguments_in_python():
    def refuse():
        raise ConfigError("--learning-rate: too large", remedy="See `gannet train --help`.")

    with pytest.raises(ConfigError) as caught:
        spoken(refuse)()
    assert str(caught.value) == "learning_rate: too large\n  See `gannet train --help`."
    with spoken_in_flags(), pytest.raises(ConfigError, match="--learning-rate"):
        spoken(refuse)()
    assert in_python("a --dry-run of well-known -- things") == "a dry_run of well-known -- things"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"minutes": "ten"}, "minutes: must be a number, got 'ten'"),
        ({"seed": 1.5}, "seed: must be a whole number, got 1.5"),
        ({"recipe": 7}, "recipe: must be a text, got 7"),
        ({"lr": 1}, "lr: no such setting; did you mean learning_rate?"),
        ({"out": 3}, "out: must be a path, got 3"),
    ],
)
def test_python_callers_are_refused_in_their_own_words(points, tmp_path, arguments, fault):
    given = {"out": tmp_path / "run"} | arguments
    with pytest.raises(ConfigError) as caught:
        gannet.train(points, **given)
    assert fault in str(caught.value)
    assert "--" not in str(caught.value)
