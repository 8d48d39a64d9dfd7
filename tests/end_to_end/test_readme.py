"""README's commands and code run as they stand there, on tiny data and a tiny budget."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from gannet.core.config import describe
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.training.monitor import DiagnosisName, Measurements
from tools import check_links

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
ABOUT = (ROOT / "docs" / "all-of-gannet.md").read_text(encoding="utf-8")

# What stands in README takes minutes; the same words with a smaller budget take seconds.
SMALL = {
    "--minutes 10": "--steps 12 --batch 8 --width 4",
    "minutes=10": "steps=12, batch=8, width=4",
}
SECONDS = 600  # on a machine that is busy with other work


def blocks(language):
    return [text for name, text in README if name == language]


def smaller(text):
    for full, small in SMALL.items():
        text = text.replace(full, small)
    assert "minutes" not in text, "README asks for a budget that this test does not know"
    return text


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line]
    return [shlex.split(smaller(line), comments=True) for line in lines]


def run(words, folder, **environment):
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def gannet(words, folder):
    return run([sys.executable, "-m", "gannet", *words], folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory, people):
    """A folder with all that README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "people.csv").write_bytes(people.read_bytes())
    rng = np.random.default_rng(0)
    for side in ("left", "right"):
        (folder / "my_pictures" / side).mkdir(parents=True)
        for number in range(60):
            picture = rng.integers(0, 60, (12, 12), dtype=np.uint8)
            row, column = rng.integers(2, 10), rng.integers(1, 5) + (6 if side == "right" else 0)
            picture[row - 2 : row + 2, column - 1 : column + 1] = rng.integers(180, 255)
            Image.fromarray(picture).save(folder / "my_pictures" / side / f"{number:03}.png")
    for name, size in (("photos", (96, 96)), ("facades", (48, 96))):
        (folder / name).mkdir()
        for number in range(16):
            coarse = rng.integers(0, 255, (6, 12, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
            picture.save(folder / name / f"{number:02}.png")
    for name, light in (("summer", 90), ("winter", 200)):
        (folder / "seasons" / name).mkdir(parents=True)
        for number in range(24):
            coarse = rng.integers(light - 40, light + 40, (4, 4, 3)).astype(np.uint8)
            picture = Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC)
            picture.save(folder / "seasons" / name / f"{number:02}.png")
    picture.save(folder / "winter.png")
    with Image.open(folder / "photos" / "00.png") as photo:
        photo.resize((24, 24)).save(folder / "small.png")
        photo.crop((0, 0, 48, 48)).save(folder / "map.png")
        photo.save(folder / "holed.png")
        hole = np.zeros(photo.size[::-1], dtype=np.uint8)
    hole[20:40, 30:60] = 255
    Image.fromarray(hole).save(folder / "hole.png")
    return folder


def test_readme_shows_every_step_from_folder_to_report():
    shown = [words[1] for words in commands() if words[0] == "gannet"]
    table = ["inspect", "train", "sample", "sample", "sample", "train", "apply", "apply"]
    pictures = ["train", "apply"] * 4
    assert shown == ["inspect", "train", "sample", "judge", "evaluate", *table, *pictures]
    assert [words for words in commands() if words[0] == "make"] == [
        ["make", "demo"],
        ["make", "test"],
    ]
    assert len(commands()) == len(shown) + 2
    assert len(blocks("python")) == 1
    assert len(blocks("python")[0].strip().splitlines()) - 1 == 5, "an empty line and five of code"


@pytest.mark.end_to_end
@pytest.mark.timeout(2 * SECONDS)
def test_readme_runs(place):
    """The commands in their order, then the code, which goes on with the same run."""
    for words in commands():
        if words[0] == "gannet":
            assert gannet(words[1:], place).strip(), f"{words} says nothing"
    assert (place / "my_run" / "card.json").exists()
    assert len(list((place / "my_samples").glob("*.png"))) == 64
    assert (place / "my_run" / "report.json").exists()
    header, *rows = (place / "asked.csv").read_text().splitlines()
    assert (header, len(rows)) == ((place / "people.csv").read_text().splitlines()[0], 100)
    assert all(";north;" in row for row in rows)
    for row in (place / "sound.csv").read_text().splitlines()[1:]:
        age, smokes = row.split(";")[2], row.split(";")[5]
        assert age == "?" or int(age) <= 60 or smokes == "no"
    assert len((place / "fake.csv").read_text().splitlines()) == 1_001
    assert ";?;" in (place / "people.csv").read_text()
    assert ";?;" not in (place / "filled.csv").read_text()
    assert len(list(place.glob("drawn-*.csv"))) == 5
    with Image.open(place / "large.png") as large:
        assert large.size == (96, 96)
    assert len(list(place.glob("houses-*.png"))) == 5
    with Image.open(place / "summer.png") as summer:
        assert summer.mode == "RGB"
    whole, holed, hole = (
        np.asarray(Image.open(place / f"{name}.png")) for name in ("whole", "holed", "hole")
    )
    assert (whole[hole == 0] == holed[hole == 0]).all()
    assert (whole[hole > 0] != holed[hole > 0]).any()
    code = smaller(blocks("python")[0])
    proof = "assert pictures.shape[0] == len(chances) == 16 and report.scores\nprint('done')"
    assert run([sys.executable, "-c", f"{code}\n{proof}"], place).endswith("done\n")


@pytest.mark.end_to_end
@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
def test_the_demo_runs(tmp_path):
    """What ``make demo`` calls, with a few seconds of training."""
    assert "demo $(FLAGS)" in (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = gannet(["demo", "--minutes", "0.1"], tmp_path)
    assert "look at:" in shown
    assert (tmp_path / "demo" / "run" / "grid.png").exists()
    assert (tmp_path / "demo" / "run" / "report.md").exists()


@pytest.mark.end_to_end
@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize(
    "example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem
)
def test_every_example_runs(example, tmp_path):
    run([sys.executable, str(example), "--out", str(tmp_path / "out"), "--steps", "20"], tmp_path)
    assert list((tmp_path / "out").rglob("card.json")), "no run was left"


def test_the_table_of_tasks_is_honest():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (works|planned) \|$", text, re.MULTILINE))
    tasks = {name for name in recipe_modules() if not find_recipe(name).evaluation.is_baseline}
    assert {name for name, state in rows.items() if state == "works"} == tasks


def test_the_page_about_everything_names_every_module():
    shown = set(re.findall(r"(\w+)(?:\.py|/) ", ABOUT.partition("## Contracts")[0]))
    there = {path.stem for path in (ROOT / "src" / "gannet").iterdir() if path.name[0] != "_"}
    there -= {"py"}  # py.typed
    assert len(there) >= 12
    assert there <= shown, f"not in the picture of the layout: {sorted(there - shown)}"
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - shown <= {
        "__pycache__"
    }


def test_the_page_about_everything_names_every_setting():
    rows = describe(find_recipe("generate").config)
    assert len(rows) > 10
    missing = [name for name, *_ in rows if f"`{name[2:].replace('-', '_')}`" not in ABOUT]
    assert not missing


def test_the_page_about_monitoring_names_every_measurement_and_diagnosis():
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    measurements = [each.name for each in fields(Measurements) if each.name != "step"]
    assert len(measurements) > 10
    assert not [name for name in measurements if f"`{name}`" not in page]
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == list(get_args(DiagnosisName))


def test_every_command_is_on_the_page_about_everything():
    shown = set(re.findall(r"^\| `gannet (\w+)", ABOUT, re.MULTILINE))
    listed = run([sys.executable, "-m", "gannet", "--help"], ROOT)
    there = set(re.findall(r"^\W*([a-z]+) {2,}\w", listed, re.MULTILINE))
    assert len(shown) == 11
    assert shown <= there, listed


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("[a](missing.md)", "leads nowhere"),
        ("![a](missing.png)", "leads nowhere"),
        ('<img src="missing.png">', "leads nowhere"),
        ("[a]: missing.md", "leads nowhere"),
        ("[a](#nothing)", "has no such heading"),
        ("[a](../outside.md)", "leads out of the project"),
        ("[a](/etc/hosts)", "starts at the root"),
    ],
)
def test_a_broken_link_is_found(link, wrong, tmp_path, capsys):
    (tmp_path / "outside.md").write_text("")
    (tmp_path / "project").mkdir()
    page = tmp_path / "project" / "page.md"
    page.write_text(
        f"# A heading: `x`\n\n[good](#a-heading-x) [far](https://example.org)\n\n{link}\n"
    )
    assert check_links.main(tmp_path / "project") == 1
    assert wrong in capsys.readouterr().err
    page.write_text(page.read_text().replace(link, f"`{link}`"))
    assert check_links.main(tmp_path / "project") == 0


def test_no_page_at_all_does_not_pass(tmp_path):
    assert check_links.main(tmp_path) == 1
