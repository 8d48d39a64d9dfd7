"""Rows that obey rules: every one does, and row n still depends on the seed and on n alone."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import gannet
from gannet.core.errors import ConfigError
from gannet.core.frame import joined
from gannet.modalities.table.sampling import rejection

RULES = ["low <= high", "occurs(town, land)", "low + high < 80"]
TOWNS = {"Ulm": "D", "Bonn": "D", "Lyon": "F", "Nice": "F", "Graz": "A"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Hardly trained, so that many rows break the rules."""
    folder, rng = tmp_path_factory.mktemp("rules"), np.random.default_rng(0)
    with (folder / "data.csv").open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["id", "low", "high", "town", "land", "size"])
        for row in range(400):
            low = int(rng.integers(0, 60))
            high = "" if row % 10 == 0 else low + int(rng.integers(0, 40))
            town = str(rng.choice(list(TOWNS)))
            sheet.writerow([f"R{row}", low, high, town, TOWNS[town], f"{rng.normal(9):.3f}"])
    small = {"steps": 30, "width": 16, "batch": 64, "threads": 1, "blocks": 1}
    return gannet.train(folder / "data.csv", folder / "run", **small)


def rows(model, count, **options):
    return joined(list(model.stream(count, **options)))


def plain(frame):
    return [dict(zip(frame.names, row, strict=True)) for row in frame.rows()]


def test_every_row_obeys_every_rule(model):
    drawn = model.stream(500, constraint=RULES)
    made = plain(joined(list(drawn)))
    assert len(made) == 500
    for row in made:
        assert TOWNS[row["town"]] == row["land"]
        if row["high"] != "":
            assert int(row["low"]) <= int(row["high"])
            assert int(row["low"]) + int(row["high"]) < 80
    assert any(row["high"] == "" for row in made), "what is missing breaks no rule"
    assert 0 < drawn.rejection.first_accepted < 500, "or this test would show nothing"
    assert len({row["id"] for row in made}) == 500


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"given": {"town": ["Ulm", "Lyon"]}},
        {"constraint": [*RULES, "size > 8.5"]},
        {"stratify_by": "land"},
    ],
)
def test_row_n_depends_on_the_seed_and_on_n_alone(model, options):
    options = {"constraint": RULES} | options
    many = rows(model, 300, seed=3, **options)
    assert many.rows()[:7] == rows(model, 7, seed=3, **options).rows()
    assert many.rows()[:150] == rows(model, 150, seed=3, **options).rows()
    assert many.rows() != rows(model, 300, seed=4, **options).rows()


def test_parts_do_not_matter(model, monkeypatch):
    whole = rows(model, 90, seed=1, constraint=RULES).rows()
    for module in (
        "gannet.modalities.table.sampling.rows",
        "gannet.modalities.table.sampling.rejection",
    ):
        monkeypatch.setattr(f"{module}.TOGETHER", 16)
    assert rows(model, 90, seed=1, constraint=RULES).rows() == whole


def test_rows_that_obey_at_once_are_those_without_rules(model):
    free, kept = (
        plain(rows(model, 200, ignore_rules=True, **each)) for each in ({}, {"constraint": RULES})
    )
    same = [one == other for one, other in zip(free, kept, strict=True)]
    drawn = model.stream(200, constraint=RULES, ignore_rules=True)
    list(drawn)
    assert sum(same) == drawn.rejection.first_accepted


def test_what_the_rules_did_is_told_in_plain_words(model):
    drawn = model.stream(200, constraint=[*RULES, "low < 30", "size >= -9999"])
    list(drawn)
    told = drawn.rejection
    assert (told.rows, told.conditioned) == (200, ("low < 30",))
    assert 0.2 < told.marginal < 0.8
    assert told.attempts > 200
    words = "\n".join(told.describe())
    assert "enforced by conditional sampling: 'low < 30'; without it" in words
    assert f"{200 - told.first_accepted} were drawn anew" in words
    assert "'low <= high' was broken by" in words
    assert "'low < 30' was broken" not in words
    assert model.stream(5).rejection.describe() == []


