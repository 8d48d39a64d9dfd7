"""Columns are what they look like, and every cell comes back as it was written."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.errors import DataError
from gannet.core.frame import Frame, cells_of, listed
from gannet.data.containers.frames import read_chunks, read_frame
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.category import BUCKET, DIRECT

RNG = np.random.default_rng(0)


def frame_of(**columns):
    cells = (c if isinstance(c, np.ndarray) else cells_of(c) for c in columns.values())
    return Frame(tuple(columns), tuple(cells))


def fitted(cells, name="c", **options):
    frame = frame_of(**{name: cells})
    return frame, TableCodec.fit_frame(frame, **options)


def back(codec, frame):
    """The table after the round trip, through the codec's JSON."""
    again = TableCodec.model_validate_json(codec.model_dump_json())
    return again.decode_frame(codec.encode_frame(frame))


def assert_same(one, other):
    assert one.names == other.names
    for name, a, b in zip(one.names, one.columns, other.columns, strict=True):
        assert a.dtype == b.dtype, name
        assert listed(a) == listed(b), name


def refusal(frame, **options):
    with pytest.raises(DataError) as caught:
        TableCodec.fit_frame(frame, **options)
    assert caught.value.remedy, "an error says what to do"
    return str(caught.value)


def days(count, form="%Y-%m-%d"):
    start = np.datetime64("2001-02-03")
    moments = start + RNG.permutation(count * 3)[:count]
    return [day.astype(object).strftime(form) for day in moments]


