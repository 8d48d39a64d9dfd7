"""A folder of files of one kind and with the same columns is one table."""

from __future__ import annotations

import numpy as np
import pytest

from gannet.core.errors import DataError
from gannet.data.dataset import find, load
from gannet.modalities.table.codec import TableCodec

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def columns(count, seed):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.integers(18, 90, count),
        "job": rng.choice(["cook", "smith", "nurse"], count),
    }


def write(path, made):
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table(made), path)
        return
    lines = [",".join(made), *(",".join(map(str, row)) for row in zip(*made.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(params=[".csv", ".parquet"])
def folder(tmp_path, request):
    (tmp_path / "shards").mkdir()
    for number in range(3):
        write(tmp_path / "shards" / f"part-{number}{request.param}", columns(40, number))
    return tmp_path / "shards"


def part(folder, number):
    return next(folder.glob(f"*{number}.*"))


def test_rows_of_all_files_are_one_table(folder):
    assert find(folder).kind == "table"
    source = find(folder, kinds=["table"])
    assert (source.count, source.columns, len(source.files)) == (120, ("age", "job"), 3)
    assert "3 files" in source.layout
    codec = TableCodec.fit_frames(source.frames)
    data = load(source, {"sample": codec})
    assert len(data.train) + len(data.held_out) == codec.rows == 120


@pytest.mark.parametrize("memory", [0, 10**9])
def test_rows_in_a_file_are_those_in_memory(folder, tmp_path, memory):
    source = find(folder, kinds=["table"])
    codec = TableCodec.fit_frames(source.frames)
    whole = load(source, {"sample": codec})
    data = load(source, {"sample": codec}, cache=tmp_path / "cache", memory_bytes=memory)
    assert data.digest == whole.digest
    every = range(len(data.train))
    assert np.array_equal(data.train.take(every).real, whole.train.take(every).real)


def test_columns_in_another_order_are_put_in_order(folder):
    file = part(folder, 2)
    made = columns(40, 2)
    write(file, dict(reversed(made.items())))
    frames = list(find(folder, kinds=["table"]).frames)
    assert {frame.names for frame in frames} == {("age", "job")}
    assert list(map(str, frames[-1].column("age"))) == list(map(str, made["age"]))


def test_a_file_with_other_columns_is_named_with_what_differs(folder):
    file = part(folder, 1)
    made = columns(40, 1)
    write(file, {"age": made["age"], "town": made["job"]})
    with pytest.raises(DataError) as caught:
        list(find(folder, kinds=["table"]).frames)
    assert file.name in str(caught.value)
    assert "column 'job' is missing" in str(caught.value)
    assert "column 'town' is one too many" in str(caught.value)


def test_a_file_with_cells_of_another_kind_is_named(tmp_path):
    write(tmp_path / "a.parquet", columns(40, 0))
    write(tmp_path / "b.parquet", columns(40, 1) | {"age": ["old"] * 40})
    with pytest.raises(
        DataError, match="column 'age' holds text, there it holds numbers"
    ) as caught:
        list(find(tmp_path, kinds=["table"]).frames)
    assert "b.parquet" in str(caught.value)


def test_files_for_testing_are_left_aside(folder):
    file = part(folder, 2)
    file.rename(file.with_name(f"test{file.suffix}"))
    source = find(folder, kinds=["table"])
    assert source.count == 80
    assert source.problems == (
        f"test{file.suffix} ignored, 1 file: only files of the training part are used",
    )


def is_table(path):
    try:
        return find(path).kind == "table"
    except DataError:
        return False


def test_files_of_several_kinds_are_no_table(folder, tmp_path):
    other = ".csv" if part(folder, 0).suffix == ".parquet" else ".parquet"
    write(folder / f"more{other}", columns(40, 5))
    assert not is_table(folder)


def test_an_empty_parquet_file_has_no_rows(tmp_path):
    write(tmp_path / "a.parquet", {"age": np.zeros(0), "pay": np.zeros(0)})
    with pytest.raises(DataError, match="no rows"):
        find(tmp_path / "a.parquet", kinds=["table"])
