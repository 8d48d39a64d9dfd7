"""A new task is one file, whatever it takes and gives: text to image, known by entry points only.

The toys hold a kind of data for texts and a recipe that draws what they say. Both go through every
command; nothing of gannet knows their names. The recipe's second transform gives the name of a
class for a picture, so that an output may be of any slot's kind.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gannet.api.train import load
from gannet.cli.main import main
from gannet.core.errors import ConfigError, DataError
from gannet.data.find import find
from gannet.modalities import registry
from gannet.modalities.registry import modality_modules
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.testing import check_codec, check_recipe
from gannet.training.inputs import source_for
from tests.laws.test_codecs import from_the_kind
from tests.laws.test_recipes import beside, pictures
from tools.gpu.data import small_data

TOYS = Path(__file__).with_name("toys")
SETTINGS = (
    *("--recipe", "toy_draw", "--max-words", "5", "--steps", "40", "--batch", "8"),
    *("--latent-dim", "4", "--threads", "1", "--precision", "float32", "--save-seconds", "0"),
)
SECONDS = 120
"""For one command, on a machine with much else to do."""

pytestmark = [pytest.mark.timeout(600)]


@contextmanager
def toys_installed():
    """The toy package, as if it were installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOYS))
        registry.modality_of.cache_clear()
        yield
        for name in [each for each in sys.modules if each.partition(".")[0] == "toys"]:
            del sys.modules[name]
        registry.modality_of.cache_clear()


def told():
    """Pictures of squares, each with a text and a class."""
    rng = np.random.default_rng(0)
    for number in range(60):
        color, size = ("red", "green")[number % 2], ("small", "large")[number // 2 % 2]
        pixels = rng.integers(0, 40, (16, 16, 3)).astype(np.uint8)
        side = 6 if size == "small" else 12
        top, left = rng.integers(0, 17 - side, 2)
        pixels[top : top + side, left : left + side, number % 2] = 220
        yield f"{number:02}", Image.fromarray(pixels), f"a {size} {color} square", color


def with_metadata(folder):
    """Pictures with a table of their texts and classes."""
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("file_name", "label", "text"))
        for name, picture, text, color in told():
            picture.save(folder / f"{name}.png")
            rows.writerow((f"{name}.png", color, text))


def in_two_folders(folder):
    """Pictures in one folder, texts of the same names in another."""
    for name, picture, text, _ in told():
        for side in ("images", "texts"):
            (folder / side).mkdir(parents=True, exist_ok=True)
        picture.save(folder / "images" / f"{name}.png")
        (folder / "texts" / f"{name}.txt").write_text(text)


def side_by_side(folder):
    """Each text beside its picture, in a file of the same name."""
    folder.mkdir()
    for name, picture, text, _ in told():
        picture.save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(text)


def in_pairs_table(folder):
    """A table of pairs."""
    in_two_folders(folder)
    lines = [f"texts/{name}.txt,images/{name}.png" for name, *_ in told()]
    (folder / "pairs.csv").write_text("\n".join(["given,target", *lines]) + "\n")


LAYOUTS = {
    "metadata": with_metadata,
    "two folders": in_two_folders,
    "side by side": side_by_side,
    "table of pairs": in_pairs_table,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with data and a run on them."""
    folder = tmp_path_factory.mktemp("draw")
    with_metadata(folder / "data")
    with toys_installed():
        command("train", folder / "data", "--out", folder / "run", *SETTINGS)
        yield folder


def command(*words, code=0):
    """Run a command in this process, which is faster than in one of its own."""
    assert main(list(map(str, words))) == code


def test_nothing_but_entry_points_knows_the_toys():
    assert "toy_text" not in modality_modules()
    assert "toy_draw" not in recipe_modules()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_texts_are_found_however_they_lie(layout, tmp_path):
    LAYOUTS[layout](tmp_path / "data")
    with toys_installed():
        config = find_recipe("toy_draw").config()
        source = source_for(tmp_path / "data", None, "toy_draw", config)
        texts = source.roles["tokens"]
        assert (source.kind, texts.kind, source.count) == ("image", "toy_text", 60)
        read = [registry.find_modality("toy_text").load(texts.raw(n), "") for n in range(60)]
    assert read == [text for _, _, text, _ in told()]
    assert source.classes == (("green", "red") if layout == "metadata" else ())


def test_the_laws_of_kinds_and_of_recipes_need_no_edit(tmp_path):
    """What the laws try is derived from the kind's own examples."""
    with toys_installed():
        codec, raws, suffix = from_the_kind("toy_text")
        check_codec(codec, raws, tmp_path, suffix)
        recipe = find_recipe("toy_draw")
        check_recipe(recipe, beside(recipe, pictures(2)), latent_dim=6)
        assert small_data(recipe, "image", tmp_path / "made").is_dir()
        source = source_for(tmp_path / "made" / "image-toy_text", None, "toy_draw", recipe.config())
    assert source.roles["tokens"].kind == "toy_text"


def test_it_is_inspected(run, capsys):
    words = ("inspect", run / "data", "--recipe", "toy_draw", "--json", "--max-words")
    command(*words, 0, code=2)
    assert "--max-words" in capsys.readouterr().err
    command(*words, 5)
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["count"], found["usable"]) == ("image", 60, True)
    assert (found["recipe"], found["lines"][1]) == ("toy_draw", "tokens: texts")