# types --------------------------------------------------------------------------------------------
FOUND = [
    (["17", "90", "17", "23"], "integer", "integer 17 to 90, 3 values"),
    ([*["0"] * 90, *map(str, range(30))], "integer", "integer, 75.8 % are 0, 0 to 29, 30 values"),
    (["1.50", "2.25", "?", "1.50"], "decimal", "decimal 1.50 to 2.25, 2 values, 25.0 % missing"),
    (["1,5", "2,25"], "decimal", "decimal 1,5 to 2,25"),
    (["1e-3", "2.5E4"], "decimal", "decimal"),
    (["1,234", "12,000", "-5,678,901", "0"], "integer", "integer -5,678,901 to 12,000"),
    (["$1,234.50", "-$0.75", "$3.00"], "decimal", "decimal -$0.75 to $1,234.50"),
    ([f"{i} %" for i in range(40)], "integer", "integer 0 % to 39 %, 40 values"),
    (["1:2", "3:4", "1:2"], "category", "category of 2"),
    ([True, None, True], "category", "category of 1 (True), 33.3 % missing"),
    (["red", "blue", "?", "red"], "category", "category of 2 (red, blue), 25.0 % missing ('?')"),
    (["00123", "10115", "00123"], "category", "category of 2"),
    (["yes", "no", "yes"], "boolean", "boolean, no or yes"),
    (["True", "False"], "boolean", "boolean, False or True"),
    (["0", "1", "1"], "boolean", "boolean, 0 or 1"),
    (
        ["2020-01-31", "2021-12-01", ""],
        "date",
        "date 2020-01-31 to 2021-12-01, as %Y-%m-%d, 33.3 %",
    ),
    (["08:30", "17:05"], "time", "time 08:30 to 17:05, as %H:%M"),
    ([f"u{i:04d}" for i in range(30)], "identifier", "identifier, generated anew"),
    ([str(i) for i in range(100, 130)], "identifier", "identifier, generated anew, such as 130"),
    ([f"the cat sat on mat {i}" for i in range(30)], "text", "free text, left out"),
    (["x", "x"], "constant", "constant 'x'"),
    (["", "NA", ""], "empty", "empty, every cell is missing"),
    (np.array([1, 2, 2]), "integer", "integer 1 to 2"),
    (np.array([1.0, 2.0, np.nan]), "integer", "integer 1 to 2, 2 values, 33.3 % missing"),
    (np.array([0.5, 2.0]), "decimal", "decimal 0.5 to 2"),
    (np.array([True, False]), "boolean", "boolean, False or True"),
    (np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"), "date", "date 2020-01-01"),
    ([1, None, 3], "integer", "integer 1 to 3"),
]


@pytest.mark.parametrize(("cells", "kind", "words"), FOUND, ids=[f"{k}-{w}" for _, k, w in FOUND])
def test_types_are_found_by_looking(cells, kind, words):
    frame, codec = fitted(cells)
    assert codec.columns[0].type == kind
    assert codec.describe()[0].startswith(f"c: {words}")
    if kind not in {"identifier", "text", "empty"}:
        assert_same(back(codec, frame), frame)


def test_types_can_be_asked_for():
    frame = frame_of(a=["1", "2", "3"], b=["x", "y", "x"], c=["5", "5", "6"])
    conditions = {"a": "category", "b": "text", "c": "decimal"}
    codec = TableCodec.fit_frame(frame, overrides=conditions)
    assert [column.type for column in codec.columns] == ["category", "text", "decimal"]


def test_impossible_wishes_are_refused_with_the_nearest():
    frame = frame_of(age=["1", "2.5"], town=["x", "y"])
    message = refusal(frame, overrides={"aeg": "integer", "town": "catgory"})
    assert "no column 'aeg'; did you mean 'age'?" in message
    assert "no type 'catgory'; did you mean 'category'?" in message
    assert "expected whole numbers: '2.5' in row 2" in refusal(frame, overrides={"age": "integer"})
    assert "expected numbers: 'x' in row 1" in refusal(frame, overrides={"town": "number"})
    assert "no format of dates" in refusal(frame, overrides={"town": "date"})
    assert "expected no and yes" in refusal(frame, overrides={"town": "boolean"})


def test_numbers_named_as_identifiers_are_made_anew():
    cells = [str(number) for number in RNG.permutation(10**6)[:50]]
    assert fitted(cells, "customer_id")[1].columns[0].type == "identifier"
    assert fitted(cells, "amount")[1].columns[0].type == "integer"


# round trips --------------------------------------------------------------------------------------
NUMBERS = {
    "many integers": RNG.integers(-10_000, 10_000, 3000).astype(str).tolist(),
    "heavy tail": [f"{x:.2f}" for x in np.exp(RNG.normal(8, 2, 3000))],
    "spikes": [str(x) for x in np.where(RNG.random(3000) < 0.9, 0, RNG.integers(0, 10**6, 3000))],
    "noughts at the end": [str(x) for x in np.round(RNG.normal(0, 9, 3000), 2) + 0.0],
    "large": [str(x) for x in RNG.integers(10**9, 10**9 + 10**6, 3000)],
    "typed floats": np.round(RNG.normal(size=3000), 3),
    "typed small": RNG.integers(0, 60000, 3000).astype(np.uint16),
    "money": [f"${x:,.2f}" for x in RNG.uniform(0, 10**6, 3000)],
    "tiny": [float(f"{n}e-200") for n in RNG.integers(0, 10**5, 3000)],
    "in steps": (RNG.integers(-500, 500, 3000) * 250).astype(str).tolist(),
    "eight digits": [f"{x:.8g}" for x in np.sort(RNG.uniform(1, 2, 3000))],
}


@pytest.mark.parametrize("cells", NUMBERS.values(), ids=NUMBERS)
def test_numbers_come_back_as_they_were_written(cells):
    frame, codec = fitted(cells)
    assert [field.kind for field in codec.fields] == ["symbol", "place"]
    assert codec.fields[0].cardinality <= 256
    assert_same(back(codec, frame), frame)
    assert codec.notes == ()


def test_places_are_spread_evenly():
    frame, codec = fitted(np.exp(np.random.default_rng(1).normal(8, 2, 20_000)).round(2))
    places = codec.encode_frame(frame)[:, 1].numpy()
    counts = np.histogram(places, 10, (0, 1))[0]
    assert counts.min() > 0.8 * counts.max()


def test_digits_that_cannot_be_kept_are_said_and_counted():
    cells = RNG.normal(size=3000) * 10.0 ** RNG.integers(-12, 12, 3000)
    frame, codec = fitted(cells)
    made = back(codec, frame).column("c")
    assert "without their last digits" in codec.notes[0]
    size = np.abs(frame.column("c"))
    assert np.median(np.abs(made - frame.column("c")) / size) < 1e-4


FORMS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d %b %Y"),
    *("%B %d, %Y", "%-d/%-m/%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M"),
    *("%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S+01:00"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [40, 1500])
def test_dates_come_back_in_their_own_format(form, count):
    frame, codec = fitted(days(count, form))
    assert codec.columns[0].type == "date"
    assert_same(back(codec, frame), frame)


def test_day_and_month_are_told_apart_by_evidence():
    assert fitted(["01/02/2020", "13/02/2020"])[1].columns[0].format == "%d/%m/%Y"
    assert fitted(["01/02/2020", "02/13/2020"])[1].columns[0].format == "%m/%d/%Y"
    ascending = ["01/02/2020", "02/02/2020", "03/02/2020", "01/03/2020"]
    assert fitted(ascending)[1].columns[0].format == "%d/%m/%Y"


def test_typed_moments_come_back_with_their_unit():
    for unit, step in [("D", 1), ("s", 3600), ("ns", 10**9 * 60)]:
        moments = (RNG.integers(0, 10**5, 2000) * step).astype(f"datetime64[{unit}]")
        moments[::7] = np.datetime64("NaT")
        frame, codec = fitted(moments)
        assert_same(back(codec, frame), frame)


@pytest.mark.parametrize("count", [1, 1000])
def test_offsets_that_vary_come_back_with_their_rows(count):
    cells = ["2020-01-01T10:00:00+01:00", "2020-06-01T10:00:00+02:00", "2020-01-02T10:00:00+01:00"]
    cells += [f"{day}T{i % 24:02d}:00:00-05:30" for i, day in enumerate(days(count))]
    frame, codec = fitted([*cells, ""])
    assert_same(back(codec, frame), frame)
    assert codec.notes == ()


@pytest.mark.parametrize("count", [2, 256, 257, 5000, 100_000])
def test_rare_categories_are_kept_in_few_symbols(count):
    cells = [f"v{i}" for i in range(count)] + ["v0", "v0", ""]
    frame, codec = fitted(cells)
    assert len(codec.fields) == (1 if count <= 256 else 2)
    assert max(field.cardinality for field in codec.fields) <= 1024
    assert_same(back(codec, frame), frame)
    assert codec.columns[0].frequencies.sum() == pytest.approx(1)


def test_too_many_categories_are_refused_or_left_out():
    cells = [f"v{i}" for i in range(100_001)] + ["v0", "v1"]
    assert fitted(cells)[1].columns[0].type == "text"
    frame = frame_of(c=cells)
    assert "more than 100,000 values" in refusal(frame, overrides={"c": "category"})


def test_a_bucket_without_a_place_in_it_is_still_a_value():
    _, codec = fitted([f"v{i:04d}" for i in range(1000)] * 2)
    wild = torch.tensor([[DIRECT + 1.0, 0.0], [0.0, 9.0], [1e9, 1e9], [-5.0, -5.0]])
    made = codec.decode_frame(wild).column("c").tolist()
    assert made == [f"v{DIRECT + BUCKET:04d}", "v0000", "v0999", "v0000"]


def test_the_commonest_mark_of_each_column_is_written_back():
    frame = frame_of(a=["1", "NA", "NA", "", "2"], b=["x", "?", "y", "x", "?"])
    made = back(TableCodec.fit_frame(frame), frame)
    assert made.column("a").tolist() == ["1", "NA", "NA", "NA", "2"]
    assert made.column("b").tolist() == frame.column("b").tolist()


def test_missing_typed_cells_come_back_missing():
    frame = frame_of(
        n=[1, None, 3], x=np.array([0.5, np.nan, 1.5]), b=[True, None, False], w=["a", None, "b"]
    )
    made = back(TableCodec.fit_frame(frame), frame)
    assert made.rows() == frame.rows()


def test_normal_scores_and_representatives_follow_the_numbers():
    cells = [*RNG.normal(0, 5, 3000).round(2).astype(str).tolist(), *[""] * 300]
    column = fitted(cells)[1].columns[0]
    assert len(column.scores) == len(column.representatives) == column.sizes[0][1]
    assert column.scores[0] == 0, "missing"
    assert (np.diff(column.scores[1:]) > 0).all()
    assert np.corrcoef(column.scores[1:], column.representatives[1:])[0, 1] > 0.99


# columns aside ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        ([f"u{i:04d}" for i in range(30)], r"u\d{4}"),
        ([f"{i:08x}-1234-1234-1234-{i:012x}" for i in range(30)], r"[0-9a-f-]{36}"),
        (
            [f"{a}{b}-{i}" for i, (a, b) in enumerate(zip("ABCDE" * 6, "VWXYZ" * 6, strict=True))],
            r".*",
        ),
        (["AB" + s for s in "QWERTYUIOPASDFGHJKLZXCVBNM"], r"AB[A-Z](-\d+)?"),
    ],
)
def test_identifiers_are_made_anew_unique_and_alike(cells, pattern):
    _, codec = fitted(cells)
    first = codec.decode_frame(torch.zeros(40, 0), seed=5).column("c").tolist()
    second = codec.decode_frame(torch.zeros(20, 0), start=40, seed=5).column("c").tolist()
    assert len(set(first + second)) == 60
    assert all(re.fullmatch(pattern, each) for each in first + second)
    again = codec.decode_frame(torch.zeros(60, 0), seed=5).column("c").tolist()
    assert again == first + second, "a row's identifier does not depend on its batch"


