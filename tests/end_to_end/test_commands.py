"""Each command as a process: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import inspect
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.live import Live

from gannet.api.train import Session, load
from gannet.cli import main as cli
from gannet.cli.progress import Lines, Window, discriminator_auc
from gannet.training.controller import Action
from gannet.training.loop import SAVE_SECONDS, run_training

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


def python(*words):
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=300, check=True
    )


# -- start-up ----------------------------------------------------------------------------------

HELP = """
import sys
from gannet.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = {"torch", "numpy", "PIL", "pydantic", "safetensors"} & set(sys.modules)
print("imported:", *sorted(heavy))
"""


def test_help_does_not_wait_for_pytorch():
    printed = python("-c", HELP).stdout
    assert printed.splitlines()[-1] == "imported:"
    for command in ("inspect", "train", "sample", "judge", "evaluate", "recipes", "settings"):
        assert command in printed


def test_the_package_can_be_run_as_a_module():
    assert "Usage: gannet" in python("-m", "gannet", "--help").stdout


def test_every_command_has_help(gannet):
    for command in ("inspect", "train", "sample", "judge", "evaluate", "settings", "demo"):
        printed = gannet.works(command, "--help")
        assert f"gannet {command}" in printed


def test_the_command_saves_as_often_as_the_library():
    """The number stands twice, since the command line must not import PyTorch for its help."""
    assert inspect.signature(cli.train).parameters["save_seconds"].default == SAVE_SECONDS


# -- inspect, recipes, settings ----------------------------------------------------------------


def test_inspect_says_what_is_there_in_words_and_as_json(gannet, squares):
    words = gannet.works("inspect", squares)
    assert "120" in words
    found = json.loads(gannet.works("inspect", squares, "--json"))
    assert (found["kind"], found["plan"]["minutes"]) == ("image", 10.0)


def test_recipes_are_listed(gannet):
    assert any(line.startswith("  generate ") for line in gannet.works("recipes").splitlines())


def test_settings_are_listed_and_tried(gannet):
    assert "--learning-rate" in gannet.works("settings")
    assert json.loads(gannet.works("settings", "generate", "--width", 48))["width"] == 48


# -- train -------------------------------------------------------------------------------------


def test_training_prints_plain_lines_and_leaves_an_artifact(trained):
    printed = (trained.parent / "printed.txt").read_text()
    assert "\x1b" not in printed, "no colours where there is no terminal"
    assert printed.startswith("gannet ")  # within a second, before PyTorch is imported
    assert "\ntraining generate in " in printed
    evaluations = [line for line in printed.splitlines() if line.startswith("step ")]
    assert [line.split()[1] for line in evaluations] == ["25/50", "50/50"]
    assert all("AUC" in line and "D(real)" in line for line in evaluations)
    assert f"gannet sample {trained}" in printed
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "README.md",
        "card.json",
        "grid.png",
        "model.safetensors",
        "plan.json",
        "training_log.jsonl",
        "checkpoint.pt",
        "samples",
    }


def test_training_on_rows_draws_no_pictures(trained_rows):
    names = {path.name for path in trained_rows.iterdir()}
    assert "card.json" in names
    assert not names & {"grid.png", "samples"}


# -- sample ------------------------------------------------------------------------------------


def test_sampling_into_a_folder(gannet, trained, tmp_path):
    out = tmp_path / "made"
    printed = gannet.works("sample", trained, "--count", 5, "--out", out, "--label", 1, "--grid")
    assert printed == f"5 samples: in {out}\n"
    assert len(list(out.glob("0*.png"))) == 5
    assert (out / "grid.png").exists()


def test_sampling_gives_the_same_rows_however_it_is_asked(gannet, trained, tmp_path):
    gannet.works("sample", trained, "--count", 9, "--out", tmp_path / "a.npz", "--seed", 4)
    gannet.works("sample", trained, "--count", 4, "--out", tmp_path / "b.npz", "--seed", 4)
    gannet.works("sample", trained, "--count", 4, "--out", tmp_path / "c.npz", "--seed", 5)
    a, b, c = (np.load(tmp_path / f"{name}.npz")["images"].astype(int) for name in "abc")
    assert np.abs(a[:4] - b).max() <= 1  # sums of another batch size may round otherwise
    assert not np.array_equal(b, c)
    assert a.shape == (9, 8, 8, 1)


def test_sampling_one_grid(gannet, trained, tmp_path):
    gannet.works("sample", trained, "--count", 9, "--out", tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size[0] >= 24


def test_sampling_into_parquet(gannet, trained, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    gannet.works("sample", trained, "--count", 3, "--out", tmp_path / "made.parquet")
    assert parquet.read_table(tmp_path / "made.parquet").column_names == ["image", "label"]


def test_sampling_rows_into_csv(gannet, trained_rows, tmp_path):
    gannet.works("sample", trained_rows, "--count", 3, "--out", tmp_path / "made.csv")
    with (tmp_path / "made.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert found[0] == ["east", "north"]
    assert len(found) == 4


# -- judge and evaluate ------------------------------------------------------------------------


def test_judging_names_a_broken_file_and_judges_the_others(gannet, trained, tmp_path):
    gannet.works("sample", trained, "--count", 2, "--out", tmp_path / "made")
    (tmp_path / "made" / "notes.png").write_text("no picture")
    files = sorted((tmp_path / "made").glob("*.png"))
    words = gannet.works("judge", trained, *files)
    assert [line for line in words.splitlines() if line.endswith("00001.png")]
    assert [line for line in words.splitlines() if "not judged" in line and "notes.png" in line]
    found = json.loads(gannet.works("judge", trained, *files, "--json"))
    assert len(found["judgments"]) == 2
    assert len(found["broken"]) == 1
    assert all(0 <= each["real"] <= 1 for each in found["judgments"])


@pytest.mark.slow
def test_evaluating_writes_a_report(gannet, trained, squares, tmp_path):
    pytest.importorskip("gannet.evaluation.evaluate")
    words = ["--count", 24, "--features", "random", "--out", tmp_path]
    printed = gannet.works("evaluate", trained, squares, *words)
    assert str(tmp_path) in printed
    assert json.loads((tmp_path / "report.json").read_text())["scores"]


# -- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["trian"], "trian"),
        (["train"], "DATA"),
        (["train", "DATA"], "--out"),
        (["train", "nowhere", "--out", "NEW"], "nowhere"),
        (["train", "DATA", "--out", "NEW", "--widht", "8"], "did you mean --width?"),
        (["train", "DATA", "--out", "NEW", "--clock", "8"], "--clock: no such setting"),
        (
            ["train", "DATA", "--out", "NEW", "--width", "2", "--gradient-penalty", "-1"],
            "--gradient-penalty",
        ),
        (["train", "DATA", "--out", "NEW", "--steps", "5", "--minutes", "1"], "both were given"),
        (["train", "DATA", "--out", "NEW", "--minutes", "soon"], "soon"),
        (["train", "DATA", "--out", "NEW", "--auto-adjust", "perhaps"], "perhaps"),
        (["train", "DATA", "--out", "NEW", "--save-seconds", "-1"], "--save-seconds"),
        (["train", "DATA", "--out", "NEW", "--recipe", "generat"], "Did you mean generate"),
        (["train", "DATA", "--out", "DATA"], "not a folder"),
        (["sample", "nowhere", "--out", "NEW"], "no such folder"),
        (["sample", "RUN", "--out", "NEW", "--count", "-1"], "--count"),
        (["sample", "RUN", "--out", "NEW", "--count", "many"], "many"),
        (["sample", "RUN", "--out", "NEW", "--seed", "-1"], "--seed: must be at least 0"),
        (["sample", "RUN", "--out", "NEW", "--label", "cow"], "Known classes: 0, 1"),
        (["sample", "RUN", "--out", "NEW.mp3"], "no format for '.mp3'"),
        (["sample", "DATA", "--out", "NEW"], "no such folder"),
        (["judge", "RUN", "nowhere.png"], "nowhere.png"),
        (["judge", "RUN", "PICTURE", "--label", "cow"], "no class 'cow'"),
        (["judge", "RUN"], "FILES"),
        (["evaluate", "RUN", "ROWS"], "holds a table, expected images"),
        (["evaluate", "RUN", "DATA", "--seed", "-1"], "--seed: must be at least 0"),
        (["evaluate", "RUN", "DATA", "--out", "DATA"], "is not a folder"),
        (["evaluate", "RUN", "DATA", "--out", "page.html"], "name the folder"),
        (["inspect", "nowhere"], "nowhere"),
        (["settings", "generat"], "Did you mean generate"),
        (["settings", "generate", "--width", "2"], "--width"),
    ],
)
def test_a_fault_of_the_user_is_one_clear_error(
    gannet, squares, points, trained, tmp_path, words, fault
):
    known = {"DATA": squares, "ROWS": points, "RUN": trained, "NEW": tmp_path / "new"}
    known |= {"NEW.mp3": tmp_path / "new.mp3", "PICTURE": trained / "grid.png"}
    error = gannet.refuses(*[known.get(word, word) for word in words])
    assert fault in error
    assert not list(tmp_path.iterdir()), "something was left behind"


def test_a_damaged_artifact_is_one_clear_error(gannet, trained, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("card.json", "model.safetensors"):
        (run / name).write_bytes((trained / name).read_bytes()[:-9])
    assert "card.json: the card is damaged" in gannet.refuses(
        "sample", run, "--out", tmp_path / "x"
    )


# -- the live view -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moments(planned, loaded, tmp_path_factory):
    out = tmp_path_factory.mktemp("watched") / "run"
    return list(run_training(planned(), loaded, out)), Session(
        planned(), loaded, out, resumed=False
    )


def test_the_live_view_shows_needle_verdict_and_last_action(moments):
    seen, session = moments
    screen = io.StringIO()
    console = Console(force_terminal=True, file=screen, width=100, height=40, highlight=False)
    acted = replace(
        seen[3], evaluation=replace(seen[3].evaluation, action=Action("slope weight up: because"))
    )
    with Live(console=console, auto_refresh=False) as live:
        window = Window(session, live)
        for moment in [*seen[:3], acted]:
            window.show(moment)
            live.refresh()
    shown = screen.getvalue()
    for words in ("gannet generate", "4 of 12", "AUC, held out", "D(real)", "time left"):
        assert words in shown
    assert seen[3].evaluation.diagnosis.name in shown
    assert "step 4: slope weight up: because" in shown


def test_plain_lines_are_printed_at_looks_alone(moments, capsys):
    seen, session = moments
    lines = Lines(session)
    for moment in seen:
        lines.show(moment)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in printed if line.startswith("step")] == [
        "4/12", "8/12", "12/12",
    ]  # fmt: skip
    assert discriminator_auc(seen[3].evaluation) in printed[0]


def test_a_path_with_brackets_is_printed_as_it_is(gannet, squares, tiny, tmp_path):
    run = tmp_path / "run [bold] 1"
    printed = gannet.works("train", squares, "--out", run, *tiny, "--steps", 2)
    assert f"run:       {run}" in printed
    assert load(run).sample(1).shape == (1, 8, 8, 1)
