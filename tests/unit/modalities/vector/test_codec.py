"""Rows of numbers are standardised and come back in their own units."""

from __future__ import annotations

import numpy as np
import pytest

from gannet.core.errors import DataError
from gannet.modalities.vector.codec import VectorCodec

ROWS = np.random.default_rng(0).normal([3.0, -200.0], [0.5, 40.0], (500, 2))


def test_encoded_columns_have_mean_nought_and_deviation_one():
    encoded = VectorCodec.fit(ROWS).encode(ROWS).double()
    assert encoded.mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert encoded.std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-6)


def test_rows_come_back_in_their_own_units():
    codec = VectorCodec.fit(ROWS)
    assert np.allclose(codec.decode(codec.encode(ROWS)), ROWS, rtol=1e-5)


def test_a_constant_column_is_nought_and_comes_back_as_it_was():
    rows = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])
    codec = VectorCodec.fit(rows)
    assert codec.encode(rows)[:, 0].tolist() == [0, 0, 0]
    wild = codec.encode(rows) + 5  # a generator will not hit nought exactly
    assert [row[0] for row in codec.decode(wild)] == [0.1, 0.1, 0.1]


def test_huge_numbers_do_not_overflow():
    rows = np.array([[1e300], [-1e300]])
    assert VectorCodec.fit(rows).encode(rows).tolist() == [[1], [-1]]


def test_names_of_columns_are_kept():
    assert VectorCodec.fit(ROWS, names=("a", "b")).names == ("a", "b")
    assert VectorCodec.fit(ROWS).names == ("column_1", "column_2")


def test_a_number_that_is_not_finite_is_named():
    with pytest.raises(DataError, match="row 2, column 1: nan, expected a finite number"):
        VectorCodec.fit(np.array([[1.0], [np.nan]]))


@pytest.mark.parametrize("rows", [[], np.zeros((0, 3)), np.zeros((3, 0))])
def test_no_rows_are_an_error(rows):
    with pytest.raises(DataError, match="no rows"):
        VectorCodec.fit(rows)


@pytest.mark.parametrize("suffix", [".csv", ".npy"])
def test_written_rows_are_read_back_to_the_last_digit(tmp_path, suffix):
    codec = VectorCodec.fit(ROWS, names=("a", "b"))
    codec.write_rows(list(ROWS), tmp_path / f"a{suffix}")
    assert np.array_equal(codec.read_rows(tmp_path / f"a{suffix}"), ROWS)
    codec.write(ROWS[3], tmp_path / f"b{suffix}")
    assert np.array_equal(codec.read(tmp_path / f"b{suffix}"), ROWS[3])


def test_a_csv_without_header_is_read_too(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    assert VectorCodec.fit(ROWS).read_rows(tmp_path / "a.csv").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ["", "a,b\n", "1,2,3\n", "1,x\n", "1,nan\n", "1,2\n3\n"])
def test_a_file_that_does_not_fit_is_refused(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError):
        VectorCodec.fit(ROWS).read_rows(tmp_path / "a.csv")


def test_a_header_is_written_so_that_no_spreadsheet_runs_it(tmp_path):
    codec = VectorCodec.fit(ROWS, names=("=1+1", "ok"))
    codec.write(ROWS[0], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().startswith("'=1+1,ok")


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"\.csv or \.npy"):
        VectorCodec.fit(ROWS).write(ROWS[0], tmp_path / "a.xlsx")
