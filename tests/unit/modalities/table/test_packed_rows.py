"""Packed rows of tables: nothing is lost, in memory or in a file; fingerprints are of content."""

from __future__ import annotations

import numpy as np
import pytest

from gannet.core.errors import DataError
from gannet.modalities.table import packed_rows
from gannet.modalities.table.packed_rows import Packer, Packing, distinct_prints, row_prints

SYMBOLS = (3, 0, 300, 256, 70_000, 0)


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    cells = [rng.integers(n, size=count) if n else rng.random(count) for n in SYMBOLS]
    return np.stack(cells, 1).astype(np.float32)


def test_packing_keeps_every_bit_in_few_bytes():
    packing, cells = Packing(SYMBOLS), rows(500)
    cells[0] = [max(n - 1, 1) for n in SYMBOLS]
    assert np.array_equal(packing.unpack(packing.pack(cells)), cells)
    assert packing.dtype.itemsize == 1 + 4 + 2 + 1 + 4 + 4


@pytest.mark.parametrize("in_file", [False, True])
def test_rows_come_back_by_place(tmp_path, in_file, monkeypatch):
    monkeypatch.setattr(
        packed_rows, "TOUCHED_BYTES", 10 * packed_rows.PAGE
    )  # hands pages back all the time
    cells = rows(400)
    packer = Packer(SYMBOLS, 400, tmp_path / "cache" if in_file else None)
    for start in range(0, 400, 150):
        packer.add(cells[start : start + 150])
    store = packer.finish()
    for seed in range(3):
        places = np.random.default_rng(seed).permutation(400)[:50]
        assert np.array_equal(store.read(places).numpy(), cells[places])
    assert store.read(np.zeros(0, np.int64)).shape == (0, len(SYMBOLS))
    assert np.array_equal(packer.prints, row_prints(cells))
    if in_file:
        assert not list((tmp_path / "cache").iterdir()), "the file has no name"


def test_a_table_that_changes_while_it_is_read_is_refused():
    packer = Packer(SYMBOLS, 10, None)
    packer.add(rows(9))
    with pytest.raises(DataError, match="changed while it was read"):
        packer.finish()
    with pytest.raises(DataError, match="changed while it was read"):
        packer.add(rows(2))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write the rows"):
        Packer(SYMBOLS, 10, tmp_path / "file" / "cache")


def test_fingerprints_tell_rows_apart_and_not_their_neighbors():
    cells = rows(2_000)
    prints = row_prints(cells)
    assert len(np.unique(prints)) == len(np.unique(cells, axis=0))
    assert np.array_equal(row_prints(cells[::-1]), prints[::-1])
    swapped = cells[:, [1, 0, 2, 3, 4, 5]]
    assert not np.intersect1d(row_prints(swapped), prints).size
    # Of every bit about half are set, so that ordering by them is as good as chance.
    shares = np.unpackbits(prints.view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(shares - 0.5).max() < 5 * 0.5 / 2_000**0.5


def test_equal_prints_are_set_apart_by_how_many_came_before():
    prints = np.array([5, 9, 5, 5, 9, 1], np.uint64)
    made = distinct_prints(prints)
    assert len(np.unique(made)) == 6
    assert np.array_equal(distinct_prints(prints[:4]), made[:4]), "later rows change nothing"
