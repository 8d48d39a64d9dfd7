"""Errors say what, where and what to do."""

from __future__ import annotations

import sys

import pytest

from gannet.core import errors


def test_an_error_says_where_what_and_what_to_do():
    error = errors.DataError("not an image", where="photos/017.png", remedy="Remove it.")
    assert str(error) == "photos/017.png: not an image\n  Remove it."
    assert (error.problem, error.where, error.remedy) == (
        "not an image",
        "photos/017.png",
        "Remove it.",
    )


def test_an_error_without_place_or_remedy_is_its_problem():
    assert str(errors.GannetError("the disk is full")) == "the disk is full"


@pytest.mark.parametrize(
    "kind",
    [
        errors.DataError,
        errors.ConfigError,
        errors.ArtifactError,
        errors.DivergedError,
        errors.MissingExtraError,
    ],
)
def test_whoever_catches_gannets_error_catches_all(kind):
    with pytest.raises(errors.GannetError):
        raise kind("so")


def test_need_gives_the_module():
    assert errors.need("json", "anything").loads("1") == 1


def test_a_missing_extra_is_named_with_its_command():
    with pytest.raises(errors.MissingExtraError, match=r"gannet-gan\[parquet\]") as caught:
        errors.need("no_such_package.part", "parquet")
    assert "'no_such_package'" in str(caught.value)


def test_a_package_that_is_itself_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_inside.py").write_text("import what_it_needs_and_has_not\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs_and_has_not"):
        errors.need("broken_inside", "parquet")
    sys.modules.pop("broken_inside", None)
