"""The Python interface where no end-to-end test looks: evaluation on other data."""

from __future__ import annotations

import json
from itertools import count

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.api.evaluation_data import OTHER_DATA
from gannet.api.train import Model, load, prepare, train
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.checksum import sealed_json
from gannet.core.scores import Report
from gannet.data import dataset
from gannet.evaluation.scored import NEIGHBORS
from gannet.metrics.two_sample import TwoSampleResult

QUICK = {"count": 12, "steps": 4, "features": "random"}


def pictures(folder, *classes, count=80, seed=0):
    """A folder per class, of noise."""
    chance = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count // len(classes)):
            noise = chance.integers(0, 255, (8, 8), np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


def names(report):
    return {score.name.partition("[")[0] for score in report.scores}


def test_a_test_set_with_unknown_classes_is_refused(of_classes, tmp_path):
    data = pictures(tmp_path / "data", "cat", "horse")
    with pytest.raises(DataError, match=r"does not know: horse[\s\S]*cat, dog"):
        Model(of_classes, tmp_path).evaluate(data, **QUICK)


def test_a_test_set_with_one_of_the_classes_is_enough(of_classes, tmp_path):
    report = Model(of_classes, tmp_path).evaluate(pictures(tmp_path / "data", "dog"), **QUICK)
    assert "c2st accuracy" in names(report)


def test_a_model_without_classes_is_evaluated_on_data_with_them(of_pictures, tmp_path):
    data = pictures(tmp_path / "data", "cat", "horse")
    report = Model(of_pictures, tmp_path).evaluate(data, **QUICK)
    assert "c2st accuracy" in names(report)
    assert "class accuracy" not in names(report)
    assert OTHER_DATA in report.protocol  # nothing there tells what it was trained on


def test_evaluating_reads_the_cache_of_the_same_data(of_pictures, tmp_path):
    data, run = pictures(tmp_path / "data", "cat"), tmp_path / "run"
    codec = of_pictures.codecs["sample"]
    dataset.load(dataset.find(data), {"sample": codec}, cache=run / "cache", seed=0)
    kept = dataset.cache_of(dataset.find(data), codec, run / "cache")
    assert kept == run / "cache"
    assert Model(of_pictures, run).evaluate(data, **QUICK).scores


def test_evaluating_other_data_leaves_the_cache_of_the_run_alone(of_pictures, tmp_path):
    run = tmp_path / "run"
    own = pictures(tmp_path / "own", "cat")
    codec = of_pictures.codecs["sample"]
    dataset.load(dataset.find(own), {"sample": codec}, cache=run / "cache", seed=0)
    before = {file.name: file.read_bytes() for file in (run / "cache").iterdir()}
    assert len(before) == 2
    other = pictures(tmp_path / "other", "cat", seed=1)
    Model(of_pictures, run).evaluate(other, **QUICK)
    assert before == {file.name: file.read_bytes() for file in (run / "cache").iterdir()}


@pytest.mark.parametrize("kind", ["pictures", "rows"])
def test_a_run_has_one_accuracy_wherever_it_stands(kind, tmp_path):
    if kind == "pictures":
        data = pictures(tmp_path / "data", "cat", "dog", count=240)
    else:
        data = tmp_path / "rows.csv"
        values = np.random.default_rng(0).normal(size=(400, 2)).round(3)
        data.write_text("one,two\n" + "".join(f"{a},{b}\n" for a, b in values))
    run, out = tmp_path / "run", tmp_path / "report"
    small = {"width": 4, "latent_dim": 6, "batch": 66}
    train(data, run, steps=250, **small, auto_adjust=False, threads=1)
    record = json.loads((run / "card.json").read_text())["two_sample_test"]
    assert not record["brief"]
    load(run).evaluate(data, out=out, threads=1)
    report = Report.model_validate_json((out / "report.json").read_text())
    accuracy = report.score("c2st accuracy")
    best = record["strongest"]
    # The same but for a sample on the border: a second pass may take sums in another order.
    border = 2 / accuracy.samples
    assert accuracy.value == pytest.approx(best["accuracy"], abs=border)
    assert report.score("c2st auc").value == pytest.approx(best["auc"], abs=border)
    reported = report.two_sample_test["strongest"]
    assert reported["name"] == best["name"]
    assert reported["accuracy"] == accuracy.value
    for text, found in (
        ((run / "README.md").read_text(), best),
        ((out / "report.md").read_text(), reported),
    ):
        assert f"{found['name']}, was right in {found['accuracy']:.1%}" in text
    assert f"| c2st accuracy | **{accuracy.value:.3f}** |" in (out / "report.md").read_text()
    fewer = load(run).evaluate(data, count=20 if kind == "pictures" else 30, threads=1)
    assert fewer.score("c2st accuracy").samples < accuracy.samples


def test_a_short_run_is_tested_in_full_by_an_evaluation(points, tmp_path):
    train(points, tmp_path / "run", steps=2, batch=8, auto_adjust=False, threads=1)
    assert json.loads((tmp_path / "run" / "card.json").read_text())["two_sample_test"]["brief"]
    report = load(tmp_path / "run").evaluate(points, out=tmp_path / "report", threads=1)
    assert not TwoSampleResult.of(report.two_sample_test).brief


def test_evaluating_makes_no_cache(of_pictures, tmp_path):
    run = tmp_path / "run"
    Model(of_pictures, run).evaluate(pictures(tmp_path / "data", "cat"), **QUICK)
    assert not run.exists()


def labeled_twice(path):
    """Rows with two columns that could be classes."""
    chance = np.random.default_rng(0)
    lines = ["x,y,kind,taste"]
    rows = chance.normal(size=(120, 2))
    lines += [f"{x},{y},{'ab'[int(x > 0)]},{int(y > 0)}" for x, y in rows]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def of_table(tmp_path_factory):
    """A run on a table with two columns of classes, of which ``kind`` was used."""
    folder = tmp_path_factory.mktemp("table")
    data, run = labeled_twice(folder / "data.csv"), folder / "run"
    options = {"steps": 4, "width": 4, "latent_dim": 4, "batch": 8, "threads": 1}
    train(data, run, label="kind", **options)
    return data, run


def test_evaluating_takes_the_label_of_training(of_table):
    data, run = of_table
    model = load(run)
    assert model.card.data["label"] == "kind"
    report = model.evaluate(data, **QUICK)
    assert (report.artifact, report.data) == ("run", "data.csv")
    assert report.notes == ()
    assert "class accuracy" in names(model.evaluate(data, **QUICK | {"features": "auto"}))


def test_going_on_with_another_label_is_refused(of_table):
    data, run = of_table
    with pytest.raises(ConfigError, match="--label: started with kind, now taste"):
        prepare(data, run, label="taste", steps=4)


@pytest.mark.parametrize(
    ("given", "fault"), [({"seed": -1}, "seed"), ({"count": 0}, "count"), ({}, "out")]
)
def test_an_evaluation_that_cannot_be_is_refused_before_any_work(
    of_pictures, tmp_path, given, fault
):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=fault):
        Model(of_pictures, tmp_path).evaluate("nowhere", out=tmp_path / "file", **given)


