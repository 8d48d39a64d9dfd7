"""Class names become one-hot rows and back; what is not known is all zeros."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from gannet.core.errors import DataError
from gannet.modalities.label.codec import LabelCodec

CODEC = LabelCodec(classes=("cat", "dog", "newt"))


def test_a_name_is_one_in_its_column():
    assert CODEC.encode(["dog"]).tolist() == [[0, 1, 0]]


def test_a_class_that_is_not_known_is_a_row_of_zeros_and_back():
    assert CODEC.encode([None]).tolist() == [[0, 0, 0]]
    assert CODEC.decode(torch.zeros(1, 3)) == [None]


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(DataError, match=r"no class 'dgo'\n  Did you mean 'dog'\?"):
        CODEC.encode(["cat", "dgo"])


def test_a_strange_name_gets_the_list():
    with pytest.raises(DataError, match="Known classes: cat, dog, newt"):
        CODEC.encode(["zzz"])


def test_numbers_are_sorted_as_numbers():
    assert LabelCodec.fit(["10", "9", None, "-1"]).classes == ("-1", "9", "10")


def test_words_are_sorted_as_words():
    assert LabelCodec.fit(["b", "10", "a"]).classes == ("10", "a", "b")


def test_no_names_are_an_error():
    with pytest.raises(DataError, match="no labels"):
        LabelCodec.fit([None, None])


@pytest.mark.parametrize("classes", [(), ("a", "a"), ("a", "")])
def test_names_must_be_distinct_and_not_empty(classes):
    with pytest.raises(ValidationError):
        LabelCodec(classes=classes)


def test_squash_gives_probabilities():
    made = CODEC.squash(torch.tensor([[100.0, -5.0, 3.0]]))
    assert made.sum().item() == pytest.approx(1)
    assert CODEC.decode(made) == ["cat"]


@pytest.mark.parametrize("name", ["dog", None])
def test_a_written_name_is_read_back(tmp_path, name):
    CODEC.write(name, tmp_path / "a.txt")
    assert CODEC.read(tmp_path / "a.txt") == name


def test_a_file_with_a_strange_name_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("cow")
    with pytest.raises(DataError, match="no class 'cow'"):
        CODEC.read(tmp_path / "a.txt")
