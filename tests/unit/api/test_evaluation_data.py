"""Evaluation on a run's own data, on a user's own held-out file, and on data that do not fit."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gannet.api.evaluation_data import OTHER_DATA, evaluation_data
from gannet.api.train import load, train
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.checksum import sealed_json
from gannet.inference.training_samples import FILE

QUICK = {"steps": 4, "features": "random"}
TINY = {"steps": 4, "width": 4, "latent_dim": 4, "batch": 8, "threads": 1}


def rows(path, count, seed, head="x,y,kind"):
    """Rows of numbers with a class."""
    chance = np.random.default_rng(seed).normal(size=(count, 2)).round(4)
    lines = [f"{x},{y},{'ab'[int(x > 0)]}" for x, y in chance]
    path.write_text("\n".join([head, *lines]))
    return path


def body(path):
    return path.read_text().splitlines()[1:]


def together(path, *parts):
    path.write_text("\n".join(["x,y,kind", *(line for part in parts for line in part)]))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on 200 rows of numbers."""
    folder = tmp_path_factory.mktemp("own")
    train(rows(folder / "own.csv", 200, 0), folder / "run", label="kind", **TINY)
    return folder / "run"


def pictures(folder, side, count=30, colour=False):
    folder.mkdir()
    chance = np.random.default_rng(side)
    for number in range(count):
        shape = (side, side, 3) if colour else (side, side)
        Image.fromarray(chance.integers(0, 255, shape, np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def of_pictures_8(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    train(pictures(folder / "own", 8), folder / "run", **TINY)
    return folder / "run"


def chosen(run, data, **options):
    return evaluation_data(load(run).artifact, run, data, **options)


def test_the_run_knows_its_own_data(run):
    without, named = (
        load(run).evaluate(*data, **QUICK) for data in ((), (run.parent / "own.csv",))
    )
    assert [each.name for each in without.scores] == [each.name for each in named.scores]
    # The same up to the last digits: where arrays lie in memory changes the order of their sums.
    for one, other in zip(without.scores, named.scores, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-3, abs=1e-9)
        assert one.samples == other.samples
    assert without.notes == ()
    assert without.data == "own.csv"
    assert without.digest


def without_data(plan, folder):
    return sealed_json(json.dumps(plan | {"data": str(folder / "gone.csv")}))


def test_data_that_have_moved_are_named(run, tmp_path):
    moved = shutil.copytree(run, tmp_path / "run")
    plan = json.loads((moved / "plan.json").read_text())
    (moved / "plan.json").write_text(
        sealed_json(json.dumps(plan | {"data": str(tmp_path / "gone.csv")}))
    )
    with pytest.raises(DataError, match="no longer there") as caught:
        load(moved).evaluate(**QUICK)
    assert str(tmp_path / "gone.csv") in str(caught.value)
    assert caught.value.remedy
    (moved / "plan.json").unlink()
    with pytest.raises(DataError, match=r"own\.csv"):
        load(moved).evaluate(**QUICK)


def test_a_held_out_file_of_the_user_counts_whole(run, tmp_path):
    new = rows(tmp_path / "new.csv", 90, 1)
    data = chosen(run, new)
    assert len(data.dataset.held_out) == 90
    assert len(data.dataset.train) == load(run).card.data["train"]
    assert data.trained_on
    assert not data.own
    report = load(run).evaluate(new, **QUICK)
    assert max(score.samples for score in report.scores) >= 68  # half of what it was trained on
    assert report.digest != load(run).evaluate(**QUICK).digest
    assert "all 90 rows of numbers of new.csv" in " ".join(report.notes)


def test_samples_that_were_trained_on_are_named_and_left_out(run, tmp_path):
    own = body(run.parent / "own.csv")
    mixed = together(tmp_path / "mixed.csv", body(rows(tmp_path / "new.csv", 60, 1)), own)
    data = chosen(run, mixed)
    trained_on = load(run).card.data["train"]
    assert len(data.dataset.held_out) == 260 - trained_on  # those held out count, too
    assert f"{trained_on:,} of 260" in data.notes[0]
    assert "Left out" in data.notes[0]


def test_only_training_samples_leave_nothing_to_score(run, tmp_path):
    data = chosen(run, run.parent / "own.csv").dataset
    own, trained = body(run.parent / "own.csv"), data.train.indices
    leaked = together(tmp_path / "leaked.csv", [own[at] for at in trained])
    with pytest.raises(DataError, match="trained on all of these"):
        load(run).evaluate(leaked, **QUICK)


def test_without_the_own_data_the_given_ones_are_split_and_it_is_said(run, tmp_path):
    alone = shutil.copytree(run, tmp_path / "run")
    plan = json.loads((alone / "plan.json").read_text())
    (alone / "plan.json").write_text(
        sealed_json(json.dumps(plan | {"data": str(tmp_path / "gone.csv")}))
    )
    own = body(run.parent / "own.csv")
    mixed = together(tmp_path / "mixed.csv", body(rows(tmp_path / "new.csv", 90, 1)), own)
    data = chosen(alone, mixed)
    parts = [len(each) for each in (data.dataset.train, data.dataset.held_out)]
    assert sum(parts) == 290 - load(run).card.data["train"]
    assert parts[0] > parts[1] >= 30
    report = load(alone).evaluate(mixed, **QUICK)
    assert "not at hand" in " ".join(report.notes)
    assert "memorization" not in {score.role for score in report.scores}
    assert report.suspects == ()
    (alone / FILE).unlink()
    assert OTHER_DATA in chosen(alone, mixed).notes


@pytest.mark.parametrize(
    ("side", "colour", "named"),
    [(12, False, "width: 12, in training 8"), (8, True, "colours: colour, in training grey")],
)
def test_pictures_of_another_make_are_refused_unless_anyway(
    of_pictures_8, tmp_path, side, colour, named
):
    other = pictures(tmp_path / "other", side, colour=colour)
    with pytest.raises(DataError, match=named) as caught:
        chosen(of_pictures_8, other)
    assert "anyway" in caught.value.remedy
    assert len(chosen(of_pictures_8, other, anyway=True).dataset.held_out) == 30


def test_pictures_of_the_same_make_are_not_asked_about(of_pictures_8, tmp_path):
    same = pictures(tmp_path / "same", 8, count=31)
    assert len(chosen(of_pictures_8, same).dataset.held_out) < 32


def test_other_columns_are_refused_unless_anyway(tmp_path):
    chance = np.random.default_rng(0)
    columns = {"age": chance.integers(18, 80, 120), "town": chance.choice(["n", "s"], 120)}

    def table(name, **further):
        given = columns | further
        lines = zip(*given.values(), strict=True)
        text = "\n".join([",".join(given), *(",".join(map(str, line)) for line in lines)])
        (tmp_path / name).write_text(text)
        return tmp_path / name

    train(table("own.csv"), tmp_path / "run", **TINY | {"latent_dim": 8})
    wide = table("wide.csv", age=chance.integers(18, 80, 120), rent=chance.integers(0, 9, 120))
    with pytest.raises(DataError, match="columns: with rent too"):
        chosen(tmp_path / "run", wide)
    held_out = chosen(tmp_path / "run", wide, anyway=True).dataset.held_out
    assert 60 < len(held_out) <= 120


def test_strange_classes_are_refused_unless_anyway(run, tmp_path):
    strange = tmp_path / "strange.csv"
    strange.write_text(rows(strange, 60, 2).read_text().replace("b", "c"))
    with pytest.raises(DataError, match="does not know: c; it knows a, b"):
        chosen(run, strange)
    labels = chosen(run, strange, anyway=True).dataset.held_out.labels
    assert set(labels.tolist()) == {-1, 0}


def test_a_report_of_other_data_is_left_as_it_is(run, tmp_path):
    model, out = load(run), tmp_path / "out"
    model.evaluate(out=out, **QUICK)
    first = (out / "report.json").read_text()
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        model.evaluate(rows(tmp_path / str(seed) / "new.csv", 60, seed), out=out, **QUICK)
    assert (out / "report.json").read_text() == first
    others = sorted(folder.name for folder in (out / "evaluations").iterdir())
    assert others[0] == "new.csv"
    assert others[1].startswith("new.csv-")
    model.evaluate(out=out, **QUICK | {"seed": 1})
    assert (out / "report.json").read_text() != first  # its own report is replaced


def test_numbers_out_of_range_are_still_refused(run):
    with pytest.raises(ConfigError, match="count: must be"):
        load(run).evaluate(count=0)
