"""What is asked of a table's columns comes true, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.core.errors import ConfigError
from gannet.core.frame import Frame, cells_of
from gannet.core.types import CellRange, Condition, Spec, TableLayout
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.quantile_bins import QuantileBins
from gannet.networks.tabular.conditions import MAX_PREFIXES, prefixes, rows_of
from gannet.networks.tabular.cooccurrence import cooccurred, cooccurrence
from gannet.networks.tabular.layout import Layout
from gannet.networks.tabular.network import FieldGenerator

FIELDS = (3, 4, 0, 2)


def frame(rows=2_000, seed=0):
    rng = np.random.default_rng(seed)
    born = np.datetime64("1950-01-01") + rng.integers(0, 20_000, rows)
    made = {
        "age": rng.integers(18, 80, rows),
        "weight": rng.normal(70, 12, rows).round(3),
        "born": born,
        "town": cells_of(rng.choice(["Ulm", "Bonn", "Köln"], rows).tolist()),
        "note": cells_of([f"this is free text {row}" for row in range(rows)]),
        "same": np.ones(rows, np.int64),
    }
    return Frame(tuple(made), tuple(made.values()))


@pytest.fixture(scope="module")
def codec():
    return TableCodec.fit_frame(frame())


def generator(fields=FIELDS, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = FieldGenerator(Spec((len(fields),), table=TableLayout(fields)), 16, 1)
        torch.nn.init.normal_(made.output.weight, std=1.0)
    return made.requires_grad_(False)


def chance(rows, width, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.rand(rows, width, generator=source, dtype=torch.float64)


def joint(made, rows=None):
    """Shares of the first two fields' symbols ``(3, 4)``, told one after the other."""
    blank = torch.zeros(1, 2 * len(FIELDS))
    first = made.logits(Condition(blank, blank[:, :0], blank[:, :0]))[0, :3].softmax(0)
    told = torch.zeros(3, 2 * len(FIELDS))
    told[:, 0], told[:, len(FIELDS)] = torch.arange(3), 1
    then = made.logits(Condition(told, told[:, :0], told[:, :0]))[:, 3:7].softmax(1)
    return first[:, None] * then


# -- networks ------------------------------------------------------------------------------------


def test_ways_have_the_shares_of_the_network():
    made = generator()
    conditions = [
        [CellRange({0: 0.0}), CellRange({0: 2.0})],
        [CellRange({1: 1.0}), CellRange({1: 2.0}), CellRange({1: 3})],
    ]
    wanted = joint(made)[[0, 2]][:, [1, 2, 3]].flatten().double()
    found = prefixes(made, conditions)
    assert found.probability == pytest.approx(float(wanted.sum()), rel=1e-4)
    heaped = (wanted / wanted.sum()).cumsum(0)
    assert torch.allclose(found.cumulative, heaped, atol=1e-4)
    drawn, known = rows_of(found, chance(20_000, 3))
    assert torch.equal(known, torch.tensor([1.0, 1, 0, 0]).expand(20_000, -1))
    share = ((drawn[:, 0] == 2) & (drawn[:, 1] == 3)).double().mean()
    assert float(share) == pytest.approx(float(wanted[5] / wanted.sum()), abs=0.015)


def test_many_ways_are_thinned_without_changing_their_shares():
    fields = (40, 50, 30)
    made = generator(fields)
    conditions = [
        [CellRange({at: float(each)}) for each in range(size)] for at, size in enumerate(fields)
    ]
    found = prefixes(made, conditions)
    assert len(found.low) == MAX_PREFIXES
    assert found.probability == pytest.approx(1, abs=1e-6), "all is asked for"
    alone = prefixes(made, conditions[2:])
    first, _ = rows_of(alone, chance(50_000, 2))
    drawn, _ = rows_of(found, chance(50_000, 4))
    one, other = (torch.bincount(each[:, 2].long(), minlength=30) for each in (first, drawn))
    # The odds of one field given two others are, untrained, not quite those of the field alone.
    assert found.probability == pytest.approx(alone.probability, abs=1e-6)
    assert one.argmax() == other.argmax()


def test_a_place_stays_within_its_bounds_and_follows_the_slices():
    made = generator()
    found = prefixes(made, [[CellRange({1: 2.0}, {2: (0.3, 0.55)})]])
    drawn, known = rows_of(found, chance(5_000, 2))
    assert float(drawn[:, 2].min()) >= 0.3
    assert float(drawn[:, 2].max()) <= 0.55
    assert len(drawn[:, 2].unique()) > 1_000
    assert known[0].tolist() == [0, 1, 1, 0]
    whole = prefixes(made, [[CellRange({1: 2.0}, {2: (0.0, 1.0)})]])
    assert found.probability < whole.probability
    assert whole.probability == pytest.approx(
        prefixes(made, [[CellRange({1: 2.0})]]).probability, rel=1e-4
    )


