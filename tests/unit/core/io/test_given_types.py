"""Data frames and Parquet come back with the types and labels that they were given in."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pytest

from gannet.core.frame import from_pandas, joined, listed, to_pandas
from gannet.data.containers.frames import read_chunks
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.io.write import write_frame

pandas = pytest.importorskip("pandas")
arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 40
RNG = np.random.default_rng(0)
START = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)
HOURS = [START + datetime.timedelta(hours=int(h)) for h in RNG.integers(0, 3000, COUNT)]
DECIMALS = [Decimal(int(n)) / 100 for n in RNG.integers(0, 10**5, COUNT)]
TIMES = [datetime.time(int(h), int(m)) for h, m in RNG.integers(0, 24, (COUNT, 2))]
WORDS = RNG.choice(["small", "large", None], COUNT).tolist()
NUMBERS = [None if n > 8 else int(n) for n in RNG.integers(0, 10, COUNT)]
SIZES = pandas.CategoricalDtype(["small", "large"], ordered=True)

SERIES = {
    "Int64": pandas.Series(NUMBERS, dtype="Int64"),
    "UInt8": pandas.Series([1, 2, None, 4] * 10, dtype="UInt8"),
    "boolean": pandas.Series([True, None, False, True] * 10, dtype="boolean"),
    "ordered category": pandas.Series(WORDS, dtype=SIZES),
    "category of numbers": pandas.Series([1, 2, 3, 1] * 10, dtype="category"),
    "string": pandas.Series(WORDS, dtype="string"),
    "text of numbers": pandas.Series(["1", "2", "3", "1"] * 10, dtype="string"),
    "float32": pandas.Series(RNG.integers(0, 9, COUNT) / 2, dtype="float32"),
    "int16": pandas.Series(RNG.integers(0, 9, COUNT), dtype="int16"),
    "timedelta": pandas.Series(pandas.to_timedelta(RNG.integers(0, 10**6, COUNT), unit="s")),
    "zoned": pandas.Series(HOURS).dt.tz_convert("Europe/Berlin"),
    "Decimal": pandas.Series(DECIMALS, dtype=object),
    "time": pandas.Series(TIMES, dtype=object),
    "date": pandas.Series([hour.date() for hour in HOURS], dtype=object),
    "Arrow int64": pandas.Series(NUMBERS, dtype="int64[pyarrow]"),
    "Arrow string": pandas.Series(WORDS, dtype="string[pyarrow]"),
    "Arrow timestamp": pandas.Series(HOURS).astype("timestamp[us, tz=UTC][pyarrow]"),
    "Arrow double": pandas.Series(RNG.integers(0, 9, COUNT) / 2, dtype="double[pyarrow]"),
}


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_a_series_comes_back_as_it_was(series):
    data = pandas.DataFrame({0: series, "other": RNG.integers(0, 9, COUNT)})
    frame = from_pandas(data)
    codec = TableCodec.model_validate_json(TableCodec.fit_frame(frame).model_dump_json())
    encoded = codec.encode_frame(frame)
    back = to_pandas(codec.decode_frame(encoded, numeric=True, nulls=True))
    pandas.testing.assert_frame_equal(back, data)


ARRAYS = {
    "decimal": arrow.array(DECIMALS, arrow.decimal128(10, 2)),
    "time": arrow.array(TIMES, arrow.time64("us")),
    "short time": arrow.array(TIMES, arrow.time32("ms")),
    "date": arrow.array([hour.date() for hour in HOURS], arrow.date32()),
    "zoned": arrow.array(HOURS, arrow.timestamp("us", tz="Europe/Berlin")),
    "duration": arrow.array(RNG.integers(0, 10**9, COUNT), arrow.duration("us")),
    "dictionary": arrow.array(WORDS, arrow.string()).dictionary_encode(),
    "uint64": arrow.array([2**63 + 5, 2**64 - 1, None, 3] * 10, arrow.uint64()),
    "int8 with holes": arrow.array([1, 2, None, 3] * 10, arrow.int8()),
    "large text": arrow.array(WORDS, arrow.large_string()),
    "half": arrow.array(np.array([0.5, 1.5, 2.5, 3.5] * 10, np.float16)),
    "empty text beside null": arrow.array(["a", "b", None, None] * 10),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_a_parquet_column_comes_back_as_it_was(array, tmp_path):
    table = arrow.table({"a": array, "b": RNG.integers(0, 9, COUNT)})
    parquet.write_table(table, tmp_path / "a.parquet")
    frame = joined(list(read_chunks(tmp_path / "a.parquet")))
    codec = TableCodec.model_validate_json(TableCodec.fit_frame(frame).model_dump_json())
    encoded = codec.encode_frame(frame)
    write_frame(codec.decode_frame(encoded, nulls=True), tmp_path / "b.parquet")
    back = parquet.read_table(tmp_path / "b.parquet")
    assert back.schema.field("a").type == table.schema.field("a").type
    assert back.column("a").to_pylist() == table.column("a").to_pylist()


def test_missing_text_is_missing_outside_of_text_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("w,n\n" + "red,1\n,2\nblue,3\n" * 10)
    frame = joined(list(read_chunks(path)))
    codec = TableCodec.fit_frame(frame)
    encoded = codec.encode_frame(frame)
    assert codec.decode_frame(encoded).column("w")[1] == ""
    assert listed(codec.decode_frame(encoded, nulls=True).column("w"))[1] is None