def test_bounds_are_asked_for_and_cost_no_draws(model):
    rules = "size > 10.5 and town != Ulm and not missing(high)"
    drawn = model.stream(300, constraint=rules, ignore_rules=True)
    made = plain(joined(list(drawn)))
    assert all(float(row["size"]) > 10.5 and row["town"] != "Ulm" for row in made)
    assert all(row["high"] != "" for row in made)
    assert drawn.rejection.first_accepted == 300


def test_rules_and_balance_go_together(model):
    made = plain(
        rows(model, 90, stratify_by="town", constraint=["town != Ulm", "occurs(town, land)"])
    )
    counts = {town: sum(row["town"] == town for row in made) for town in TOWNS}
    assert counts.pop("Ulm") == 0
    assert max(counts.values()) - min(counts.values()) <= 1
    assert all(TOWNS[row["town"]] == row["land"] for row in made)
    with pytest.raises(ConfigError, match=r"'town in \(Ulm\)' and .* contradict"):
        rows(model, 5, stratify_by="town", constraint=["town in (Ulm)", "town != Ulm"])


def test_hardly_any_row_is_an_error_that_names_the_rule_and_the_share(model, monkeypatch):
    monkeypatch.setattr(rejection, "ENOUGH", 500)
    with pytest.raises(ConfigError, match="hardly any row obeys") as caught:
        rows(model, 50, constraint=["low <= high or missing(high)", "low * size > 999999"])
    assert "'low * size > 999999' was broken by" in str(caught.value)
    assert "Loosen that rule" in caught.value.remedy


def test_tries_have_an_end_even_if_few_rows_are_drawn(model, monkeypatch):
    monkeypatch.setattr(rejection, "MAX_TRIES", 40)
    with pytest.raises(ConfigError, match=r"0.0 % of 39 that were drawn anew"):
        rows(model, 1, constraint="low * size > 999999")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"constraint": "low < 10", "given": {"low": (20, 30)}}, "low=20..30 and --constraint"),
        (
            {"constraint": "land == F", "given": {"town": "Ulm"}},
            "nothing like town=Ulm, --constraint",
        ),
        ({"constraint": ["land == F", "town == Ulm"]}, "nothing like --constraint"),
        ({"constraint": "hgih < 3"}, "Did you mean 'high'?"),
        ({"constraint": "id == 3"}, "is not learnt"),
        ({"constraint": "occurs(size, town)"}, "up to 256 values"),
    ],
)
def test_what_cannot_be_is_refused_before_a_row_is_drawn(model, options, said):
    with pytest.raises(ConfigError) as caught:
        next(model.stream(5, **options))
    assert said in str(caught.value)


def test_no_rows_and_one_rule(model):
    assert len(rows(model, 0, constraint="low <= high")) == 0
    pytest.importorskip("pandas")
    made = model.sample(20, constraint="low <= high")
    assert (made["low"] <= made["high"].fillna(999)).all()


def test_rules_are_for_tables(of_pictures, tmp_path):
    with pytest.raises(ConfigError, match="constraint: is for rows, which this run does not make"):
        gannet.Model(of_pictures, tmp_path).sample(1, constraint="a < b")


def test_rules_of_the_training_data_are_obeyed_unless_they_are_let_go(model):
    drawn = model.stream(300)
    sampled = plain(joined(list(drawn)))
    assert all(row["high"] == "" or int(row["low"]) <= int(row["high"]) for row in sampled)
    assert any("'low <= high'" in note for note in drawn.notes())
    free = model.stream(300, ignore_rules=True)
    wild = plain(joined(list(free)))
    assert any(row["high"] and int(row["low"]) > int(row["high"]) for row in wild)
    assert free.notes() == []
