"""Tables are read as they are written, and what is wrong with one is said in one clear error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gannet.core.errors import DataError
from gannet.core.frame import (
    Dialect,
    Frame,
    cells_of,
    factorized,
    from_pandas,
    joined,
    listed,
    to_pandas,
)
from gannet.data.containers.frames import read_chunks, read_frame
from gannet.modalities.table.io.write import write_chunks, write_frame


def written(folder, text, name="a.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        read_frame(path, **options)
    assert caught.value.remedy, "an error says what to do"
    return str(caught.value)


def same(one, other):
    return one.names == other.names and all(
        a.dtype == b.dtype and listed(a) == listed(b)
        for a, b in zip(one.columns, other.columns, strict=True)
    )


MIXED = Frame(
    ("n", "x", "day", "sure", "word", "hole"),
    (
        np.array([1, 2, 3], np.int32),
        np.array([0.5, np.nan, -2.0]),
        np.array(["2020-01-01", "NaT", "2021-05-06"], "datetime64[D]"),
        np.array([True, False, True]),
        cells_of(["a", None, 'with "quotes", and\nlines']),
        cells_of([7, None, 9]),
    ),
)


# frames -------------------------------------------------------------------------------------------
def test_a_frame_gives_its_rows_and_parts():
    frame = Frame.from_rows(["a", "b"], [(1, "x"), (2, None)])
    assert frame.rows() == [(1, "x"), (2, None)]
    assert frame[1:].first == 2
    assert same(joined([frame[:1], frame[1:]]), frame)
    assert Frame.from_rows(["a"], []).rows() == []


def test_factorized_cells_come_back():
    for cells in [cells_of(["b", None, "b", "a"]), np.array([3, 1, 3])]:
        distinct, at = factorized(cells)
        assert listed(distinct[at]) == listed(cells)
        assert len(distinct) == len(set(listed(cells)))


# text tables --------------------------------------------------------------------------------------
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    rows = [["name", "size"], ["ann", "1"], ["bob", "2"]]
    path = written(tmp_path, "".join(delimiter.join(row) + "\n" for row in rows))
    assert read_frame(path).rows() == [("ann", "1"), ("bob", "2")]


def test_a_decimal_comma_is_no_delimiter(tmp_path):
    frame = read_frame(written(tmp_path, "a;b\n1,5;2,25\n3,5;4,75\n"))
    assert frame.names == ("a", "b")
    assert frame.rows()[0] == ("1,5", "2,25")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"]
)
def test_the_encoding_is_found(tmp_path, encoding):
    text = "name,town\n" + "Zoë,Århus\n" * 50 + ("\x81,b\n" if encoding == "latin-1" else "")
    assert read_frame(written(tmp_path, text, encoding=encoding)).rows()[0] == ("Zoë", "Århus")


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("name,town\nann,york\nbob,york\n", True),
        ("ann,york\nbob,york\nann,rome\n", False),
        ("when,what\n2020-01-01,x\n2020-01-02,y\n", True),
        ("2020-01-01,x\n2020-01-02,y\n", False),
        (",a\n0,1\n1,2\n", True),
        ("39, State-gov, 77516\n50, Private, 83311\n", False),
    ],
)
def test_the_header_is_found(tmp_path, text, header):
    chunks = read_chunks(written(tmp_path, text))
    assert chunks.dialect is not None
    assert chunks.dialect.header is header
    frame = joined(list(chunks))
    assert len(frame) == text.count("\n") - header
    assert header or frame.names[0] == "column_1"


def test_what_is_found_can_be_overruled(tmp_path):
    path = written(tmp_path, "a,b\nc,d\n")
    assert read_frame(path, header=False).rows()[0] == ("a", "b")
    assert read_frame(path, delimiter=";").names == ("a,b",)


def test_a_table_of_one_column_is_read(tmp_path):
    assert read_frame(written(tmp_path, "n\n1\n2\n")).rows() == [("1",), ("2",)]


def test_quotes_hold_delimiters_and_lines(tmp_path):
    assert read_frame(written(tmp_path, 'a,b\n"x,y","1\n2"\n3,4\n')).rows()[0] == ("x,y", "1\n2")


def test_missing_marks_stay_as_they_are(tmp_path):
    assert read_frame(written(tmp_path, "a,b\n1,?\n,NA\n")).rows() == [("1", "?"), ("", "NA")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "only a header, no rows"),
        ("a,a,b\n1,2,3\n", "more than one column 'a'"),
        ("a,b\n1,2\n3\n4,5,6\n", "row 3: 1 cells, expected 2\n  row 4: 3 cells, expected 2"),
        ('a,b\n1,"2\n', "cannot be read as a table"),
    ],
)
def test_what_is_wrong_with_a_text_table_is_said(tmp_path, text, said):
    message = refusal(written(tmp_path, text))
    assert said in message
    assert "a.csv" in message


def test_many_rows_of_wrong_length_are_counted(tmp_path):
    message = refusal(written(tmp_path, "a,b\n" + "1,2\n" * 20 + "1\n" * 20))
    assert message.count("cells, expected") == 8
    assert "and 12 more" in message


def test_a_wrong_encoding_is_said(tmp_path):
    path = written(tmp_path, "a,b\nZoë,1\n", encoding="latin-1")
    assert "is not in utf-8" in refusal(path, encoding="utf-8")
    assert "no encoding 'utf-9'" in refusal(path, encoding="utf-9")


def test_what_is_no_table_is_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 20)
    assert "not text" in refusal(path)
    assert "does not exist" in refusal(tmp_path / "b.csv")
    assert ".xlsx is not a table format" in refusal(tmp_path / "b.xlsx")


def test_chunks_are_the_whole_and_can_be_walked_through_again(tmp_path):
    path = written(tmp_path, "a,b\n" + "".join(f"{i},x{i % 3}\n" for i in range(25)))
    chunks = read_chunks(path, 10)
    for _ in range(2):
        parts = list(chunks)
        assert [len(part) for part in parts] == [10, 10, 5]
        assert [part.first for part in parts] == [2, 12, 22]
        assert same(joined(parts), read_frame(path))


# Parquet and JSON lines ---------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv", ".tsv"])
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert write_frame(MIXED, path).rows == 3
    found = read_frame(path)
    assert found.names == MIXED.names
    if suffix == ".parquet":
        assert same(found, MIXED)
    elif suffix == ".jsonl":
        assert found.rows()[2] == (3, -2.0, "2021-05-06", True, 'with "quotes", and\nlines', 9)
    else:
        assert found.rows()[1] == ("2", "", "", "False", "", "")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_parquet_is_read_in_chunks_with_its_types(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "small": pa.array([1, 2, 3], pa.uint8()),
            "hole": pa.array([1, None, 3]),
            "word": pa.array(["a", "b", "a"]).dictionary_encode(),
            "late": pa.array([1, 2, None], pa.timestamp("ms")),
        }
    )
    pq.write_table(table, path)
    parts = list(read_chunks(path, 2))
    assert [len(part) for part in parts] == [2, 1]
    assert [c.dtype.name for c in parts[0].columns] == [
        "uint8",
        "object",
        "object",
        "datetime64[ms]",
    ]
    assert joined(parts).rows()[1][:3] == (2, None, "b")


def test_faults_of_parquet_and_json_are_said(tmp_path):
    nested = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [[1, 2]]}), nested)
    assert "column 'a': holds list<" in refusal(nested)
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), nested)
    assert "no rows" in refusal(nested)
    nested.write_text("no parquet")
    assert "damaged, or not Parquet" in refusal(nested)
    for text, said in [
        ('{"a": 1}\n{"a": }\n', "line 2: not JSON"),
        ('{"a": [1]}\n', "line 1: expected an object"),
        ("[1]\n", "line 1: expected an object"),
        ("", "no rows"),
    ]:
        assert said in refusal(written(tmp_path, text, "a.jsonl"))


def test_json_lines_may_lack_keys_but_not_invent_them_late(tmp_path):
    path = written(tmp_path, '{"a": 1, "b": "x"}\n{"a": 2}\n', "a.jsonl")
    assert read_frame(path).rows() == [(1, "x"), (2, None)]
    lines = "".join(json.dumps({"a": 1}) + "\n" for _ in range(3)) + '{"c": 1}\n'
    chunks = read_chunks(written(tmp_path, lines, "b.jsonl"), 2)
    with pytest.raises(DataError, match="line 4: a column that earlier rows do not have: 'c'"):
        list(chunks)


def test_a_missing_extra_is_named(tmp_path):
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.modules['pandas'] = None\n"
        "from pathlib import Path\n"
        "from gannet.core.frame import from_pandas\n"
        "from gannet.data.containers.frames import read_frame\n"
        "for call in (lambda: read_frame(Path('a.parquet')), lambda: from_pandas(1)):\n"
        "    try: call()\n"
        "    except Exception as error: print(error)\n"
    )
    path = os.pathsep.join(path for path in sys.path if path)
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert "gannet-gan[parquet]" in run.stdout
    assert "gannet-gan[table]" in run.stdout


# pandas -------------------------------------------------------------------------------------------
def test_a_data_frame_survives():
    data = pd.DataFrame(
        {
            "n": np.array([1, 2, 3], np.int16),
            "x": [0.5, np.nan, 1.5],
            "word": ["a", None, "b"],
            "sure": [True, False, True],
            "when": pd.to_datetime(["2020-01-01 00:00:00", None, "2020-01-03 04:05:06"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "level": pd.Categorical(["lo", "hi", "lo"]),
        }
    )
    frame = from_pandas(data)
    assert frame.column("n").dtype == np.int16
    assert frame.rows()[1][1:3] == (None, None)
    pd.testing.assert_frame_equal(to_pandas(frame, data.dtypes.to_dict()), data)
    assert to_pandas(frame)["whole"].dtype == "Int64"


def test_moments_with_a_zone_become_text():
    data = pd.DataFrame({"t": pd.to_datetime(["2020-01-01T00:00:00+01:00"] * 2)})
    assert from_pandas(data).column("t")[0] == "2020-01-01T00:00:00+01:00"


def test_days_and_exact_decimals_of_python_are_understood():
    data = pd.DataFrame({"d": [date(2020, 1, 2), None], "p": [Decimal("1.50"), None]})
    frame = from_pandas(data)
    assert frame.column("d").dtype == "datetime64[D]"
    assert frame.column("p").tolist() == ["1.50", None]


# writing ------------------------------------------------------------------------------------------
def test_a_table_is_written_like_the_one_read(tmp_path):
    text = "1; a; 2.50\r\n2; b; 3.25\r\n"
    chunks = read_chunks(written(tmp_path, text, encoding="utf-16"))
    assert chunks.dialect == Dialect(";", False, "utf-16", True, "\r\n")
    write_frame(joined(list(chunks)), tmp_path / "b.csv", dialect=chunks.dialect)
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_formulas_are_counted_and_quoted_on_request(tmp_path):
    cells = ["=1+1", "-5", "@x", "+3.5", "-five", "\tz", "fine"]
    frame = Frame(("a", "=b"), (cells_of(cells), np.arange(7) - 5))
    path = tmp_path / "a.csv"
    report = write_frame(frame, path)
    assert report.formulas == {"a": 4, "=b": 1}
    assert not report.escaped
    assert "\n=1+1," in path.read_text()
    assert write_frame(frame, path, escape_formulas=True).escaped
    found = read_frame(path)
    assert listed(found.column("a")) == ["'=1+1", "-5", "'@x", "+3.5", "'-five", "'\tz", "fine"]
    assert found.names == ("a", "'=b")
    assert listed(frame.column("a")) == cells, "the table itself is left as it is"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_fault_on_the_way_leaves_what_was_there(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("before")

    def frames():
        yield MIXED
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        write_chunks(frames(), path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_parquet_may_begin_with_nothing_but_missing_cells(tmp_path):
    parts = [Frame(("a",), (cells_of(cells),)) for cells in ([None, None], ["x", None])]
    write_chunks(parts, tmp_path / "a.parquet")
    assert read_frame(tmp_path / "a.parquet").rows() == [(None,), (None,), ("x",), (None,)]
    with pytest.raises(DataError, match="no Parquet column holds"):
        write_frame(Frame(("a",), (cells_of([1, "x"]),)), tmp_path / "b.parquet")


def test_places_that_cannot_be_written_to_are_said(tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        write_frame(MIXED, tmp_path / "none" / "a.csv")
    with pytest.raises(DataError, match=r"\.xlsx"):
        write_frame(MIXED, tmp_path / "a.xlsx")
