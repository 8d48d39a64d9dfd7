"""A table stands beside pictures in any slot: rows to pictures, and pictures to rows, by a command.

Two recipes of the toy package are known by entry points only. In one a picture is made for the row
of `metadata.csv` that describes it, in the other such a row for a picture.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gannet.api.train import load
from gannet.cli.main import main
from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.data.containers.frames import read_frame
from gannet.data.find import of_memory
from gannet.modalities import registry
from gannet.recipes.registry import find_recipe
from gannet.training.inputs import source_for
from gannet.training.session import prepare

COUNT = 240
COLUMNS = ("size", "color", "price", "label")
SETTINGS = (
    *("--steps", "64", "--batch", "8", "--latent-dim", "4", "--threads", "1"),
    *("--precision", "float32", "--save-seconds", "0"),
)
RECIPES = ("toy_portray", "toy_describe")

pytestmark = [pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def toys():
    """The toy package, as if it were installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).with_name("toys")))
        registry.modality_of.cache_clear()
        yield
        for name in [each for each in sys.modules if each.partition(".")[0] == "toys"]:
            del sys.modules[name]
        registry.modality_of.cache_clear()


def described(seed):
    """Pictures of squares, and a row for each."""
    rng = np.random.default_rng(seed)
    for number in range(COUNT):
        color, side = number % 2, int(rng.integers(4, 13))
        pixels = rng.integers(0, 40, (16, 16, 3)).astype(np.uint8)
        top, left = rng.integers(0, 17 - side, 2)
        pixels[top : top + side, left : left + side, color] = 220
        price = "" if number % 11 == 0 else f"{side * rng.uniform(1, 2):.2f}"
        yield Image.fromarray(pixels), (side, ("red", "green")[color], price, "abc"[number % 3])


def write_data(folder, seed=0, further=()):
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("file_name", *COLUMNS, *further))
        for number, (picture, row) in enumerate(described(seed)):
            picture.save(folder / f"{number:03}.png")
            rows.writerow((f"{number:03}.png", *row, *further))
    return folder


def command(*words, code=0):
    assert main(list(map(str, words))) == code


@pytest.fixture(scope="module", params=RECIPES)
def run(request, tmp_path_factory, toys):
    """A recipe, and a folder with data and a run on them."""
    folder = tmp_path_factory.mktemp(request.param)
    write_data(folder / "data")
    words = ("--recipe", request.param, "--column", "size=integer", *SETTINGS)
    command("train", folder / "data", "--out", folder / "run", *words)
    return request.param, folder, words


def test_all_columns_belong_to_the_table(run):
    name, folder, _ = run
    source = source_for(folder / "data", None, name, find_recipe(name).config())
    both = {"sample": source, **source.roles}
    [table] = [each for each in both.values() if each.kind == "table"]
    [pictures] = [each for each in both.values() if each.kind == "image"]
    assert table.columns == COLUMNS
    assert table.count == pictures.count == COUNT
    assert not source.classes, "the column of the label is one like any other"


def test_a_label_is_refused_where_classes_fill_no_slot(tmp_path, run):
    name, folder, words = run
    words = ("train", folder / "data", "--out", tmp_path / "new", "--label", "color", *words)
    command(*words, code=2)
    if name == "toy_portray":
        with pytest.raises(DataError, match="--label color: the recipe takes no classes"):
            source_for(folder / "data", "color", name, find_recipe(name).config())


def test_pictures_without_rows_are_refused_and_rows_are_asked_for(tmp_path):
    for number in range(3):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="needs rows beside each sample") as caught:
        source_for(tmp_path, None, "toy_portray", find_recipe("toy_portray").config())
    assert "metadata.csv" in caught.value.remedy


def test_the_plan_names_both(run):
    _, folder, _ = run
    plan = json.loads((folder / "run" / "plan.json").read_text())
    kinds = {role: each["kind"] for role, each in plan["codecs"].items()}
    assert sorted(kinds.values()) == ["image", "table"]
    [table] = [each for each in plan["codecs"].values() if each["kind"] == "table"]
    types = {each["name"]: each["type"] for each in table["state"]["columns"]}
    assert types == {
        "size": "integer", "color": "category", "price": "decimal", "label": "category",
    }  # fmt: skip
    assert plan["options"] == {"column": {"size": "integer"}}
    assert (folder / "run" / "README.md").exists()