def test_an_evaluation_shows_the_nearest_neighbors(of_pictures, tmp_path):
    data, out = pictures(tmp_path / "data", "cat"), tmp_path / "new" / "report"
    report = Model(of_pictures, tmp_path / "run").evaluate(data, out=out, **QUICK)
    written = {"report.json", "report.md", "report.html", "neighbors.png"}
    assert {path.name for path in out.iterdir()} == written
    assert NEIGHBORS.format(name="neighbors.png") in report.protocol
    assert "neighbors.png" in (out / "report.md").read_text()
    with Image.open(out / "neighbors.png") as sheet:
        assert sheet.size[1] > 4 * 8


def test_going_on_without_the_device_of_a_run_is_one_clear_error(of_table, tmp_path):
    data, run = of_table
    plan = json.loads((run / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(sealed_json(json.dumps(plan | {"device": "cuda"})))
    if torch.cuda.is_available():
        pytest.skip("there is such a device")
    with pytest.raises(ConfigError, match="started with --device cuda") as caught:
        prepare(data, tmp_path, label="kind", steps=4)
    assert caught.value.remedy
    assert str(tmp_path) in caught.value.where


def test_a_budget_too_short_for_full_size_trains_smaller_pictures_and_says_so(tmp_path):
    rng, data = np.random.default_rng(0), tmp_path / "large.npy"
    np.save(data, rng.integers(0, 255, (40, 64, 64, 1), np.uint8))
    ticks = count()
    asked = {"minutes": 1, "width": 4, "latent_dim": 6, "batch": 2, "threads": 1}
    short = prepare(data, tmp_path / "short", clock=lambda: next(ticks) * 0.2, **asked)
    assert short.plan.spec.shape == (1, 16, 16)
    assert "resolution 16x16" in short.plan.reasons[0]
    assert "in 1 minutes there is time for 300 steps" in short.plan.reasons[0]
    kept = prepare(data, tmp_path / "kept", clock=lambda: next(ticks) * 0.01, **asked)
    assert kept.plan.spec.shape == (1, 64, 64)


@pytest.fixture(scope="module")
def sorted_run(tmp_path_factory):
    """A short run on images without labels, with pseudo-classes."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("sorted")
    bright = 150 * (np.arange(90) % 3 > 0)[:, None, None, None]
    np.save(folder / "plain.npy", (rng.integers(0, 60, (90, 8, 8, 1)) + bright).astype(np.uint8))
    asked = {"steps": 6, "width": 4, "latent_dim": 6, "batch": 4, "threads": 1, "pseudo_classes": 3}
    return train(folder / "plain.npy", folder / "run", **asked), folder / "plain.npy"


def test_kinds_are_told_to_the_networks_and_not_to_people(sorted_run):
    model, _ = sorted_run
    assert model.card.spec.vector == 3
    assert len(model.card.class_frequencies) == 3
    assert sum(model.card.class_frequencies) == pytest.approx(1)
    assert model.classes == ()
    assert model.card.data["classes"] == 0
    with pytest.raises(ConfigError, match="without classes"):
        model.sample(1, label="kind 1")


def test_samples_without_labels_draw_kinds_by_their_shares(sorted_run):
    told = sorted_run[0].artifact.conditions(600, seed=3).vector
    assert torch.equal(told.sum(1), torch.ones(600))
    drawn = told.mean(0).tolist()
    assert drawn == pytest.approx(list(sorted_run[0].card.class_frequencies), abs=0.08)


def test_a_model_with_kinds_samples_judges_and_is_evaluated_like_any_other(sorted_run):
    model, data = sorted_run
    made = model.sample(5, seed=1)
    assert np.array_equal(made[2], model.sample(3, seed=1)[2])
    assert len(model.judge(made)) == 5
    report = model.evaluate(data, **QUICK)
    assert "class accuracy" not in names(report)
    assert report.notes == ()


def test_a_run_with_kinds_is_gone_on_with(sorted_run):
    model, data = sorted_run
    asked = {"steps": 6, "width": 4, "latent_dim": 6, "batch": 4, "threads": 1, "pseudo_classes": 3}
    session = prepare(data, model.folder, **asked)
    assert session.resumed
    assert session.dataset.train.label_codec is not None


def test_kinds_that_cannot_be_are_refused(squares, sorted_run, tmp_path):
    with pytest.raises(ConfigError, match="without labels can have"):
        prepare(squares, tmp_path / "a", pseudo_classes=3, steps=3, width=4, threads=1)
    with pytest.raises(ConfigError, match="at most 36 pseudo-classes, got 80"):
        prepare(sorted_run[1], tmp_path / "b", pseudo_classes=80, steps=3, width=4, threads=1)


def test_more_threads_than_there_are_processors_are_refused(squares, tmp_path):
    with pytest.raises(ConfigError, match="--threads: this machine has"):
        prepare(squares, tmp_path / "run", steps=3, threads="9999")


def test_as_many_pictures_as_kinds_are_worth_it_for_are_sorted_and_it_is_said(tmp_path):
    rng, asked = np.random.default_rng(0), {"steps": 5, "width": 4, "threads": 1}
    noise = rng.integers(0, 60, (600, 8, 8, 1))
    outlines = 190 * rng.integers(0, 2, (5, 8, 8, 1))
    np.save(tmp_path / "many.npy", (noise + outlines[np.arange(600) % 5]).astype(np.uint8))
    many = prepare(tmp_path / "many.npy", tmp_path / "run", **asked)
    assert many.plan.config["pseudo_classes"] == many.plan.spec.vector == 5
    assert any("pseudo_classes 5" in reason for reason in many.plan.reasons)
    none = prepare(tmp_path / "many.npy", tmp_path / "none", pseudo_classes=0, **asked)
    assert none.plan.spec.vector == 0
    np.save(tmp_path / "alike.npy", noise.astype(np.uint8))
    alike = prepare(tmp_path / "alike.npy", tmp_path / "alike", **asked)
    assert alike.plan.spec.vector == 0, "noise does not lie in clusters"


@pytest.mark.parametrize(("best", "known"), [("cpu", "give cpu."), ("cuda", "give cpu or cuda.")])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    of_pictures, tmp_path, monkeypatch, best, known
):
    of_pictures.save(tmp_path)
    monkeypatch.setattr("gannet.core.device.best_device", lambda: best)
    with pytest.raises(ConfigError, match="--device: no 'tpu' here") as caught:
        load(tmp_path, device="tpu")
    assert caught.value.remedy.endswith(known)
