"""Samples to files of every form, and verdicts on files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gannet.api.model import Model
from gannet.core.errors import ConfigError, DataError, GannetError
from gannet.data import dataset
from gannet.inference.card import Calibration
from gannet.inference.judge_files import judge_files, judge_samples
from gannet.inference.write_samples import LARGEST, write_samples


@pytest.fixture
def pictures(of_classes, tmp_path):
    return Model(of_classes, tmp_path)


@pytest.fixture
def rows(of_rows, tmp_path):
    return Model(of_rows, tmp_path)


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


def write(model, out, count=5, *, seed=0, **options):
    return write_samples(model.artifact, count=count, out=out, seed=seed, **options)


def test_a_folder_holds_one_picture_a_sample(pictures, tmp_path):
    assert (
        write(pictures, tmp_path / "new" / "made", grid=True) == f"in {tmp_path / 'new' / 'made'}"
    )
    names = sorted(path.name for path in (tmp_path / "new" / "made").iterdir())
    assert names == [*(f"{row:05}.png" for row in range(5)), "grid.png", "metadata.csv"]
    made = read(tmp_path / "new" / "made" / "00003.png")
    assert np.array_equal(made, pictures.sample(5)[3, :, :, 0])


def test_more_pictures_than_are_made_at_once_keep_their_order(pictures, tmp_path):
    write(pictures, tmp_path / "made", 260)
    made = read(tmp_path / "made" / "00258.png")
    assert np.abs(made - pictures.sample(260)[258, :, :, 0]).max() <= 1  # rounding of 127.5
    assert len(list((tmp_path / "made").glob("*.png"))) == 260


def test_samples_of_two_calls_are_not_mixed_in_one_folder(pictures, tmp_path):
    out = tmp_path / "made"
    write(pictures, out, 5, grid=True)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for count, grid, first in ((3, True, "00003.png"), (5, False, "grid.png")):
        with pytest.raises(ConfigError, match=f"other files? .* the first is {first}") as caught:
            write(pictures, out, count, grid=grid, seed=1)
        assert caught.value.where == str(out)
        assert "new folder" in caught.value.remedy
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before, "none was touched"


def test_classes_of_earlier_samples_do_not_stay_beside_samples_without(of_pictures, tmp_path):
    (tmp_path / "metadata.csv").write_text("file_name,label\n")
    with pytest.raises(ConfigError, match=r"metadata\.csv"):
        write(Model(of_pictures, tmp_path), tmp_path)


def test_the_same_call_again_replaces_its_samples(pictures, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write(pictures, tmp_path, 3, seed=0)
    write(pictures, tmp_path, 3, seed=1)
    assert np.array_equal(read(tmp_path / "00002.png"), pictures.sample(3, seed=1)[2, :, :, 0])


def test_a_png_is_one_grid(pictures, tmp_path):
    write(pictures, tmp_path / "new" / "grid.PNG", 9)
    assert read(tmp_path / "new" / "grid.PNG").shape[0] >= 3 * 8


@pytest.mark.parametrize("name", ["made.npz", "made.NPZ"])
def test_an_npz_holds_pictures_and_their_classes(pictures, tmp_path, name):
    write(pictures, tmp_path / name, 20, seed=3)
    with np.load(tmp_path / name) as found:
        assert np.array_equal(found["images"], pictures.sample(20, seed=3))
        assert found["classes"].tolist() == ["cat", "dog"]
        told = pictures.artifact.conditions(20, seed=3).vector.argmax(1)
        assert found["labels"].tolist() == told.tolist()


def test_an_npy_holds_the_bare_numbers(rows, tmp_path):
    write(rows, tmp_path / "made.npy", 7)
    assert np.array_equal(np.load(tmp_path / "made.npy"), rows.sample(7))


def test_a_csv_holds_rows_under_their_names(rows, tmp_path):
    write(rows, tmp_path / "new" / "made.CSV", 7)
    lines = (tmp_path / "new" / "made.CSV").read_text().splitlines()
    assert lines[0] == "east,north"
    found = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    assert np.array_equal(found, rows.sample(7))


def test_rows_in_a_folder_are_one_csv(rows, tmp_path):
    write(rows, tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["samples.csv"]


def test_a_parquet_file_holds_pictures_as_the_hub_has_them(pictures, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(pictures, tmp_path / "made.parquet", 4, label="dog")
    table = parquet.read_table(tmp_path / "made.parquet").to_pydict()
    assert table["label"] == ["dog"] * 4
    (tmp_path / "one.png").write_bytes(table["image"][2]["bytes"])
    made = read(tmp_path / "one.png")
    assert np.array_equal(made, pictures.sample(4, label="dog")[2, :, :, 0])


def test_a_parquet_file_holds_rows_as_columns(rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(rows, tmp_path / "made.parquet", 4)
    table = parquet.read_table(tmp_path / "made.parquet").to_pydict()
    assert table["north"] == rows.sample(4)[:, 1].tolist()


def test_a_folder_with_a_dot_in_its_name_is_a_folder(pictures, tmp_path):
    (tmp_path / "made.v2").mkdir()
    write(pictures, tmp_path / "made.v2", 1)
    assert [path.name for path in (tmp_path / "made.v2").glob("*.png")] == ["00000.png"]


def test_a_folder_of_samples_says_their_classes_and_can_be_read_again(pictures, tmp_path):
    write(pictures, tmp_path / "made", 300, seed=3, grid=True)
    found = dataset.find(tmp_path / "made")
    told = pictures.artifact.conditions(300, seed=3).vector.argmax(1)
    assert found.classes == ("cat", "dog")
    assert found.labels.tolist() == told.tolist()


@pytest.fixture
def labeled_rows(of_labeled_rows, tmp_path):
    return Model(of_labeled_rows, tmp_path)


def test_a_csv_of_labeled_rows_has_their_classes_and_can_be_read_again(labeled_rows, tmp_path):
    write(labeled_rows, tmp_path / "made.csv", 40)
    found = dataset.find(tmp_path / "made.csv", kinds=["vector"])
    told = labeled_rows.artifact.conditions(40).vector.argmax(1)
    assert found.columns == ("east", "north")
    assert found.labels.tolist() == told.tolist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_judged_with_its_label_and_whatever_lies_between_cells(
    labeled_rows, tmp_path, delimiter
):
    lines = [["north", "label", "east"], ["1", "cat", "9"], ["2", "dog", "12"]]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(delimiter.join(line) for line in lines))
    found = json.loads(judge_files(labeled_rows.artifact, [path], label=None, json=True))[
        "judgments"
    ]
    expected = labeled_rows.judge(np.array([[9.0, 1.0], [12.0, 2.0]]))
    assert [each["real"] for each in found] == pytest.approx(expected, abs=1e-4)


def test_the_scale_beside_verdicts_is_the_one_they_were_made_with(pictures, made, changed):
    own = Calibration(weight=9.0, bias=-1.0, real=(0.9,) * 5, fake=(0.1,) * 5, count=7)
    model = Model(changed(pictures.artifact, class_calibration=own), pictures.folder)
    assert "7 held-out reals" in judge_files(model.artifact, [made], label="dog", json=False)
    assert "20 held-out reals" in judge_files(model.artifact, [made], label=None, json=False)


@pytest.mark.parametrize("count", [0, -1, LARGEST + 1])
def test_a_count_out_of_range_is_refused(pictures, tmp_path, count):
    with pytest.raises(ConfigError, match=f"--count: must lie between 1 and .* got {count}"):
        write(pictures, tmp_path / "made", count)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("kind", "name", "fault"),
    [
        ("pictures", "made.csv", "images cannot be written"),
        ("pictures", "made.mp3", "no format for '.mp3'"),
        ("rows", "made.png", "rows of numbers cannot be written"),
    ],
)
def test_a_form_that_does_not_fit_is_refused(request, tmp_path, kind, name, fault):
    with pytest.raises(ConfigError, match=fault) as caught:
        write(request.getfixturevalue(kind), tmp_path / name)
    assert caught.value.remedy
    assert not (tmp_path / name).exists()


def test_an_unknown_class_leaves_nothing_behind(pictures, tmp_path):
    for name in ("made", "made.npz", "made.png"):
        with pytest.raises(ConfigError, match="no class 'cow'"):
            write(pictures, tmp_path / name, label="cow")
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["file", "file/made", "file/made.npz", "file/grid.png"])
def test_a_place_that_cannot_be_written_is_one_clear_error(pictures, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GannetError, match="cannot be written"):
        write(pictures, tmp_path / name)


# -- judging -----------------------------------------------------------------------------------


@pytest.fixture
def made(pictures, tmp_path):
    write(pictures, tmp_path / "made")
    (tmp_path / "made" / "notes.png").write_text("this is no picture")
    return tmp_path / "made"


def test_verdicts_stand_beside_what_is_usual(pictures, made):
    words = judge_files(pictures.artifact, [made], label=None, json=False)
    lines = words.splitlines()
    assert lines[0].endswith(str(made / "00000.png"))
    assert 0 <= float(lines[0].split()[0]) <= 1
    assert "20 held-out reals" in words
    assert [line.split()[0] for line in lines if line.startswith("  ") and "s " in line][:2] == [
        "reals",
        "fakes",
    ]
    assert [line for line in lines if line.startswith("not judged: ") and "notes.png" in line]


def test_verdicts_as_json_name_broken_files(pictures, made):
    found = json.loads(judge_files(pictures.artifact, [made], label="cat", json=True))
    assert [each["file"] for each in found["judgments"]] == [
        str(made / f"{row:05}.png") for row in range(5)
    ]
    assert len(found["broken"]) == 1
    assert "notes.png" in found["broken"][0]
    assert found["scale"]["count"] == 20
    expected = pictures.judge([made / "00002.png"], label="cat")[0]
    assert found["judgments"][2]["real"] == pytest.approx(expected, abs=1e-4)


def test_every_row_of_a_table_has_its_verdict(rows, tmp_path):
    write(rows, tmp_path / "made.csv", 3)
    found = json.loads(judge_files(rows.artifact, [tmp_path / "made.csv"], label=None, json=True))
    assert [each["file"] for each in found["judgments"]] == [
        f"{tmp_path / 'made.csv'} row {row}" for row in range(3)
    ]


def test_nothing_that_can_be_judged_is_an_error_that_names_the_files(pictures, tmp_path):
    with pytest.raises(DataError, match=r"(?s)no file could be judged.*nowhere\.png"):
        judge_files(pictures.artifact, [tmp_path / "nowhere.png"], label=None, json=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no files given"):
        judge_files(pictures.artifact, [tmp_path / "empty"], label=None, json=False)


def test_an_unknown_class_at_judging_is_refused(pictures, made):
    with pytest.raises(ConfigError, match="no class 'cow'"):
        judge_files(pictures.artifact, [made], label="cow", json=False)


# -- rows without a class ----------------------------------------------------------------------


@pytest.fixture
def half_labeled(of_classes, of_labeled_rows, changed, tmp_path):
    """Pictures and rows, of which half have no class."""
    both = (changed(each, class_frequencies=(0.2, 0.3)) for each in (of_classes, of_labeled_rows))
    return [Model(each, tmp_path) for each in both]


def told(model, count):
    vector = model.artifact.conditions(count).vector
    return [int(row.argmax()) if row.sum() else -1 for row in vector]


def test_a_sample_without_a_class_has_none_in_any_file(half_labeled, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    pictures, rows = half_labeled
    expected = told(pictures, 40)
    assert {-1, 0, 1} == set(expected)
    for name in ("made.npz", "made.parquet", "folder"):
        write(pictures, tmp_path / name, 40)
        assert dataset.find(tmp_path / name).labels.tolist() == expected, name
    write(rows, tmp_path / "made.csv", 40)
    assert dataset.find(tmp_path / "made.csv", kinds=["vector"]).labels.tolist() == told(rows, 40)
    table = parquet.read_table(tmp_path / "made.parquet").to_pydict()
    assert table["label"] == [(*pictures.classes, None)[number] for number in expected]


def test_a_file_that_cannot_be_encoded_is_named_and_the_others_are_judged(of_trees, tmp_path):
    (tmp_path / "a.json").write_text('{"op": "x"}')
    (tmp_path / "b.json").write_text('{"kids": []}')
    (tmp_path / "dataset.json").write_text("{}")
    report = json.loads(judge_files(of_trees, [tmp_path], json=True))
    assert [each["file"] for each in report["judgments"]] == [str(tmp_path / "a.json")]
    [broken] = report["broken"]
    assert "b.json: it cannot be encoded (KeyError: 'op')" in broken
    with pytest.raises(DataError, match="sample 1: it cannot be encoded"):
        judge_samples(of_trees, [{"op": "x"}, {"kids": []}])


def test_objects_are_written_to_a_folder_and_never_pickled(of_trees, tmp_path):
    with pytest.raises(ConfigError, match=r"objects .dict., which cannot be one array") as caught:
        write_samples(of_trees, count=3, out=tmp_path / "made.npz")
    assert "Give a folder" in caught.value.remedy
    assert not list(tmp_path.iterdir())
    write_samples(of_trees, count=3, out=tmp_path / "made")
    assert len(list((tmp_path / "made").glob("*.json"))) == 3
