"""New identifiers have the form of the given ones, are none of these, and differ for all seeds."""

from __future__ import annotations

import random
import re
import uuid

import numpy as np
import pytest
import torch

from gannet.core.frame import Frame, objects
from gannet.modalities.table.codec import TableCodec

RNG = random.Random(0)
COUNT = 60


def many(draw):
    return list(dict.fromkeys(draw() for _ in range(COUNT)))


def octet():
    return RNG.randrange(256)


def letters(alphabet, count):
    return "".join(RNG.choice(alphabet) for _ in range(count))


HEX, CAPITALS = "0123456789abcdef", "ABCDEFGHJKLMNP"
KINDS = {
    "prefix and digits": ([f"P{i:04d}" for i in range(COUNT)], r"P\d{4,}"),
    "IPv4": (many(lambda: f"{octet()}.{octet()}.{octet()}.{octet()}"), r"\d+(\.\d+){3}"),
    "IPv6": (many(lambda: f"fe80::{letters(HEX[1:], 4)}"), r"[0-9a-f:]+"),
    "e-mail": (many(lambda: f"{letters(HEX, RNG.randrange(3, 9))}@web.de"), r"[^@]+@[^@]+\.\w+"),
    "e-mail of nobody": (many(lambda: f"user{octet()}{octet()}@example.com"), r".+@example\.\w+"),
    "UUID": (many(lambda: str(uuid.UUID(int=RNG.getrandbits(128)))), r"[0-9a-f-]{36}"),
    "capital UUID": (
        many(lambda: str(uuid.UUID(int=RNG.getrandbits(128))).upper()),
        r"[0-9A-F-]{36}",
    ),
    "MAC": (
        many(lambda: ":".join(letters(HEX, 2) for _ in range(6))),
        r"([0-9a-f]{2}:){5}[0-9a-f]{2}",
    ),
    "plates": (
        many(lambda: f"{letters(CAPITALS, 2)}-{letters(CAPITALS, 2)} {RNG.randrange(1000, 9999)}"),
        r"[A-Z]{2}-[A-Z]{2} \d{4}",
    ),
}


def made_by(cells):
    storage = cells if isinstance(cells, np.ndarray) else objects(cells)
    codec = TableCodec.fit_frame(Frame(("c",), (storage,)), overrides={"c": "identifier"})
    codec = TableCodec.model_validate_json(codec.model_dump_json())

    def make(seed, count, start=0):
        return (
            codec.decode_frame(torch.zeros(count, 0), seed=seed, start=start).column("c").tolist()
        )

    return codec, make


@pytest.mark.parametrize(("cells", "pattern"), KINDS.values(), ids=KINDS)
def test_identifiers_keep_their_form_and_are_never_real(cells, pattern):
    _, make = made_by(cells)
    made = [name for seed in (0, 1, 2, 7) for name in make(seed, 150)]
    assert len(set(made)) == 600, "unique over calls with other seeds"
    assert not set(made) & set(cells)
    assert all(re.fullmatch(pattern, name) for name in made)
    assert make(3, 50)[30:] == make(3, 20, start=30), "a row's does not depend on its batch"


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_whole_numbers_stay_within_their_type(kind):
    _, make = made_by(np.arange(100, dtype=kind))
    assert all(number >= 100 for number in make(0, 50) + make(2**62, 50))


def test_identifiers_that_may_be_real_by_chance_are_said():
    cells = many(lambda: letters(CAPITALS, 2))
    codec, _ = made_by(cells)
    assert "are real ones by chance" in codec.notes[0]


def visits(names):
    rows = [name for name in names for _ in range(RNG.randrange(1, 8))]
    return [str(each) for each in rows]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("patient", [f"P{i:04d}" for i in range(100)]),
        ("code", [f"P{i:04d}" for i in range(100)]),
        ("customer_id", range(1000, 1100)),
        ("who", [f"a{i}.b@web.de" for i in range(100)]),
    ],
)
def test_entities_with_several_rows_are_recognised(name, names):
    [note] = TableCodec.fit_frame(Frame((name,), (objects(visits(names)),))).notes
    assert "100 identifiers with" in note
    assert f"--column {name}=identifier" in note


@pytest.mark.parametrize(
    ("name", "names"),
    [("ward", [f"W{i:03d}" for i in range(5)]), ("age", range(20, 90)), ("town", ["Ulm", "Bonn"])],
)
def test_other_columns_are_no_entities(name, names):
    assert TableCodec.fit_frame(Frame((name,), (objects(visits(names)),))).notes == ()