def test_pairs_say_which_symbols_met():
    layout = Layout(FIELDS)
    rows = torch.tensor([[0, 1, 0.2, 0], [2, 3, 0.9, 1]])
    pairs = cooccurrence([rows[:1], rows[1:]], layout)

    def together(one, other):
        return cooccurred(
            pairs, layout, [CellRange(each) for each in one], [CellRange(each) for each in other]
        )

    assert together([{0: 0.0}], [{1: 1.0}])
    assert not together([{0: 0.0}], [{1: 3.0}])
    assert together([{0: 0.0}, {0: 2.0}], [{1: 3.0}])
    assert together([{3: 1.0}], [{1: 3.0, 2: 0.1}]), "of places nothing is kept"
    assert not together([{3: 0.0}], [{1: 3.0}])
    assert cooccurred(torch.zeros(0, 0), layout, [CellRange({0: 0.0})], [CellRange({1: 3.0})]), (
        "not known"
    )


def test_pairs_of_very_wide_tables_are_not_kept():
    assert not cooccurrence([torch.zeros(2, 2)], Layout((9_000, 2))).numel()


# -- columns -------------------------------------------------------------------------------------


def decoded(codec, pieces, name):
    """Cells of a column whose fields are those of each piece, at both ends of its places."""
    at = codec.names.index(name)
    first = codec.spans[at].start
    rows = []
    for piece in pieces:
        for end in (0, 1):
            row = torch.full((len(codec.fields),), 0.5)
            for field, cell in piece.cells.items():
                row[field] = cell
            for field, bounds in piece.within.items():
                row[field] = bounds[end]
            if not piece.within and first + 1 not in piece.cells:
                row[first + 1] = end * (1 - 1e-6)
            rows.append(row)
    return codec.decode_frame(torch.stack(rows)).column(name)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("age", 30, 40), ("weight", 60.123, 61.4), ("born", "1970-02-03", "1971-01-01")],
)
def test_a_range_is_kept_at_both_ends(codec, name, low, high):
    for wish in ((low, high), f"{low}..{high}"):
        (pieces,) = codec.cell_conditions({name: wish})
        cells = decoded(codec, pieces, name)
        kind = cells.dtype.type
        low_, high_ = (np.datetime64(low), np.datetime64(high)) if name == "born" else (low, high)
        assert cells.min() >= low_
        assert cells.max() <= high_
        assert issubclass(kind, np.generic)
    assert (cells == low_).any()  # the range holds its very ends
    assert (cells == high_).any()


@pytest.mark.parametrize("wish", ["..25", "75.."])
def test_a_range_may_be_open(codec, wish):
    (pieces,) = codec.cell_conditions({"age": wish})
    cells = decoded(codec, pieces, "age")
    assert (cells.min(), cells.max()) == ((18, 25) if wish == "..25" else (75, 79))


def test_several_values_and_ranges_are_one_wish(codec):
    (pieces,) = codec.cell_conditions({"age": [20, "30..31", (30, 32)]})
    assert sorted(set(decoded(codec, pieces, "age").tolist())) == [20, 30, 31, 32]
    assert len(pieces) == 4, "none twice"


def test_what_is_always_so_needs_no_wish(codec):
    assert codec.cell_conditions({"same": "1"}) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"agee": 3}, "Did you mean 'age'?"),
        ({"zzz": 3}, "Columns: age, weight"),
        ({"age": 17}, "'age': 17 was never seen"),
        ({"age": "forty"}, "expected numbers"),
        ({"age": "90..99"}, "nothing was seen in 90..99"),
        ({"age": "40..30"}, "40..30 ends below its beginning"),
        ({"age": ""}, "'' was never seen"),
        ({"age": []}, "nothing was asked for"),
        ({"town": "Bon"}, "Did you mean 'Bonn'?"),
        ({"town": "x"}, "Its values: "),
        ({"born": "someday"}, "is not a date"),
        ({"note": "x"}, "not learnt"),
        ({"same": 2}, "always 1"),
    ],
)
def test_a_wish_that_cannot_come_true_is_refused(codec, given, said):
    with pytest.raises(ConfigError, match=r".") as caught:
        codec.cell_conditions(given)
    assert said in str(caught.value)


def test_values_of_a_column_are_listed(codec):
    assert sorted(codec.values("town")) == ["Bonn", "Köln", "Ulm"]
    assert codec.values("age") == list(range(18, 80))
    with pytest.raises(ConfigError, match="no list of values"):
        codec.values("weight")


def test_reach_gives_units_back():
    units = np.arange(0, 3_000, 7)
    bins = QuantileBins.fit(units, np.ones(len(units), np.int64))
    for low, high in ((0, 2_999), (100, 101), (513, 1_777), (1, 6)):
        for rung, begin, end in bins.bins_between(low, high):
            both = bins.units(np.array([rung, rung]), np.array([begin, min(end, 1 - 1e-9)]))
            assert low <= both[0] <= both[1] <= high
    assert bins.bins_between(5_000, 6_000) == []