def test_what_is_left_out_is_said():
    frame = frame_of(
        who=[f"u{i:04d}" for i in range(30)],
        story=[f"once there was a {i}" for i in range(30)],
        hole=[""] * 30,
        n=list(map(str, RNG.integers(0, 9, 30))),
    )
    codec = TableCodec.fit_frame(frame)
    assert [note.partition(":")[0] for note in codec.notes] == ["who", "story", "hole"]
    made = back(codec, frame)
    assert made.names == frame.names
    assert set(made.column("story")) == {None}
    assert set(made.column("hole")) == {""}
    assert codec.shape == (1,)
    assert codec.spans == (slice(0, 0), slice(0, 0), slice(0, 0), slice(0, 1))


# unknown cells, other columns ---------------------------------------------------------------------
def test_unknown_cells_are_counted_and_go_to_what_is_nearest():
    train = frame_of(a=["x", "x", "y", "?"], b=["x", "x", "y", "y"], n=["1", "2", "9", "9"])
    codec = TableCodec.fit_frame(train)
    other = frame_of(n=["4", "100", "2"], b=["z", "x", ""], a=["z", "x", "x"])
    assert codec.unknown(other) == {"a": 1, "b": 2, "n": 2}
    made = codec.decode_frame(codec.encode_frame(other))
    assert made.rows() == [("?", "x", "2"), ("x", "x", "9"), ("x", "x", "2")]
    with pytest.raises(DataError, match=r"never seen in training: 'z' in row 1"):
        codec.encode_frame(other, strict=True)
    assert codec.unknown(train) == {}


