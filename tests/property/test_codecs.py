"""Whatever goes in comes out again."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gannet.codecs.image import ImageCodec
from gannet.codecs.label import LabelCodec
from gannet.codecs.vector import VectorCodec

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
    found = codec.picture(pictures[0], name="any")
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
