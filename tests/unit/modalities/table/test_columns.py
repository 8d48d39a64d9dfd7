"""Cells of every kind come back as they were given; odd ones are set aside and named."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pytest

from gannet.core.errors import DataError
from gannet.core.frame import Frame, listed, objects
from gannet.modalities.table.codec import TableCodec

COUNT = 300
RNG = random.Random(0)


def european(value):
    return f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def accounting(value):
    return f"({-value:,.2f})" if value < 0 else f"{value:,.2f}"


def indian(value):
    head, tail = str(value)[:-3], str(value)[-3:]
    groups = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*groups, tail])


def clock(hours, digits=2):
    minutes, seconds = RNG.randrange(60), RNG.randrange(60)
    return f"{RNG.randrange(hours):0{digits}d}:{minutes:02d}:{seconds:02d}"


def many(draw):
    return [draw() for _ in range(COUNT)]


NUMBERS = {
    "European": many(lambda: european(RNG.lognormvariate(8, 1))),
    "European, negative": many(lambda: european(RNG.gauss(0, 5_000))),
    "European, whole": many(lambda: f"{RNG.randrange(10**7):,}".replace(",", ".")),
    "euros": many(lambda: f"{european(RNG.lognormvariate(8, 1))} €"),
    "reais": many(lambda: f"R$ {european(RNG.lognormvariate(8, 1))}"),
    "Swiss": many(lambda: f"{RNG.lognormvariate(8, 1):,.2f}".replace(",", "'")),
    "French": many(lambda: european(RNG.lognormvariate(8, 1)).replace(".", "\u202f")),
    "spaced": many(lambda: european(RNG.lognormvariate(8, 1)).replace(".", " ")),
    "Indian": many(lambda: indian(RNG.randrange(10**4, 10**8))),
    "brackets": many(lambda: accounting(round(RNG.gauss(0, 5_000), 2))),
    "a minus behind": many(lambda: f"{abs(RNG.gauss(0, 500)):.2f}{RNG.choice(['', '-'])}"),
    "a typographic minus": many(lambda: f"{RNG.gauss(0, 500):.2f}".replace("-", "\u2212")),
    "plus signs": many(lambda: f"{RNG.gauss(0, 3):+.2f}"),
    "whole with plus signs": many(lambda: f"{RNG.randrange(-50, 50):+d}"),
    "scientific": many(lambda: f"{10 ** RNG.uniform(-9, 9):.3e}"),
    "scientific, capital": many(lambda: f"{10 ** RNG.uniform(-9, 9):.2E}"),
    "powers without signs": many(lambda: f"{RNG.randrange(1, 10)}e{RNG.randrange(-9, 9)}"),
    "infinity": many(lambda: RNG.choice(["inf", "-inf", f"{RNG.gauss(0, 1):.3f}"])),
    "kilograms": many(lambda: f"{RNG.gauss(70, 9):.1f} kg"),
    "percent with commas": many(lambda: f"{RNG.gauss(70, 9):.1f}%".replace(".", ",")),
}


def round_trip(cells):
    frame = Frame(("c",), (cells if isinstance(cells, np.ndarray) else objects(cells),))
    codec = TableCodec.model_validate_json(TableCodec.fit_frame(frame).model_dump_json())
    made = codec.decode_frame(codec.encode_frame(frame)).column("c")
    assert made.dtype == frame.column("c").dtype
    return codec, listed(frame.column("c")), listed(made)


@pytest.mark.parametrize("cells", NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_any_form_are_learnt_as_numbers_and_come_back(cells):
    codec, given, made = round_trip(cells)
    assert codec.columns[0].type in ("integer", "decimal")
    assert made == given
    assert codec.notes == ()


DURATIONS = {
    "beyond a day": many(lambda: clock(60)),
    "hundreds of hours": many(lambda: clock(300, 1)),
    "minutes and seconds": many(lambda: f"{RNG.randrange(100):02d}:{RNG.randrange(60):02d}"),
    "laps": many(lambda: f"{RNG.randrange(3)}:{RNG.randrange(60):02d}.{RNG.randrange(1000):03d}"),
    "below zero": many(lambda: f"{RNG.choice(['', '-'])}{clock(9)}"),
    "as pandas prints": many(lambda: f"{RNG.randrange(5)} days {clock(24)}"),
    "as Python prints": many(lambda: str(datetime.timedelta(seconds=RNG.randrange(300_000)))),
    "ISO 8601": many(lambda: f"P{RNG.randrange(1, 5)}DT{RNG.randrange(1, 24)}H5M"),
    "typed": np.array([RNG.randrange(10**10) for _ in range(COUNT)], "timedelta64[us]"),
    "typed with holes": np.array(
        [RNG.choice([None, RNG.randrange(10**6) * 10**9]) for _ in range(COUNT)], "timedelta64[ns]"
    ),
}


@pytest.mark.parametrize("cells", DURATIONS.values(), ids=DURATIONS)
def test_durations_are_ordered_and_come_back(cells):
    codec, given, made = round_trip(cells)
    assert codec.columns[0].type == "duration"
    assert made == given


def test_times_of_day_stay_times_of_day():
    assert round_trip(many(lambda: clock(24)))[0].columns[0].type == "time"


TYPED = {
    "above 63 bits": np.array([2**63 + 5, 2**64 - 1, 7] * 20, np.uint64),
    "infinite": np.array([np.inf, -np.inf, np.nan, 1.5, 2.5, 3.25] * 20),
    "infinite, many": np.array([np.inf, *(round(RNG.random(), 4) for _ in range(COUNT)), -np.inf]),
    "half precision": np.array([RNG.gauss(0, 1) for _ in range(COUNT)], np.float16),
    "whole in Python": objects([2**63 + 1, 2**63 + 5, None] * 20),
}


@pytest.mark.parametrize("cells", TYPED.values(), ids=TYPED)
def test_typed_numbers_come_back(cells):
    _, given, made = round_trip(cells)
    assert made == given


def test_infinity_is_finite_to_calculate_with():
    codec, _, _ = round_trip(TYPED["infinite"])
    assert np.isfinite(codec.columns[0].representatives).all()


def test_codes_such_as_that_of_namibia_are_data():
    beside_empty, among_codes = ["NA", "DE", "FR", ""] * 30, ["NA", "DE", "FR", "IT", "ES", "US"]
    for cells in (beside_empty, among_codes * 20, ["null", "smith", None] * 30):
        codec, given, made = round_trip(cells)
        assert made == given
        assert cells[0] in codec.columns[0].values
    assert "NA" not in round_trip(["NA", "good", "bad"] * 30)[0].columns[0].values


def test_marks_of_missing_cells_can_be_given():
    frame = Frame(("w", "n"), (objects(["NA", "a", "b", ""]), objects(["1", "2", "NA", ""])))
    codec = TableCodec.fit_frames([frame], missing=("",))
    assert "NA" in codec.columns[0].values
    own = TableCodec.fit_frames([frame], missing=("", "a"))
    assert own.columns[0].missing.fraction == 0.5


def test_phone_numbers_are_no_amounts():
    codec, _, _ = round_trip(many(lambda: f"+49{RNG.randrange(10**9):09d}"))
    assert codec.columns[0].type == "identifier"


WHOLE = [str(number % 40) for number in range(60)]
DAYS = [f"2020-01-{day:02d}" for day in range(1, 31)]
ODD = [
    ([*WHOLE, "tall", "abc"], "2 cells do not fit", "'tall' in row 61, 'abc' in row 62"),
    ([*DAYS, "soon"], "1 cell does not fit", "'soon' in row 31"),
    ([*DAYS, "2020-02-30", "later"], "2 cells do not fit", "'2020-02-30' in row 31"),
    ([*map(int, WHOLE), "x"], "1 cell does not fit", "'x' in row 61"),
    ([*map(float, WHOLE), None, "x"], "1 cell does not fit", "'x' in row 62"),
]


@pytest.mark.parametrize(("cells", "how_many", "which"), ODD)
def test_an_odd_cell_is_set_aside_counted_and_named(cells, how_many, which):
    frame = Frame(("c",), (objects(cells),))
    codec = TableCodec.fit_frame(frame)
    [note] = codec.notes
    assert how_many in note
    assert which in note
    made = codec.decode_frame(codec.encode_frame(frame)).column("c")
    assert listed(made)[: len(DAYS)] == cells[: len(DAYS)]
    assert listed(made)[-1] is None
    assert codec.unknown(frame) == {"c": int(how_many[0])}


def test_many_odd_cells_are_refused():
    frame = Frame(("c",), (objects([*WHOLE, *["x"] * 40]),))
    with pytest.raises(DataError, match="expected numbers: 'x' in row 61"):
        TableCodec.fit_frames([frame], overrides={"c": "number"})


def test_a_column_of_text_with_few_numbers_is_text():
    cells = [*["red", "blue"] * 20, 5]
    codec = TableCodec.fit_frame(Frame(("c",), (objects(cells),)))
    assert codec.columns[0].values == ("blue", "red", "5")


@pytest.mark.parametrize("kind", ["timedelta64[ns]", "timedelta64[s]", "datetime64[ns]"])
def test_typed_moments_can_be_categories(kind):
    frame = Frame(("c",), (np.array([5, 7, 5, 10**12], kind),))
    codec = TableCodec.fit_frame(frame, overrides={"c": "category"})
    made = codec.decode_frame(codec.encode_frame(frame)).column("c")
    assert listed(made) == listed(frame.column("c"))