def test_it_is_inspected(run, capsys):
    name, folder, _ = run
    command("inspect", folder / "data", "--recipe", name, "--json")
    found = json.loads(capsys.readouterr().out)
    expected = {"toy_portray": "image", "toy_describe": "table"}[name]
    assert (found["kind"], found["count"], found["usable"]) == (expected, COUNT, True)
    beside = {
        "toy_portray": f"vector: rows of {', '.join(COLUMNS)}",
        "toy_describe": "grid: images",
    }
    assert found["lines"][1] == beside[name]


def test_a_finished_run_is_known_again(run, capsys):
    _, folder, words = run
    command("train", folder / "data", "--out", folder / "run", *words)
    assert "already finished" in capsys.readouterr().out


def test_an_interrupted_run_is_resumed_and_ends_with_the_same_bits(run):
    name, folder, _ = run
    settings = {"steps": 40, "batch": 8, "latent_dim": 4, "threads": 1, "precision": "float32"}

    def go_on(place, steps):
        session = prepare(folder / "data", folder / place, recipe=name, **settings)
        left = iter(range(steps))
        for _ in session.run(stop=lambda: next(left, None) is None, save_seconds=0):
            pass
        return (folder / place / "model.safetensors").read_bytes()

    part, whole = go_on("parts", 15), go_on("whole", 100)
    assert part != whole
    assert go_on("parts", 100) == whole


def test_it_is_applied(run):
    name, folder, _ = run
    if name == "toy_portray":
        (folder / "row.csv").write_text("size,color,price,label\n7,red,9.00,a\n")
        out = folder / "portrait.png"
        command("apply", folder / "run", folder / "row.csv", "--samples", 2, "--out", out)
        with Image.open(folder / "portrait-2.png") as picture:
            assert picture.size == (16, 16)
        row = Frame.from_rows(COLUMNS, [("7", "red", "9.00", "a")])
        assert load(folder / "run").apply(row).shape == (16, 16, 3)
        return
    command("apply", folder / "run", folder / "data" / "000.png", "--out", folder / "row.csv")
    assert read_frame(folder / "row.csv").names == COLUMNS
    command("apply", folder / "run", folder / "data", "--out", folder / "rows")
    assert len(list((folder / "rows").glob("*.csv"))) == COUNT


def test_samples_of_the_data_are_judged(run, capsys):
    name, folder, _ = run
    given = folder / "data"
    if name == "toy_describe":
        lines = (folder / "data" / "metadata.csv").read_text().splitlines()
        given = folder / "rows.csv"
        given.write_text("\n".join(line.partition(",")[2] for line in lines) + "\n")
    command("judge", folder / "run", given, "--json")
    assert len(json.loads(capsys.readouterr().out)["judgments"]) == COUNT


def test_no_sample_is_made_from_nothing(run, capsys):
    _, folder, _ = run
    command("sample", folder / "run", "--count", 2, "--out", folder / "made", code=2)
    assert "each output needs an input" in capsys.readouterr().err


@pytest.mark.parametrize("other", [False, True])
def test_it_is_evaluated_also_on_data_with_a_further_column(run, other, tmp_path):
    name, folder, _ = run
    data = [write_data(tmp_path / "data", seed=1, further=["further"])] if other else []
    options = ("--features", "random") if name == "toy_portray" else ()
    options += ("--anyway",) if other else ()
    out = tmp_path / "report"
    command("evaluate", folder / "run", *data, "--count", 40, "--out", out, *options)
    report = json.loads((out / "report.json").read_text())
    assert report["scores"]
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    if name == "toy_portray":
        assert "red, " in (out / "report.html").read_text(), (
            "rows are shown beside pictures of them"
        )


def test_a_data_frame_has_a_text_beside_its_rows():
    frame = Frame.from_rows(
        ("age", "toy_text", "town"), [(at, f"word {at % 5}", "AB"[at % 2]) for at in range(60)]
    )
    source = of_memory(frame, kinds=["table"], roles={"tokens": ["toy_text"]})
    assert source.columns == ("age", "town")
    assert source.roles["tokens"].raw(3) == "word 3"
    source = of_memory(frame, kinds=["toy_text"], roles={"vector": ["table"]})
    assert source.roles["vector"].columns == ("age", "town")
    alone = Frame.from_rows(("toy_text",), [(f"word {at % 5}",) for at in range(60)])
    with pytest.raises(DataError, match="no column is left for a table: other inputs take toy_t"):
        of_memory(alone, kinds=["table"], roles={"tokens": ["toy_text"]})
