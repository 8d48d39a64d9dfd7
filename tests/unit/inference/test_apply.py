"""What an input is at fault for is said in one clear error; a fault of a recipe is not hidden."""

from __future__ import annotations

import json

import pytest

from gannet.core.errors import ConfigError, DataError
from gannet.inference.apply import ApplyRequest, apply_file, apply_value
from gannet.recipes.registry import find_recipe

GOOD, BAD = {"op": "add"}, {"kids": []}


def test_an_input_that_cannot_be_encoded_is_named(of_trees, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps(BAD))
    with pytest.raises(DataError, match=r"bad.json: it cannot be encoded .KeyError"):
        apply_file(of_trees, tmp_path / "bad.json", tmp_path / "made.json", ApplyRequest())
    with pytest.raises(DataError, match=r"the input: it cannot be encoded"):
        apply_value(of_trees, BAD, ApplyRequest())


@pytest.mark.parametrize("name", ["made.npz", "made"])
def test_an_output_of_a_suffix_that_its_kind_does_not_know_is_refused(name, of_trees, tmp_path):
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    with pytest.raises(ConfigError, match="tree cannot be written") as caught:
        apply_file(of_trees, tmp_path / "good.json", tmp_path / name, ApplyRequest())
    assert caught.value.remedy == "Use .json."
    assert [each.name for each in tmp_path.iterdir()] == ["good.json"]


def test_the_others_of_a_folder_are_done_and_a_table_about_them_is_none(of_trees, tmp_path):
    given, out = tmp_path / "given", tmp_path / "made"
    given.mkdir()
    for name, tree in (("a", GOOD), ("b", BAD), ("dataset", GOOD)):
        (given / f"{name}.json").write_text(json.dumps(tree))
    with pytest.raises(DataError, match="1 of 2 trees failed"):
        apply_file(of_trees, given, out, ApplyRequest())
    assert [each.name for each in out.iterdir()] == ["a.json"]


def test_files_in_folders_below_are_done_as_in_training(of_trees, tmp_path):
    given, out = tmp_path / "given", tmp_path / "given" / "made"
    for name in ("a.json", "cat/a.json", "cat/deep/b.json", "@eaDir/c.json", ".hidden/d.json"):
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_text(json.dumps(GOOD))
    for _ in range(2):  # outputs are no inputs
        written = apply_file(of_trees, given, out, ApplyRequest())
        names = [str(each.relative_to(out)) for each in written]
        assert sorted(names) == ["a.json", "cat/a.json", "cat/deep/b.json"]


def test_what_is_wrong_with_a_recipe_is_no_fault_of_the_input(of_trees, monkeypatch):
    transform = find_recipe("odd_tree_gan").inference.transform

    def broken(*_):
        raise KeyError("ours")

    monkeypatch.setattr(f"{transform.apply.__module__}.shown", broken)
    with pytest.raises(KeyError, match="ours"):
        apply_value(of_trees, GOOD, ApplyRequest())
