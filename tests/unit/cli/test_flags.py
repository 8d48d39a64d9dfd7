"""Flags that only a run knows: how they are read, and that help lists them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from gannet.cli.flags import read_flags
from gannet.cli.main import main
from gannet.core.errors import ConfigError


class Options(BaseModel):
    label: str | None = None
    given: dict[str, str] = Field({})
    constraint: tuple[str, ...] = ()
    grid: bool = False


FIELDS = Options.model_fields


def test_each_flag_takes_as_many_words_as_its_field_has_values():
    words = [
        "--given",
        "a=1",
        "b=2",
        "--grid",
        "--label=cat",
        "--constraint",
        "x<3",
        "--constraint",
        "y<4",
        "--given",
        "c=-1",
    ]
    assert read_flags(words, FIELDS) == {
        "given": ("a=1", "b=2", "c=-1"),
        "grid": True,
        "label": "cat",
        "constraint": ("x<3", "y<4"),
    }
    assert read_flags(["--no-grid"], FIELDS) == {"grid": False}


def test_a_flag_that_nobody_knows_is_kept_for_whoever_says_so():
    assert read_flags(["--lable", "cat", "--no-thing"], FIELDS) == {
        "lable": ("cat",),
        "no_thing": (),
    }


def test_all_words_that_fit_nowhere_are_named_at_once():
    words = ["cat", "--label", "--label", "a", "--label", "b"]
    with pytest.raises(ConfigError) as caught:
        read_flags(words, FIELDS)
    said = str(caught.value)
    assert "'cat' is not expected here" in said
    assert "--label: is given twice" in said
    assert "--label: takes one value" in said


@pytest.mark.parametrize(("name", "own"), [("of_classes", "--label"), ("of_rows", "none beside")])
def test_help_lists_what_a_run_takes(request, tmp_path, capsys, name, own):
    request.getfixturevalue(name).save(tmp_path / "run")
    assert main(["sample", str(tmp_path / "run"), "--help"]) == 0
    said = capsys.readouterr().out
    assert "--count" in said
    assert "a run of the recipe generate" in said
    assert own in said


def test_help_without_a_run_is_help(capsys):
    assert main(["sample", "--help"]) == 0
    assert "gannet sample RUN --help" in capsys.readouterr().out


def test_a_flag_is_refused_with_the_nearest_name_and_all_faults_at_once(
    of_classes, tmp_path, capsys
):
    of_classes.save(tmp_path / "run")
    words = ["sample", str(tmp_path / "run"), "--out", str(tmp_path / "new")]
    assert main([*words, "--lable", "cat", "--given", "a=1"]) == 2
    said = capsys.readouterr().err
    assert "did you mean --label?" in said
    assert "--given: is for rows, which this run does not make" in said
    assert not (tmp_path / "new").exists()