def test_whole_numbers_are_the_same_category_with_and_without_a_point():
    for one, other in [(["1", "2"], np.array([1.0, 2.0])), (np.array([1.0, 2.0]), [1, 2])]:
        codec = fitted(one, overrides={"c": "category"})[1]
        assert codec.unknown(frame_of(c=other)) == {}


def test_a_cell_of_another_type_is_refused_with_its_row():
    codec = fitted(["1", "2", "3"], "n")[1]
    with pytest.raises(DataError, match="column 'n': expected numbers: 'abc' in row 2"):
        codec.encode_frame(frame_of(n=["1", "abc"]))


def test_every_difference_between_columns_is_listed():
    codec = TableCodec.fit_frame(
        frame_of(age=["1", "2", "3"], town=["a", "b", "a"], day=["2020-01-01", "2020-01-02", ""])
    )
    other = frame_of(town=["a", "b"], agee=["1", "2"], day=["soon", "later"], more=["1", "2"])
    with pytest.raises(DataError) as caught:
        codec.check_columns(other)
    message = str(caught.value)
    assert "column 'age' is missing; is it 'agee'?" in message
    assert "column 'more' is one too many" in message
    assert "column 'day', which is date: expected a date as %Y-%m-%d: 'soon' in row 1" in message
    codec.check_columns(frame_of(day=[""], age=["7"], town=["c"]))


