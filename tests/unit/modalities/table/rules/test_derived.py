"""Columns that follow from others keep their rules by themselves, whatever is sampled."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pytest
import torch

from gannet.core.frame import Frame, listed, objects
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.rules import violations

RNG = random.Random(2)
COUNT = 400
EPOCH = datetime.date(2020, 1, 1)


def table(**columns):
    cells = (c if isinstance(c, np.ndarray) else objects(c) for c in columns.values())
    return Frame(tuple(columns), tuple(cells))


def stays(form=str):
    admit = [EPOCH + datetime.timedelta(days=RNG.randrange(900)) for _ in range(COUNT)]
    stay = [datetime.timedelta(days=int(RNG.expovariate(0.2))) for _ in range(COUNT)]
    discharge = [
        "" if RNG.random() < 0.3 else form(a + s) for a, s in zip(admit, stay, strict=True)
    ]
    return {"admit": [form(a) for a in admit], "discharge": discharge}


def bill(kind=str):
    net, tax = ([RNG.randrange(10**4) for _ in range(COUNT)] for _ in range(2))
    if kind is int:
        return {name: np.array(cells) for name, cells in sum_of(net, tax).items()}
    return {
        name: [f"{cell / 100:.2f}" for cell in cells] for name, cells in sum_of(net, tax).items()
    }


def sum_of(net, tax):
    return {"net": net, "tax": tax, "total": [n + t for n, t in zip(net, tax, strict=True)]}


def chain():
    start = np.array([RNG.randrange(100_000) for _ in range(COUNT)])
    middle = start + np.array([RNG.randrange(50) for _ in range(COUNT)])
    return {"start": start, "middle": middle, "end": middle + RNG.randrange(1, 9)}


def moments():
    given = np.array([RNG.randrange(10**9) for _ in range(COUNT)])
    after = given + np.array([RNG.randrange(10**4) for _ in range(COUNT)])
    return {"sent": given.astype("datetime64[s]"), "seen": after.astype("datetime64[s]")}


TABLES = {
    "dates": (stays(), ["admit <= discharge"]),
    "European dates": (stays(lambda day: day.strftime("%d.%m.%Y")), ["admit <= discharge"]),
    "typed moments": (moments(), ["sent <= seen"]),
    "amounts": (bill(), ["total == net + tax"]),
    "whole numbers": (bill(int), ["total == net + tax"]),
    "a chain": (chain(), ["start <= middle", "middle <= end"]),
}


def fitted(columns):
    frame = table(**columns)
    codec = TableCodec.fit_frame(frame).with_rules([frame])
    return frame, TableCodec.model_validate_json(codec.model_dump_json())


def wild(codec, count=500):
    """Encoded rows of any numbers."""
    sizes = torch.tensor([max(size, 1) for size in codec.cardinalities])
    rng = torch.Generator().manual_seed(0)
    return torch.rand(count, len(sizes), generator=rng) * sizes


@pytest.mark.parametrize(("columns", "rules"), TABLES.values(), ids=TABLES)
def test_rows_keep_rules_by_themselves_and_come_back(columns, rules):
    frame, codec = fitted(columns)
    assert set(rules) <= set(codec.derived.implied_rules())
    made = codec.decode_frame(codec.encode_frame(frame))
    for name in frame.names:
        assert listed(made.column(name)) == listed(frame.column(name)), name
    implied = codec.derived.implied_rules()
    assert not violations(codec.decode_frame(wild(codec)), implied, codec.columns).any()
    names = codec.names[::-1]
    again = codec.decode_columns(wild(codec), names)
    whole = codec.decode_frame(wild(codec))
    assert all(listed(again.column(n)) == listed(whole.column(n)) for n in names)


def test_a_total_that_is_given_leaves_a_part_to_be_calculated():
    codec = fitted(bill())[1]
    made = codec.decode_frame(wild(codec), numeric=True, fixed=("total",))
    own = codec.model_copy(update={"derived": codec.derived.model_copy(update={"steps": ()})})
    given = own.decode_frame(wild(codec), numeric=True)
    assert (made.column("total") == given.column("total")).all()
    total = made.column("net") + made.column("tax")
    assert total == pytest.approx(made.column("total"), abs=1e-9)


def test_differences_are_as_long_as_real_ones():
    codec = fitted(stays())[1]
    [difference] = codec.derived.differences
    assert difference.column.quantile_bins.high < 60
    assert difference.column.missing.fraction == codec.columns[1].missing.fraction


def test_wide_differences_are_left_to_chance():
    small = [str(RNG.randrange(50)) for _ in range(COUNT)]
    large = [str(RNG.randrange(49, 10**6)) for _ in range(COUNT)]
    small[0], large[0] = "49", "49"
    codec = fitted({"small": small, "large": large})[1]
    assert codec.derived.differences == ()
