"""Whatever goes in comes out again."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gannet.core.frame import Frame, cells_of
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.vector.codec import VectorCodec

SIDES = st.integers(1, 9)
PICTURES = st.tuples(st.integers(1, 3), SIDES, SIDES, st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.uint8, shape)
)
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
TABLES = array_shapes(min_dims=2, max_dims=2, max_side=6).flatmap(
    lambda shape: arrays(np.float64, shape, elements=NUMBERS)
)
NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


@given(PICTURES)
@settings(deadline=None)
def test_a_picture_survives_the_round_trip(pictures):
    codec = ImageCodec.fit(pictures)
    assert np.array_equal(np.stack(codec.decode(codec.encode(list(pictures)))), pictures)


@given(PICTURES, SIDES, SIDES, st.integers(1, 4), st.sampled_from(["crop", "stretch"]))
@settings(deadline=None)
def test_a_picture_of_any_size_fits_any_frame(pictures, height, width, channels, resize):
    codec = ImageCodec.model_validate(
        {"height": height, "width": width, "channels": channels, "resize": resize}
    )
    found = codec.load_image(pictures[0], name="any")
    assert found.shape == (height, width, channels)
    assert found.dtype == np.uint8


@given(arrays(np.float32, (2, 3, 4, 5), elements=st.floats(-(2.0**127), 2.0**127, width=32)))
@settings(deadline=None)
def test_any_finite_numbers_decode_to_pictures_that_encode_again(numbers):
    codec = ImageCodec(height=4, width=5)
    for samples in (torch.from_numpy(numbers), codec.squash(torch.from_numpy(numbers))):
        raws = codec.decode(samples)
        assert np.array_equal(np.stack(codec.decode(codec.encode(raws))), np.stack(raws))


@given(TABLES)
@settings(deadline=None)
def test_rows_survive_the_round_trip_to_seven_digits_of_their_spread(rows):
    codec = VectorCodec.fit(rows)
    back = np.stack(codec.decode(codec.encode(list(rows))))
    slack = 1e-6 * (np.ptp(rows, 0) + np.abs(rows).max(0) * 1e-6) + 1e-300
    assert (np.abs(back - rows) <= slack).all()


@given(TABLES)
@settings(deadline=None)
def test_encoding_rows_equals_encoding_each(rows):
    codec = VectorCodec.fit(rows)
    alone = torch.cat([codec.encode([row]) for row in rows])
    assert torch.equal(codec.encode(list(rows)), alone)
    assert alone.isfinite().all()


@given(TABLES)
@settings(deadline=None)
def test_a_vector_codec_survives_json(rows):
    codec = VectorCodec.fit(rows)
    assert VectorCodec.model_validate_json(codec.model_dump_json()) == codec


@given(NAMES, st.data())
@settings(deadline=None)
def test_names_survive_the_round_trip(names, data):
    codec = LabelCodec.fit(names)
    asked = data.draw(st.lists(st.sampled_from([*names, None]), max_size=5))
    assert codec.decode(codec.encode(asked)) == asked
    assert set(codec.classes) == set(names)


HOLES = st.sampled_from(["", "?", "NA"])
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=5)
COLUMNS = {
    "integer": st.integers(-(10**6), 10**6).map(str),
    "decimal": st.integers(-(10**6), 10**6).map(lambda n: f"{n / 100:.2f}"),
    "category": WORDS.map(lambda word: f"w{word}"),
    "boolean": st.sampled_from(["yes", "no"]),
    "date": st.dates().map(lambda day: day.strftime("%d.%m.") + f"{day.year:04d}"),
    "time": st.times().map(lambda time: time.strftime("%H:%M")),
}


@st.composite
def mixed_tables(draw):
    """Columns of random types, with missing cells of one mark each."""
    count = draw(st.integers(2, 400))
    seed = draw(st.integers(0, 2**32 - 1))
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    rng = np.random.default_rng(seed)
    columns = []
    for kind in names:
        few = draw(st.lists(COLUMNS[kind], min_size=2, max_size=30, unique=True))
        cells = cells_of(few)[rng.integers(0, len(few), count)]
        if kind == "integer" and draw(st.booleans()):  # more than have a symbol of their own
            cells = cells_of(rng.integers(-(10**9), 10**9, count).astype(str).tolist())
        if draw(st.booleans()):
            cells[rng.random(count) < 0.3] = draw(HOLES)
        columns.append(cells)
    conditions = {f"c{place}": kind for place, kind in enumerate(names)}
    return Frame(tuple(conditions), tuple(columns)), conditions


@given(mixed_tables())
@settings(deadline=None, max_examples=60)
def test_a_mixed_table_survives_the_round_trip(made):
    frame, conditions = made
    known = {name: set(frame.column(name)) - {"", "?", "NA"} for name in frame.names}
    # A boolean needs both of its words, and a column without a known cell is empty.
    asked = {n: kind for n, kind in conditions.items() if kind != "boolean" or len(known[n]) == 2}
    codec = TableCodec.fit_frame(frame, overrides=asked)
    codec = TableCodec.model_validate_json(codec.model_dump_json())
    back = codec.decode_frame(codec.encode_frame(frame))
    assert [c.tolist() for c in back.columns] == [c.tolist() for c in frame.columns]
    assert codec.unknown(frame) == {}


@given(mixed_tables(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_any_numbers_decode_to_rows_that_encode_again(made, seed):
    codec = TableCodec.fit_frame(made[0])
    wild = 50 * torch.randn(20, *codec.shape, generator=torch.Generator().manual_seed(seed))
    for samples in (wild, codec.squash(wild)):
        back = codec.decode_frame(samples)
        assert codec.unknown(back) == {}
        again = codec.decode_frame(codec.encode_frame(back))
        assert [c.tolist() for c in again.columns] == [c.tolist() for c in back.columns]