# bad input ----------------------------------------------------------------------------------------
MANY = [str(i) for i in range(50)]
BAD = [
    ({"a": ["1"]}, "1 row, expected at least 2"),
    ({"a": []}, "no rows, expected at least 2"),
    ({"a": [[1], [2]]}, "cells of type list: [1] in row 1, [2] in row 2"),
    ({"a": [1, "x", 3]}, "mixed types: int, str: 'x' in row 2"),
]


@pytest.mark.parametrize(("columns", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_input_is_one_clear_error(columns, said):
    assert said in refusal(frame_of(**columns))


def test_duplicate_names_are_refused():
    with pytest.raises(DataError, match="more than one column 'a'"):
        Frame(("a", "a"), (cells_of(["1"]), cells_of(["2"])))


def test_no_rows_and_no_names_are_refused():
    with pytest.raises(DataError, match="no rows"):
        TableCodec.fit([])


# in chunks ----------------------------------------------------------------------------------------
def test_chunks_give_the_same_codec_as_the_whole(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"{RNG.integers(0, 999)},{'xyz'[i % 3]},{i}" for i in range(700)]
    path.write_text("\n".join(["n,w,id", *lines]))
    assert TableCodec.fit_frames(read_chunks(path, 64)) == TableCodec.fit_frame(read_frame(path))


def test_an_odd_cell_far_down_is_named_with_its_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "\n".join([*MANY * 10, "oops"]))
    [note] = TableCodec.fit_frames(read_chunks(path, 64)).notes
    assert "'oops' in row 502" in note


def test_more_different_cells_than_are_counted_are_sampled(monkeypatch):
    monkeypatch.setattr("gannet.modalities.table.columns.value_counts.MAX_EXACT", 2000)
    values = np.random.default_rng(2).normal(0, 100, 30_000).round(3)
    values[17_000], values[100] = 9999.125, -8888.5
    words = values.astype(str).tolist()
    words[5000] = ""
    frame = frame_of(x=words, n=np.arange(30_000))
    codec = TableCodec.fit_frames(frame[at : at + 500] for at in range(0, 30_000, 500))
    assert codec.columns[1].type == "identifier"
    assert codec.columns[0].decimals == 3
    assert codec.describe()[0].startswith("x: decimal -8888.5 to 9999.125")
    assert codec.columns[0].missing.mark == ""
    symbols = codec.encode_frame(frame)[:, 0].numpy()
    held = np.bincount(symbols[symbols > 0].astype(int))[1:]
    assert np.median(held) == pytest.approx(30_000 / 64, rel=0.3)
    assert_same(
        Frame(("x",), (back(codec, frame).column("x"),)), Frame(("x",), (frame.columns[0],))
    )


# real data ----------------------------------------------------------------------------------------
@pytest.mark.skipif("GANNET_DATA" not in os.environ, reason="GANNET_DATA names no real data")
@pytest.mark.parametrize(
    "name", ["adult-train", "german", "pima-indians-diabetes", "breast-cancer-wisconsin", "spam"]
)
@pytest.mark.slow
def test_real_tables_come_back_cell_by_cell(name):
    frame = read_frame(Path(os.environ["GANNET_DATA"]) / "tables" / f"{name}.csv")
    codec = TableCodec.fit_frame(frame)
    assert_same(back(codec, frame), frame)
    assert codec.unknown(frame) == {}


@pytest.mark.skipif("GANNET_DATA" not in os.environ, reason="GANNET_DATA names no real data")
@pytest.mark.slow
def test_horses_keep_their_numbers_and_their_holes():
    frame = read_frame(Path(os.environ["GANNET_DATA"]) / "tables" / "horse-colic.csv")
    made = back(TableCodec.fit_frame(frame), frame)
    for was, now in zip(frame.columns, made.columns, strict=True):
        for one, other in zip(was, now, strict=True):
            # The one number that is written 39.2 and 39.20 comes back in its commoner form.
            assert one == other or float(one) == float(other)
