"""What is shown of a run: here, what TensorBoard is told."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from gannet.api.train import Session
from gannet.cli.progress import Events, next_command, watch
from gannet.inference.card import read_card
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe
from gannet.training.resume import extended


@pytest.fixture
def condition(planned, loaded, tmp_path):
    """Trains ``steps`` steps (or to the end), telling TensorBoard; then the process is no more."""
    pytest.importorskip("tensorboard")

    def tell(steps=None, save_seconds=0.0):
        session = Session(planned(), loaded, tmp_path / "run", resumed=False, clock=lambda: 0.0)
        events, moments = Events(session), session.run(save_seconds=save_seconds)
        for moment in islice(moments, steps):
            events.show(moment)
        moments.close()
        if events.writer is not None:
            events.writer.close()

    return tell


def shown(run):
    """Steps and values of one measure and one term, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    names = ("monitor/energy_distance", "losses/generator/adversarial")
    return [[(each.step, each.value) for each in found.Scalars(name)] for name in names]


def test_every_look_is_told(condition, tmp_path):
    condition()
    for points in shown(tmp_path / "run"):
        assert [step for step, _ in points] == [4, 8, 12]


@pytest.mark.parametrize("kills", [[9], [5, 9], [9, 9]])
def test_steps_that_are_taken_again_are_told_once(condition, tmp_path, kills):
    for steps in kills:
        condition(steps, save_seconds=1e9)  # nothing is saved, so that all of it is taken again
    condition()
    for points in shown(tmp_path / "run"):
        assert [step for step, _ in points] == [4, 8, 12]


def test_what_was_told_before_the_save_stays(condition, tmp_path):
    condition(9)
    before = shown(tmp_path / "run")
    condition()
    assert [points[:2] for points in shown(tmp_path / "run")] == before


def test_a_run_that_has_nothing_left_to_do_tells_nothing(condition, tmp_path):
    condition()
    before = sorted((tmp_path / "run" / "tensorboard").iterdir())
    condition()
    assert sorted((tmp_path / "run" / "tensorboard").iterdir()) == before


def printed(plan, loaded, run, capsys, *, resumed):
    """What ``gannet train`` prints of a run."""
    session = Session(plan, loaded, run, resumed=resumed, clock=lambda: 0.0)
    watch(session, lambda: False)
    return capsys.readouterr().out


def test_nothing_is_expected_of_a_finished_run(planned, loaded, tmp_path, capsys):
    plan = planned(steps=8).model_copy(update={"forecast": ("8 steps of 16 samples",)})
    assert "expect: 8 steps" in printed(plan, loaded, tmp_path, capsys, resumed=False)
    again = printed(plan, loaded, tmp_path, capsys, resumed=True)
    assert "already finished" in again
    assert "give more --steps to train on" in again
    assert "expect:" not in again
    on = printed(extended(plan, None, 12), loaded, tmp_path, capsys, resumed=True)
    assert "expect: trains on until it has done 12 steps; it was given 8 before" in on
    assert "already finished" not in on


def test_a_report_on_the_model_before_is_removed_and_said_to_be(planned, loaded, tmp_path, capsys):
    plan, run = planned(steps=8), tmp_path / "run"
    printed(plan, loaded, run, capsys, resumed=False)
    weights, other = read_card(run).weights, run / "evaluations" / "others.csv"
    for folder in (run, other):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps({"weights": weights}))
        for name in ("report.html", "report.md", "neighbors.png"):
            (folder / name).write_text("of the model before")
    (run / "mine.txt").write_text("of the user")
    again = printed(plan, loaded, run, capsys, resumed=True)
    assert (run / "report.html").exists(), "the model is the same"
    assert "removed:" not in again
    longer = extended(plan, None, 12)
    on = printed(longer, loaded, run, capsys, resumed=True)
    assert f"removed:   {run / 'report'}.*, a report on the model before" in on
    assert f"removed:   {other / 'report'}.*" in on
    assert not other.exists()
    assert list(run.glob("report.*")) == list(run.glob("neighbors.*")) == []
    assert (run / "mine.txt").exists()
    (run / "report.json").write_text("{}")
    printed(extended(longer, None, 14), loaded, run, capsys, resumed=True)
    assert (run / "report.json").exists(), "nobody knows of which model it is"


def of_table():
    """As much of a run that fills tables as says which command it is for."""
    codecs = {"sample": SimpleNamespace(kind="table")}
    return SimpleNamespace(
        modality=find_modality("table"), recipe=find_recipe("impute"), codecs=codecs
    )


def test_the_next_command_names_the_data_only_if_they_can_be_given(tmp_path):
    table, other = tmp_path / "a table.csv", tmp_path / "all.npz"
    table.write_text("a,b\n1,2\n3,\n")
    other.write_bytes(b"PK")
    run = Path("run")
    assert next_command(of_table(), run, str(table)) == (
        f"gannet apply run '{table}' --out made.csv"
    )
    for data in (other, tmp_path, tmp_path / "none.csv", ""):
        assert next_command(of_table(), run, str(data)) == "gannet apply run TABLE --out made.csv"


def test_a_noun_of_several_words_is_one_word_of_the_next_command(of_trees, monkeypatch):
    cubes = replace(find_modality("odd_tree"), noun=("cube of numbers", "cubes of numbers"))
    monkeypatch.setattr("gannet.cli.progress.find_modality", lambda _: cubes)
    said = next_command(of_trees, Path("run"), "data")
    assert said == "gannet apply run CUBE_OF_NUMBERS --out made.json"


def test_the_next_command_names_a_file_of_the_kind_and_quotes_the_run(of_trees, of_pictures):
    assert next_command(of_trees, Path("my run"), "data") == (
        "gannet apply 'my run' TREE --out made.json"
    )
    assert next_command(of_pictures, Path("run"), "data") == (
        "gannet sample run --count 16 --out samples"
    )