def test_the_options_of_each_slot_are_flags(run, capsys):
    plan = json.loads((run / "run" / "plan.json").read_text())
    assert plan["options"] == {"max_words": 5}
    assert plan["codecs"]["tokens"]["state"]["length"] == 4
    command("train", run / "data", "--out", run / "other", "--max-words", 0, *SETTINGS, code=2)
    assert "--max-words" in capsys.readouterr().err
    assert not (run / "other").exists()
    command("train", run / "data", "--out", run / "other", "--max-words", 5, "--steps", 2, code=2)
    assert "--max-words is for texts; these data are images" in capsys.readouterr().err


def test_a_killed_run_is_resumed_and_ends_with_the_same_bits(run):
    words = ("train", run / "data", "--out", run / "killed", *SETTINGS)
    path = os.pathsep.join([str(TOYS), *(each for each in sys.path if each)])
    process = subprocess.Popen(
        [sys.executable, "-m", "gannet", *map(str, words)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + SECONDS
    while not (run / "killed" / "checkpoint.pt").exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(SECONDS)
    command(*words)
    one, other = ((run / name / "model.safetensors").read_bytes() for name in ("run", "killed"))
    assert one == other


def test_previews_show_outputs_with_their_texts(run):
    texts = {text for _, _, text, _ in told()}
    for path in (run / "run" / "grid.png", *(run / "run" / "samples").glob("*.png")):
        shown = path.with_suffix(".txt").read_text().splitlines()
        assert shown
        assert set(shown) <= texts


def test_the_card_says_what_it_is(run):
    card = (run / "run" / "README.md").read_text()
    assert "pipeline_tag: text-to-image" in card
    assert 'model.apply("input.txt")' in card


def test_it_is_sampled_for_a_text_and_for_nothing_else(run, capsys):
    words = ("sample", run / "run", "--count", 3, "--out")
    command(*words, run / "red", "--text", "large red", "--label", "red")
    assert sorted(each.name for each in (run / "red").iterdir()) == [
        *(f"{row:05}.png" for row in range(3)),
        "metadata.csv",
    ]
    command(*words, run / "none", code=2)
    assert "each output needs a text" in capsys.readouterr().err
    assert not (run / "none").exists()
    model = load(run / "run")
    red, green = (model.sample(2, text=f"large {color}") for color in ("red", "green"))
    assert not np.array_equal(red, green)
    with pytest.raises(ConfigError, match="needs a text"):
        model.sample(2, label="red")


def test_a_text_becomes_a_picture_and_a_picture_a_class(run):
    (run / "texts").mkdir()
    for name in ("one", "two"):
        (run / "texts" / f"{name}.txt").write_text(f"a small {name} square")
    command("apply", run / "run", run / "texts" / "one.txt", "--out", run / "one.png")
    with Image.open(run / "one.png") as picture:
        assert picture.size == (16, 16)
        drawn = np.asarray(picture)
    command("apply", run / "run", run / "texts", "--samples", 2, "--out", run / "drawn")
    names = [f"{name}-{draw}.png" for name in ("one", "two") for draw in (1, 2)]
    assert sorted(each.name for each in (run / "drawn").iterdir()) == names
    command("apply", run / "run", run / "data", "--transform", "name", "--out", run / "named")
    assert {each.read_text() for each in (run / "named").iterdir()} <= {"red", "green"}
    assert (run / "named" / "00.txt").exists()
    model = load(run / "run")
    assert model.apply("large red").shape == (16, 16, 3)
    in_file = model.apply(run / "texts" / "one.txt")
    assert np.array_equal(in_file, model.apply("a small one square"))
    assert np.array_equal(in_file, drawn)
    with Image.open(run / "data" / "00.png") as picture:
        named = model.apply(np.asarray(picture), transform="name")
    assert named == (run / "named" / "00.txt").read_text()


def test_it_judges_with_a_text_and_a_class(run, capsys):
    model, files = load(run / "run"), sorted((run / "data").glob("*.png"))[:4]
    alone = model.judge(files)
    both = model.judge(files, text="a small red square", label="red")
    assert both != alone
    assert both != model.judge(files, text="a small red square")
    assert model.judge(files, label="red") not in (alone, both)
    words = ("judge", run / "run", *files, "--label", "red", "--text", "a small red square")
    command(*words, "--json")
    found = [each["real"] for each in json.loads(capsys.readouterr().out)["judgments"]]
    assert found == pytest.approx(both, abs=1e-4)
    command(*words, "--caption", "x", code=2)
    assert "--caption" in capsys.readouterr().err


def test_it_is_evaluated_without_targets_and_reported(run, capsys):
    words = ("--count", 16, "--features", "random", "--out", run / "report")
    command("evaluate", run / "run", run / "data", *words)
    assert "report" in capsys.readouterr().out
    report = json.loads((run / "report" / "report.json").read_text())
    names = {each["name"].partition("[")[0] for each in report["scores"]}
    assert {"frechet", "diversity", "memorization"} <= names
    assert not names & {"PSNR", "SSIM", "feature distance"}, "no picture of a text is the right one"
    assert any("Many answers to one input are right" in each for each in report["protocol"])
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    page = (run / "report" / "report.html").read_text()
    assert "square" in page, "the texts are shown beside what was drawn for them"


def test_a_kind_that_the_usual_recipe_does_not_take_says_which_do(tmp_path, capsys):
    """The same words when a run is started and when it is resumed."""
    for name, _, text, _ in told():
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.txt").write_text(f"{text} {name}")
    with toys_installed():
        for _ in range(2):
            command("train", tmp_path / "data", "--out", tmp_path / "run", "--steps", 2, code=2)
            error = capsys.readouterr().err
            assert "holds texts, and the recipe generate takes images or " in error
            assert "or rows of numbers" in error
            assert "Give --recipe baseline_copies or baseline_mean." in error
        with pytest.raises(DataError, match="holds texts, expected images"):
            find(tmp_path / "data", kinds=["image"])
