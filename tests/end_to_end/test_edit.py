"""Pictures changed in the noise of a tiny run, as a user would do it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import gannet as package
from gannet.core.errors import ConfigError, DataError, MissingExtraError
from gannet.inference.editing.files import EditRequest, LabeledExamples, edit_files

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def pictures(squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(np.load(squares)["images"][:8]):
        Image.fromarray(picture[..., 0]).save(folder / f"{number}.png")
    return folder


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture).astype(float)


def frames_of(path):
    with Image.open(path) as film:
        return film.n_frames


def decibels(one, two):
    return 10 * np.log10(255**2 / max(np.square(one - two).mean(), 1e-9))


def test_an_edit_changes_a_picture_and_its_opposite_undoes_it(trained, pictures, tmp_path, gannet):
    given, there, back = pictures / "0.png", tmp_path / "there.png", tmp_path / "back.png"
    kept = tmp_path / "extra.safetensors"
    words = ["--edit", "brightness=+3", "x=-1"]
    said = gannet.works("edit", trained, given, "--out", there, "--save-latents", kept, *words)
    assert "found with" in said
    assert "before tuning" in said
    assert f"latents saved: {kept}" in said
    words = ["--edit", "brightness=-3", "x=1"]
    gannet.works("edit", trained, kept, "--out", back, *words)
    gannet.works("edit", trained, given, "--out", tmp_path / "found.png")
    gannet.works("edit", trained, given, "--out", tmp_path / "plain.png", "--no-pivotal-tuning")
    found, plain = (read(tmp_path / f"{name}.png") for name in ("found", "plain"))
    # A network of four channels cannot be bent to every pixel; a real one reaches 30 dB.
    assert decibels(found, read(given)) > decibels(plain, read(given)) + 1
    assert abs(decibels(read(back), read(given)) - decibels(found, read(given))) < 1
    assert decibels(read(there), found) < 40


def test_directions_are_listed_and_drawn(trained, tmp_path, gannet):
    said = gannet.works("edit", trained, "--directions", "--out", tmp_path / "sheet.png")
    lines = said.splitlines()
    assert lines[0].startswith("1 ")
    assert any(line.startswith("brightness ") for line in lines)
    assert "samples that change that way" in said
    assert read(tmp_path / "sheet.png").shape[1] > 400
    model = package.load(trained)
    numbers = [each.number for each in model.directions()]
    assert numbers == list(range(1, len(numbers) + 1))
    again = [float(each.axis.sum()) for each in model.directions()]
    assert again == [float(each.axis.sum()) for each in model.directions()]


def test_blends_and_walks_become_sheets_and_films(trained, pictures, tmp_path, gannet):
    two = [pictures / "0.png", pictures / "1.png"]
    gannet.works("edit", trained, *two, "--out", tmp_path / "a.png", "--frames", 5)
    # Pictures of 8 pixels are drawn seven times as large, with lines of two pixels between.
    assert read(tmp_path / "a.png").shape == (60, 5 * 58 + 2)
    gannet.works(
        "edit", trained, *two, "--out", tmp_path / "b.gif", "--frames", 6, "--no-pivotal-tuning"
    )
    assert frames_of(tmp_path / "b.gif") == 10, "there and back"
    gannet.works("edit", trained, "--out", tmp_path / "c.gif", "--frames", 9, "--seed", 3)
    assert frames_of(tmp_path / "c.gif") > 5


def test_a_film_is_a_film(trained, pictures, tmp_path):
    av = pytest.importorskip("av", reason="the extra video is not installed")
    wanted = EditRequest(frames=5, pivotal_tuning=False)
    out = tmp_path / "walk.mp4"
    edit_files(package.load(trained).artifact, [], out, wanted)
    with av.open(out) as film:
        assert sum(1 for _ in film.decode(video=0)) == 8


def test_without_its_extra_a_film_is_refused_at_once(trained, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match="gannet-gan\\[video\\]"):
        edit_files(package.load(trained).artifact, [], tmp_path / "a.mp4", EditRequest())


def test_a_class_is_kept_or_changed(trained, pictures, tmp_path, gannet):
    given, out = pictures / "0.png", tmp_path / "other.png"
    told = ["--label", "0", "--no-pivotal-tuning"]
    gannet.works("edit", trained, given, "--out", out, *told, "--class", "1")
    gannet.works("edit", trained, given, "--out", tmp_path / "same.png", *told, "--class", "0")
    gannet.works("edit", trained, given, "--out", tmp_path / "plain.png", *told)
    assert (read(tmp_path / "same.png") == read(tmp_path / "plain.png")).all()
    assert (read(out) != read(tmp_path / "plain.png")).any()


def test_liked_and_labeled_pictures_give_directions(trained, squares, pictures, tmp_path):
    for side, numbers in (("positive", (0, 1, 2)), ("negative", (3, 4, 5))):
        (tmp_path / side).mkdir()
        for number in numbers:
            name = f"{number}.png"
            (tmp_path / side / name).write_bytes((pictures / name).read_bytes())
    told = LabeledExamples(squares, tmp_path / "positive", tmp_path / "negative")
    artifact = package.load(trained).artifact
    said = edit_files(artifact, [], tmp_path / "a.png", EditRequest(directions=True, examples=told))
    starts = {line.split(" (")[0].split("  ")[0] for line in said}
    assert {"positive", "label 0", "label 1"} <= starts
    changes = {"positive": 1.0, "label 1": 1.0}
    wanted = EditRequest(changes=changes, fix=["brightness"], pivotal_tuning=False, examples=told)
    assert edit_files(artifact, [pictures / "6.png"], tmp_path / "b.png", wanted)
    empty = tmp_path / "empty"
    empty.mkdir()
    wanted = EditRequest(
        changes={"positive": 1.0},
        pivotal_tuning=False,
        examples=LabeledExamples(None, empty, empty),
    )
    with pytest.raises(DataError, match=r"0 image\(s\) in it, at least 2"):
        edit_files(artifact, [], tmp_path / "b.png", wanted)


def test_python_edits_pictures_in_memory(trained, squares):
    picture = np.load(squares)["images"][0]
    model = package.load(trained)
    one, two = (model.edit(picture, {"brightness": amount}) for amount in (0, 3))
    assert one.shape == two.shape == (8, 8, 1)
    assert decibels(one.astype(float), picture) > 12
    assert one.astype(float).mean() != two.astype(float).mean()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--edit", "brightnes=1"], "nothing is called 'brightnes'"),
        (["--edit", "brightness=much"], "'much' is no number"),
        (["--edit", "brightness=1000"], "must lie between -100 and 100"),
        (["--edit", "77=1"], "no direction 77"),
        (["--class", "cat"], "no class 'cat'"),
        (["--label", "cat"], "no class 'cat'"),
        (["--frames", "1"], "--frames: must lie between 2 and"),
        (["--positive", "."], "--positive, --negative: give a folder for each"),
        (["--seed", "-1"], "--seed: must be at least 0"),
        (["--save-latents", "a.png"], "--save-latents: must end in .safetensors"),
        (["--fix", "x"], "--fix: there is no --edit"),
        (["--directions", "--class", "1"], "changes nothing"),
    ],
)
def test_what_cannot_be_done_is_refused(trained, pictures, tmp_path, gannet, words, said):
    out = tmp_path / "a.png"
    given = ["edit", trained, pictures / "0.png", "--out", out, "--no-pivotal-tuning", *words]
    assert said in gannet.refuses(*given)
    assert not out.exists()


def test_files_that_do_not_fit_are_refused(trained, pictures, tmp_path, gannet):
    given = pictures / "0.png"
    assert "is one of the images" in gannet.refuses("edit", trained, given, "--out", given)
    assert "must end in one of" in gannet.refuses("edit", trained, "--out", tmp_path / "a.txt")
    out = tmp_path / "a.jpg"
    said = gannet.refuses("edit", trained, given, pictures / "1.png", "--out", out)
    assert "several images go into one .png, .gif or .mp4" in said
    (tmp_path / "bad.png").write_bytes(b"no picture")
    said = gannet.refuses("edit", trained, tmp_path / "bad.png", given, "--out", tmp_path / "b.png")
    assert "bad.png: not an image" in said
    said = gannet.refuses("edit", trained, tmp_path / "none.png", "--out", tmp_path / "b.png")
    assert "none.png: does not exist" in said
    wanted = EditRequest(save_latents=tmp_path / "k.safetensors")
    with pytest.raises(ConfigError, match="--save-latents: saves the edit of one image, got 0"):
        edit_files(package.load(trained).artifact, [], tmp_path / "a.png", wanted)


def test_a_run_that_makes_rows_is_refused(trained_rows, tmp_path, gannet):
    said = gannet.refuses("edit", trained_rows, "--out", tmp_path / "a.png")
    assert "makes no images, which is what `gannet edit` edits" in said
