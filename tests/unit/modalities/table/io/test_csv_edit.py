"""Are other cells than the exchanged ones the same to the byte?"""

from __future__ import annotations

import pytest

from gannet.core.frame import Dialect
from gannet.modalities.table.io.csv_edit import patched

ODD = 'a,b\r\n"x, ""y""",\r\n\r\n 1 ,"2"\n"line\nbreak",?\r\nlast,'


def test_nothing_exchanged_changes_nothing():
    assert patched(ODD, Dialect(), {}) == ODD


def test_only_the_cells_that_are_named_change():
    made = patched(ODD, Dialect(), {0: {1: "new"}, 2: {1: "has, comma"}, 3: {1: "end"}})
    assert made == 'a,b\r\n"x, ""y""",new\r\n\r\n 1 ,"2"\n"line\nbreak","has, comma"\r\nlast,end'


@pytest.mark.parametrize(
    ("dialect", "text", "wanted"),
    [
        (Dialect(header=False), "1,\n2,3\n", "1,7\n2,3\n"),
        (Dialect(delimiter=";", spaced=True), "a; b\n1; ?\n", "a; b\n1; 7\n"),
        (Dialect(delimiter="\t"), "a\tb\n1\t\n", "a\tb\n1\t7\n"),
        (Dialect(delimiter="|"), "a|b\n1|NA\n", "a|b\n1|7\n"),
    ],
)
def test_every_dialect(dialect, text, wanted):
    assert patched(text, dialect, {0: {1: "7"}}) == wanted


def test_rows_are_counted_as_the_reader_counts_them(tmp_path):
    from gannet.data.containers.frames import read_chunks, read_frame

    path = tmp_path / "odd.csv"
    path.write_bytes(ODD.encode())
    frame = read_frame(path)
    dialect = read_chunks(path).dialect
    assert dialect is not None
    exchanged = {row: {1: f"cell {row}"} for row in range(len(frame))}
    path.write_bytes(patched(ODD, dialect, exchanged).encode())
    assert read_frame(path).columns[1].tolist() == [f"cell {row}" for row in range(len(frame))]
    assert read_frame(path).columns[0].tolist() == frame.columns[0].tolist()
