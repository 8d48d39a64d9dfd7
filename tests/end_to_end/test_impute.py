"""Holes as commands: trained on, resumed, filled, drawn, scored; and every bad input."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import gannet as package

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

SMALL = [
    "--recipe",
    "impute",
    "--precision=float32",
    "--width=16",
    "--batch=64",
    "--threads=1",
    "--blocks=1",
]
GONE = ("", "?")


@pytest.fixture(scope="module")
def holes(tmp_path_factory):
    """A table with holes: an identifier, free text, odd spellings, digits too many, quotes."""
    rng = np.random.default_rng(0)
    lines = ["id;age;place;note;weight;born"]
    for row in range(260):
        age = int(rng.integers(18, 80))
        place = '"ea;st"' if age > 55 else '"north"' if row % 5 == 0 else "north"
        weight = f"{40 + age / 2 + rng.normal():.2f}" + "0" * (row % 11 == 0)
        born = f"{2020 - age}-0{1 + row % 9}-1{row % 10}"
        cells = [f"k{7 * row}", str(age), place, f"some words on {row}", weight, born]
        for at in (1, 2, 4, 5):
            if rng.random() < 0.15:
                cells[at] = GONE[row % 2]
        lines.append(";".join(cells))
        lines += [""] * (row == 50)
    path = tmp_path_factory.mktemp("holes") / "holes.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return path


@pytest.fixture(scope="module")
def run(gannet, holes, tmp_path_factory):
    out = tmp_path_factory.mktemp("impute") / "run"
    said = gannet.works("train", holes, "--out", out, *SMALL, "--steps", 60)
    assert f"gannet apply {out} {holes}" in said
    return out


def read(path):
    with path.open(newline="") as file:
        return [row for row in csv.reader(file, delimiter=";") if row]


def apply(gannet, run, holes, out, *words):
    return gannet.works("apply", run, holes, "--out", out, *words)


def test_no_hole_is_left_and_every_other_byte_is_as_it_was(gannet, run, holes, tmp_path):
    assert str(tmp_path / "filled.csv") in apply(gannet, run, holes, tmp_path / "filled.csv")
    before = holes.read_bytes().decode().split("\r\n")
    after = (tmp_path / "filled.csv").read_bytes().decode().split("\r\n")
    assert len(before) == len(after)
    changed = 0
    for old, new in zip(before, after, strict=True):
        # No cell of these holds the delimiter but a place, which the pieces show as two.
        pieces = list(zip(old.split(";"), new.split(";"), strict=False))
        if len(old.split(";")) == len(new.split(";")):
            assert all(one == other or one in GONE for one, other in pieces)
        changed += old != new
    assert changed > 100
    told, filled = read(holes), read(tmp_path / "filled.csv")
    assert not any(cell in GONE for row in filled for cell in row)
    for old, new in zip(told, filled, strict=True):
        assert all(one == other for one, other in zip(old, new, strict=True) if one not in GONE)
    places = {row[2] for row in told}
    assert {row[2] for row in filled} <= places
    ages = [int(row[1]) for row in told[1:] if row[1] not in GONE]
    assert all(min(ages) <= int(row[1]) <= max(ages) for row in filled[1:])


def test_fills_follow_the_cells_beside_them(gannet, run, holes, tmp_path):
    apply(gannet, run, holes, tmp_path / "filled.csv")
    told, filled = read(holes)[1:], read(tmp_path / "filled.csv")[1:]
    asked = [
        (float(new[4]), 40 + int(new[1]) / 2)
        for old, new in zip(told, filled, strict=True)
        if old[4] in GONE and old[1] not in GONE
    ]
    assert len(asked) > 15
    away = np.array([made - right for made, right in asked])
    assert np.sqrt((away**2).mean()) < 4, "the spread of weights is about 9"


def test_draws_differ_where_nothing_was_known_and_nowhere_else(gannet, run, holes, tmp_path):
    said = apply(gannet, run, holes, tmp_path / "f.csv", "--samples", 3)
    assert said.count("written:") == 3
    told = read(holes)
    draws = [read(tmp_path / f"f-{draw}.csv") for draw in (1, 2, 3)]
    cells = [[cell for row in table for cell in row] for table in (told, *draws)]
    known = [cell not in GONE for cell in cells[0]]
    for made in cells[1:]:
        assert not set(GONE) & set(made)
        assert all(one == cells[0][at] for at, one in enumerate(made) if known[at])
    differing = sum(one != other for one, other in zip(*cells[1:3], strict=True))
    assert differing > 0.4 * known.count(False)
    apply(gannet, run, holes, tmp_path / "g.csv", "--samples", 2)
    assert (tmp_path / "g-2.csv").read_bytes() == (tmp_path / "f-2.csv").read_bytes()
    apply(gannet, run, holes, tmp_path / "h.csv", "--samples", 2, "--seed", 1)
    assert (tmp_path / "h-2.csv").read_bytes() != (tmp_path / "f-2.csv").read_bytes()


def test_columns_that_differ_are_each_named(gannet, run, holes, tmp_path):
    other = tmp_path / "other.csv"
    text = holes.read_text().replace("id;age;place", "id;Age;town")
    other.write_text(text)
    said = gannet.refuses("apply", run, other, "--out", tmp_path / "a.csv")
    assert "column 'age' is missing" in said
    assert "column 'place' is missing" in said
    assert "column 'town' is one too many" in said
    assert not (tmp_path / "a.csv").exists()


def test_bad_requests_are_refused(gannet, run, holes, tmp_path):
    assert "--samples" in gannet.refuses(
        "apply", run, holes, "--out", tmp_path / "a.csv", "--samples", 0
    )
    assert ".csv" in gannet.refuses("apply", run, holes, "--out", tmp_path / "a.xlsx")
    assert "is the input" in gannet.refuses("apply", run, holes, "--out", holes)
    gone = tmp_path / "none.csv"
    assert "does not exist" in gannet.refuses("apply", run, gone, "--out", tmp_path / "a.csv")


def test_a_run_that_turns_nothing_says_which_recipe_does(gannet, holes, tmp_path):
    out = tmp_path / "run"
    words = [*SMALL[2:], "--recipe", "table", "--steps", 3]
    gannet.works("train", holes, "--out", out, *words)
    said = gannet.refuses("apply", out, holes, "--out", tmp_path / "a.csv")
    assert "--recipe impute" in said


def test_samples_of_a_run_that_fills_are_whole_rows(gannet, run, tmp_path):
    gannet.works("sample", run, "--count", 30, "--out", tmp_path / "a.csv")
    rows = read(tmp_path / "a.csv")
    assert len(rows) == 31
    assert not any(row[at] in GONE for row in rows for at in (1, 2, 4, 5))


def test_a_stopped_run_goes_on_to_the_same_fills(gannet, run, holes, tmp_path):
    words = [*SMALL, "--steps", 60, "--save-seconds", 0]
    running = gannet.start("train", holes, "--out", tmp_path / "run", *words)
    running.wait_for(lambda: (tmp_path / "run" / "checkpoint.pt").exists(), "a save")
    running.send(9)
    running.end()
    gannet.works("train", holes, "--out", tmp_path / "run", *words)
    weights = [(each / "model.safetensors").read_bytes() for each in (run, tmp_path / "run")]
    assert weights[0] == weights[1]


def test_an_evaluation_hides_cells_and_compares(gannet, run, holes):
    pytest.importorskip("sklearn")
    said = gannet.works("evaluate", run, holes)
    assert "imputation rmse" in said
    report = json.loads((run / "report.json").read_text())
    scores = {score["name"]: score for score in report["scores"]}
    assert set(scores) == {"imputation rmse", "imputation error rate", "interval coverage[90%]"}
    numbers = scores["imputation rmse"]
    assert numbers["low"] <= numbers["value"] <= numbers["high"]
    assert {part["name"] for part in numbers["components"]} == {"age", "weight", "born"}
    assert any("iterative regression" in words and "trees" in words for words in report["protocol"])
    assert "best of" in report["baseline"]
    assert 0 < numbers["baseline"] < 1


def test_frames_go_in_and_come_out(run, holes):
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(holes, sep=";", na_values="?")
    model = package.load(run)
    filled = model.apply(table)
    assert filled.shape == table.shape
    assert not filled.isna().any().any()
    known = table["weight"].notna()
    assert (filled["weight"][known].astype(float) == table["weight"][known]).all()
    draws = model.apply(holes, samples=2)
    assert len(draws) == 2
    assert not draws[0].equals(draws[1])


def test_a_draw_never_takes_the_place_of_the_input(gannet, run, holes, tmp_path):
    given = tmp_path / "f-1.csv"
    given.write_bytes(holes.read_bytes())
    assert "is the input" in gannet.refuses(
        "apply", run, given, "--out", tmp_path / "f.csv", "--samples", 2
    )
    assert given.read_bytes() == holes.read_bytes()


def test_an_index_is_kept_and_no_rows_are_refused(run, holes):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(holes, sep=";", na_values=["?"]).iloc[5:25]
    model = package.load(run)
    assert list(model.apply(frame).index) == list(range(5, 25))
    with pytest.raises(package.GannetError, match="no rows"):
        model.apply(frame.head(0))
