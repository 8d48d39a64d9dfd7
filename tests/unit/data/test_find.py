"""Every layout is recognised, and whatever is wrong with one is said in one clear error."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gannet.core.errors import DataError
from gannet.data.containers import archives
from gannet.data.containers.arrays import named
from gannet.data.dataset import find
from gannet.data.labels import from_cells
from gannet.data.pairing import find_pairs
from gannet.modalities.vector.rows import rows_of

RNG = np.random.default_rng(0)


def png(number):
    held = io.BytesIO()
    Image.fromarray(np.full((6, 8), number, np.uint8)).save(held, "PNG")
    return held.getvalue()


def fill(folder, names, start=0):
    for number, name in enumerate(names, start):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(number))
    return folder


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        find(path, **options)
    assert caught.value.where.startswith(str(path.parent)), "an error says where"
    assert caught.value.remedy, "an error says what to do"
    return str(caught.value)


def labels_of(source):
    return [source.classes[k] if k >= 0 else None for k in source.labels]


# Folders of pictures


def test_a_flat_folder_of_pictures(tmp_path):
    found = find(fill(tmp_path, ["b.png", "a.PNG", "c.jpeg"]))
    assert (found.layout, found.kind, found.count) == ("folder of images", "image", 3)
    assert list(found.names) == ["a.PNG", "b.png", "c.jpeg"]
    assert found.raw(1) == tmp_path / "b.png"
    assert found.classes == ()
    assert found.labels.tolist() == [-1, -1, -1]


def test_hidden_files_and_other_files_are_no_pictures(tmp_path):
    fill(tmp_path, ["a.png", "b.png", "._a.png", ".hidden.png"])
    (tmp_path / "notes.txt").write_text("hello")
    assert find(tmp_path).count == 2


def test_class_folders(tmp_path):
    found = find(fill(tmp_path, ["cat/1.png", "cat/deep/2.png", "dog/1.png"]))
    assert (found.layout, found.classes) == ("class folders", ("cat", "dog"))
    assert list(zip(found.names, labels_of(found), strict=True)) == [
        ("cat/1.png", "cat"),
        ("cat/deep/2.png", "cat"),
        ("dog/1.png", "dog"),
    ]


def test_classes_can_be_left_aside(tmp_path):
    assert find(fill(tmp_path, ["cat/1.png", "dog/1.png"]), label="").classes == ()


def test_one_subfolder_is_no_class(tmp_path):
    found = find(fill(tmp_path, ["all/1.png", "all/2.png"]))
    assert (found.count, found.classes) == (2, ())
    assert found.raw(0) == tmp_path / "all/1.png"


def test_pictures_beside_subfolders_win_and_the_rest_is_named(tmp_path):
    found = find(fill(tmp_path, ["1.png", "2.png", "old/3.png"]))
    assert found.count == 2
    assert found.problems == ("1 file ignored (old/3.png): there are images beside these folders",)


def test_parts_of_a_set_are_not_classes(tmp_path):
    found = find(fill(tmp_path, ["train/a/1.png", "train/b/2.png", "test/a/3.png"]))
    assert (found.count, found.classes) == (2, ("a", "b"))
    assert "test ignored" in found.problems[0]


def test_an_empty_folder(tmp_path):
    assert "the folder is empty" in refusal(tmp_path)


def test_a_folder_of_other_things(tmp_path):
    (tmp_path / "novel.txt").write_text("It was a dark and stormy night")
    assert "no images and no data file in it, only novel.txt" in refusal(tmp_path)


def test_a_missing_folder_gets_the_nearest_name(tmp_path):
    (tmp_path / "pictures").mkdir()
    assert f"Did you mean {tmp_path / 'pictures'}?" in refusal(tmp_path / "picturs")


def test_a_missing_parent(tmp_path):
    assert "does not exist" in refusal(tmp_path / "no" / "where")


def test_a_single_picture(tmp_path):
    assert "a single image is not a dataset" in refusal(fill(tmp_path, ["a.png"]) / "a.png")


def test_a_file_of_unknown_kind_lists_what_is_known(tmp_path):
    (tmp_path / "a.docx").write_text("x")
    assert "metadata.csv" in refusal(tmp_path / "a.docx")


def test_a_folder_without_permission():
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "locked"
        folder.mkdir(mode=0)
        mighty = os.geteuid()
        if mighty == 0:
            os.seteuid(65534)  # root may read everything, so be nobody for a moment
        try:
            with pytest.raises(DataError, match="no permission to read it"):
                find(folder)
            with pytest.raises(DataError, match="no permission"):
                find(folder / "inside")
        finally:
            os.seteuid(mighty)


def test_another_kind_than_asked_for(tmp_path):
    assert "holds images, expected rows of numbers" in refusal(
        fill(tmp_path, ["a.png", "b.png"]), kinds=["vector"]
    )


def test_a_label_where_there_is_no_table(tmp_path):
    assert "no column 'age'" in refusal(fill(tmp_path, ["a.png", "b.png"]), label="age")


# Folders with a table


def with_table(folder, text, name="metadata.csv"):
    fill(folder, ["a.png", "b.png", "sub/c.png"])
    (folder / name).write_text(text)
    return folder


def test_a_table_says_which_picture_is_what(tmp_path):
    with_table(tmp_path, "file_name,label\nb.png,dog\nsub/c.png,cat\na.png,\n")
    found = find(tmp_path)
    assert found.layout == "folder of images with metadata.csv"
    assert list(found.names) == ["b.png", "sub/c.png", "a.png"]
    assert labels_of(found) == ["dog", "cat", None]


def test_a_table_of_json_lines(tmp_path):
    lines = [{"file_name": "a.png", "label": 3}, {"file_name": "b.png", "label": None}]
    with_table(tmp_path, "\n".join(map(json.dumps, lines)) + "\n", "metadata.jsonl")
    found = find(tmp_path)
    assert labels_of(found) == ["3", None]
    assert found.problems == ("1 file ignored (sub/c.png): without a row in metadata.jsonl",)


def test_another_label_column_can_be_chosen(tmp_path):
    with_table(tmp_path, "file_name,label,age\na.png,x,30\nb.png,x,9\n")
    assert find(tmp_path, label="age").classes == ("9", "30")
    assert find(tmp_path, label="").classes == ()


def test_no_column_is_taken_if_two_could_be_the_label(tmp_path):
    found = find(with_table(tmp_path, "file_name,label,group\na.png,x,1\nb.png,y,2\n"))
    assert found.classes == ()
    assert "label and group could each be the label" in found.problems[0]


def test_columns_that_could_be_classes_are_named_where_none_is_taken(tmp_path):
    lines = ["file_name,town,born,note"]
    for at in range(24):
        name = f"{at}.png"
        (tmp_path / name).write_bytes(b"")
        lines.append(f"{name},{'north' if at % 2 else 'south'},{1900 + at},")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n")
    said = "no classes are taken: town could be, with --label town"
    assert said in find(tmp_path).problems
    assert said not in find(tmp_path, label="town").problems
    assert said not in find(tmp_path, label="").problems


def test_a_missing_label_column_lists_the_columns(tmp_path):
    said = refusal(with_table(tmp_path, "file_name,age\na.png,3\n"), label="aeg")
    assert "no column 'aeg'" in said
    assert "Did you mean 'age'? Columns: age." in said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file_name,label\na.png,x\ngone.png,y\n", "1 of 2 files do not exist: gone.png"),
        ("file_name,label\n../a.png,x\n", "not a path inside the folder"),
        ("file_name,label\n/etc/a.png,x\n", "not a path inside the folder"),
        ("file_name,label\n,x\n", "not a path inside the folder"),
        ("file_name,label\na.png,x\na.png,y\n", "a.png occurs in more than one row"),
        ("file_name,label\na.png,x,y\n", "line 2: not as many cells"),
        ("file_name,label\na.png\n", "line 2: not as many cells"),
        ("file_name,label\na.png,\nb.png,\n", "every label is empty"),
        ("file_name,label\n", "the table is empty"),
        ("", "the table is empty"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path, table, said):
    assert said in refusal(with_table(tmp_path, table))


@pytest.mark.parametrize("line", ["{not json", "[1, 2]", "3"])
def test_a_wrong_line_of_json_is_numbered(tmp_path, line):
    good = json.dumps({"file_name": "a.png"})
    with_table(tmp_path, f"{good}\n{line}\n", "metadata.jsonl")
    with pytest.raises(DataError, match="line 2"):
        find(tmp_path)


def test_two_tables_are_one_too_many(tmp_path):
    with_table(tmp_path, "file_name\na.png\n")
    assert "both metadata.csv and metadata.jsonl" in refusal(
        with_table(tmp_path, "{}", "metadata.jsonl")
    )


def test_a_column_of_sentences_is_no_class():
    with pytest.raises(DataError, match="30 different values in 30 items"):
        from_cells([f"sentence {i}" for i in range(30)], where="a", column="text")


# Parquet


def write_parquet(path, labels, *, metadata=None, start=0, group=2):
    path.parent.mkdir(exist_ok=True)
    images = [{"bytes": png(start + i), "path": f"{i}.png"} for i in range(len(labels))]
    table = pa.table({"image": images, "label": labels})
    pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=group)
    return path


def test_parquet_with_names_of_classes_beside_it(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [1, 0, None, -1, 1])
    (tmp_path / "classes.txt").write_text("cat\ndog\nnewt\n")
    found = find(path)
    assert found.classes == ("cat", "dog", "newt")
    assert labels_of(found) == ["dog", "cat", None, None, "dog"]
    assert [found.raw(i) for i in (4, 0, 3)] == [png(4), png(0), png(3)]


def test_parquet_with_names_of_classes_inside(tmp_path):
    features = {"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}
    path = write_parquet(
        tmp_path / "a.parquet", [1, 0], metadata={"huggingface": json.dumps(features)}
    )
    assert labels_of(find(path)) == ["yes", "no"]


def test_parquet_with_words_as_labels(tmp_path):
    assert labels_of(find(write_parquet(tmp_path / "a.parquet", ["b", "a", None]))) == [
        "b",
        "a",
        None,
    ]


def test_of_a_folder_of_parquet_the_training_part_is_used(tmp_path):
    write_parquet(tmp_path / "train-00000-of-00002.parquet", [0, 1, 0])
    write_parquet(tmp_path / "train-00001-of-00002.parquet", [1, 1], start=3)
    write_parquet(tmp_path / "test.parquet", [0])
    found = find(tmp_path)
    assert labels_of(found) == ["0", "1", "0", "1", "1"]
    assert [found.raw(i) for i in range(5)] == [png(i) for i in range(5)]
    assert "test.parquet ignored" in found.problems[0]


def test_parquet_in_a_folder_called_data(tmp_path):
    write_parquet(tmp_path / "data" / "train.parquet", [0, 1])
    assert find(tmp_path).count == 2


def test_a_label_without_a_name_is_an_error(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [0, 5])
    (tmp_path / "classes.txt").write_text("cat\ndog")
    assert "label 5, but there are 2 class names" in refusal(path)


def test_parquet_without_pictures(tmp_path):
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), tmp_path / "a.parquet")
    assert "holds a table, expected images" in refusal(tmp_path / "a.parquet", kinds=["image"])


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    assert "damaged, or not Parquet" in refusal(tmp_path / "a.parquet")


def test_parquet_files_of_different_sets(tmp_path):
    write_parquet(tmp_path / "a.parquet", [0])
    pq.write_table(pa.table({"image": [{"bytes": png(0)}]}), tmp_path / "b.parquet")
    assert "other columns" in refusal(tmp_path)


def test_parquet_without_rows(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array([], kind)}), tmp_path / "a.parquet")
    assert "it is empty" in refusal(tmp_path / "a.parquet")


# Zips


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return path


def table_of(pairs):
    return json.dumps({"labels": pairs})


def test_a_zip_with_labels(tmp_path):
    members = {"00/b.png": png(1), "00/a.png": png(0), "c.png": png(2)}
    members["dataset.json"] = table_of([["00/a.png", 7], ["00/b.png", 10]])
    found = find(write_zip(tmp_path / "a.zip", members))
    assert found.classes == ("7", "10")
    assert list(zip(found.names, labels_of(found), strict=True)) == [
        ("00/a.png", "7"),
        ("00/b.png", "10"),
        ("c.png", None),
    ]
    assert found.raw(1) == png(1)


@pytest.mark.parametrize("table", [{}, {"dataset.json": json.dumps({"labels": None})}])
def test_a_zip_without_labels(tmp_path, table):
    found = find(write_zip(tmp_path / "a.zip", {"a.png": png(0), "b.png": png(1), **table}))
    assert (found.count, found.classes) == (2, ())


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/etc/a.png", "C:\\a.png", "..\\a.png"]
)
def test_a_zip_that_climbs_out_is_refused(tmp_path, name):
    members = {"b.png": png(0), name: png(1)}
    assert "is a path outside the zip" in refusal(write_zip(tmp_path / "a.zip", members))
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]


def test_the_folders_of_a_zip_are_classes_as_those_of_a_tar_are(tmp_path):
    names = [f"all/{name}/{number}.png" for name in ("cat", "dog") for number in (0, 1)]
    members = {name: png(number) for number, name in enumerate(names)}
    found = find(write_zip(tmp_path / "a.zip", members))
    assert (found.classes, labels_of(found)) == (("cat", "dog"), ["cat", "cat", "dog", "dog"])
    assert find(tmp_path / "a.zip", label="").classes == ()
    assert "no column 'breed'" in refusal(tmp_path / "a.zip", label="breed")
    unlabeled = {**members, "dataset.json": '{"labels": null}'}
    assert find(write_zip(tmp_path / "b.zip", unlabeled)).classes == ()
    parts = {f"{name}/0.png": png(0) for name in ("train", "test")}
    assert find(write_zip(tmp_path / "c.zip", parts)).classes == ()


def test_a_zip_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ENTRIES", 1)
    assert "more than 1 files" in refusal(
        write_zip(tmp_path / "a.zip", {"a.png": png(0), "b.png": png(0)})
    )


def test_an_entry_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FILE_BYTES", 1000)
    path = write_zip(tmp_path / "a.zip", {"a.png": bytes(10**6)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"a\.png: unpacks to more than"):
        find(path).raw(0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("{", "not JSON"),
        (table_of([["a.png", "cat"]]), "expected [name, class number]"),
        (table_of([["a.png", [0.5, 1]]]), "holds 2 numbers, expected one class number"),
        (table_of("abc"), "expected [name, class number]"),
        (table_of([["gone.png", 1]]), "1 labelled files are not there, the first is gone.png"),
    ],
)
def test_a_wrong_table_in_a_zip(tmp_path, table, said):
    path = write_zip(tmp_path / "a.zip", {"a.png": png(0), "dataset.json": table})
    with pytest.raises(DataError, match=re.escape(said)):
        find(path)


def test_a_zip_without_pictures(tmp_path):
    assert "no images among its 1 files" in refusal(write_zip(tmp_path / "a.zip", {"a.txt": "x"}))


def test_a_damaged_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and nothing more")
    assert "damaged, or not a zip" in refusal(tmp_path / "a.zip")


def test_a_damaged_entry_is_named_when_it_is_read(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.png": png(0)})
    held = bytearray(path.read_bytes())
    held[50] ^= 255
    path.write_bytes(bytes(held))
    with pytest.raises(DataError, match=r"a\.png: damaged"):
        find(path).raw(0)


# Arrays


@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        ((5, 6, 7), (6, 7, 1)),
        ((5, 6, 7, 1), (6, 7, 1)),
        ((5, 6, 7, 3), (6, 7, 3)),
        ((5, 6, 7, 4), (6, 7, 4)),
        ((5, 1, 6, 7), (6, 7, 1)),
        ((5, 3, 6, 7), (6, 7, 3)),
    ],
)
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_arrays_of_pictures_in_either_order_of_axes(tmp_path, shape, picture, suffix):
    values = RNG.integers(0, 256, shape, np.uint8)
    path = tmp_path / f"a{suffix}"
    np.savez(path, images=values) if suffix == ".npz" else np.save(path, values)
    found = find(path)
    assert (found.kind, found.count) == ("image", 5)
    got = found.raw(2)
    assert got.shape == picture
    first = len(shape) == 4 and shape[1] == picture[2]
    assert np.array_equal(np.moveaxis(got, 2, 0) if first else got.reshape(shape[1:]), values[2])


def test_a_large_npy_is_read_row_by_row(tmp_path):
    values = RNG.integers(0, 256, (40, 200, 200, 3), np.uint8)
    np.save(tmp_path / "a.npy", values)
    found = find(tmp_path / "a.npy")
    assert not found.in_memory
    assert np.array_equal(found.raw(39), values[39])


@pytest.mark.parametrize(("data", "labels"), [("images", "labels"), ("x", "y"), ("data", "label")])
def test_labels_beside_arrays(tmp_path, data, labels):
    held = {data: np.zeros((3, 4, 4), np.uint8), labels: np.array([2, -1, 0])}
    np.savez(tmp_path / "a.npz", **held)
    assert labels_of(find(tmp_path / "a.npz")) == ["2", None, "0"]


def test_words_as_labels_beside_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array(["b", "a"]))
    assert labels_of(find(tmp_path / "a.npz")) == ["b", "a"]


def test_a_table_in_an_array_is_rows_of_numbers(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4]], np.int32))
    found = find(tmp_path / "a.npy")
    assert (found.kind, found.columns) == ("vector", ("column_1", "column_2"))
    assert rows_of(found).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("values", "brightest"),
    [
        (np.ones((2, 4, 4), np.float32), 255),
        (np.ones((2, 4, 4), bool), 255),
        (np.full((2, 4, 4), 65535, np.uint16), 255),
        (np.full((2, 4, 4), 200, np.int64), 200),
    ],
)
def test_other_numbers_are_scaled_to_eight_bit(tmp_path, values, brightest):
    np.savez(tmp_path / "a.npz", images=values)
    picture = find(tmp_path / "a.npz").raw(0)
    assert (picture.dtype, picture.max()) == (np.uint8, brightest)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": np.zeros((2, 3, 3)), "b": np.zeros(2)}, "no array named images"),
        ({"images": np.full((2, 3, 3), -1.0)}, "values run from -1 to -1"),
        ({"images": np.full((2, 3, 3), np.nan)}, "values run from nan"),
        ({"images": np.zeros(5)}, "shape (5,), expected"),
        ({"images": np.zeros((0, 3, 3), np.uint8)}, "shape (0, 3, 3), expected"),
        ({"images": np.zeros((2, 7, 8, 9), np.uint8)}, "1 to 4 channels"),
        ({"images": np.array(["a", "b"])}, "expected numbers"),
        ({"x": np.array([[1.0, np.inf]])}, "row 1, column 2: inf, expected a finite number"),
        ({"images": np.zeros((2, 3, 3), np.uint8), "labels": np.zeros(3, int)}, "for each of 2"),
        ({"images": np.zeros((2, 3, 3), np.uint8), "labels": np.zeros(2)}, "float64"),
    ],
)
def test_wrong_arrays_say_what_is_wrong(tmp_path, held, said):
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(DataError, match=re.escape(said)):
        find(tmp_path / "a.npz")


def test_arrays_that_run_programs_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{"a": 1}], dtype=object))
    assert "damaged, or not an array of numbers" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_arrays(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x93NUMPY, or so they say")
    assert "damaged, or not an array of numbers" in refusal(tmp_path / name)


def test_an_npy_that_is_cut_off(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 9, 9), np.uint8))
    held = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(held[:-5])
    assert "cut off" in refusal(tmp_path / "a.npy")


def test_an_array_that_would_fill_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((100, 64, 64), np.uint8))
    monkeypatch.setattr(named, "BYTES", 10_000)
    assert "read row by row" in refusal(tmp_path / "a.npz")


# Tables of numbers


numbers = partial(find, kinds=["vector"])
no_numbers = partial(refusal, kinds=["vector"])


def write_csv(folder, text):
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return folder / "a.csv"


def test_a_table_with_a_header(tmp_path):
    found = numbers(write_csv(tmp_path, "x,y\n1,2\n-3.5,4e2\n"))
    assert (found.kind, found.columns) == ("vector", ("x", "y"))
    assert rows_of(found).tolist() == [[1, 2], [-3.5, 400]]


def test_a_table_without_a_header(tmp_path):
    found = numbers(write_csv(tmp_path, "1,2\n3,4\n"))
    assert (found.count, found.columns) == (2, ("column_1", "column_2"))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path, delimiter):
    path = write_csv(tmp_path, "x,y\n1,2\n".replace(",", delimiter))
    assert rows_of(numbers(path)).tolist() == [[1, 2]]


def test_a_label_column_may_hold_words_and_gaps(tmp_path):
    found = numbers(write_csv(tmp_path, "x,class,y\n1,cat,2\n3,,4\n5,?,6\n7,dog,8\n"))
    assert found.columns == ("x", "y")
    assert labels_of(found) == ["cat", None, None, "dog"]


def test_a_label_column_without_a_header_is_chosen_by_number(tmp_path):
    found = numbers(write_csv(tmp_path, "1,2,yes\n3,4,no\n"), label="3")
    assert labels_of(found) == ["yes", "no"]
    assert rows_of(found).tolist() == [[1, 2], [3, 4]]


def test_cells_that_are_no_numbers_are_listed_with_row_and_column(tmp_path):
    said = no_numbers(write_csv(tmp_path, "age,size\n30,1\nforty,2\n50,\n"))
    assert "row 3, column 'age': 'forty'\n" in said
    assert "row 4, column 'size': empty" in said


def test_of_many_faults_the_first_are_listed(tmp_path):
    said = no_numbers(write_csv(tmp_path, "1,2\n" + "x,nan\n" * 50))
    assert "and 92 more" in said
    assert said.count("row ") == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("a,b\n", "only a header, no rows"),
        ("a,b\n1,2\n1\n", "row 3: 1 cells, expected 2"),
        ("a,a\n1,2\n", "more than one column 'a'"),
        ("label\n1\n2\n", "no column of numbers"),
        ("x,label\n1,\n2,\n", "every label is empty"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path, text, said):
    assert said in no_numbers(write_csv(tmp_path, text))


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x00\x01\x00\x00\xff\x00\x00\x02" * 9)
    assert "not text" in no_numbers(tmp_path / "a.csv")


def test_a_table_in_a_folder_of_its_own(tmp_path):
    write_csv(tmp_path, "1,2\n3,4\n")
    assert numbers(tmp_path).kind == "vector"


def test_of_several_data_files_the_user_must_choose(tmp_path):
    write_csv(tmp_path, "1,2\n")
    np.save(tmp_path / "b.npy", np.zeros((2, 2)))
    assert "more than one data file: a.csv, b.npy" in refusal(tmp_path)


def test_the_stamp_changes_with_the_files(tmp_path):
    fill(tmp_path, ["a.png", "b.png"])
    before = find(tmp_path).stamp()
    assert find(tmp_path).stamp() == before
    (tmp_path / "b.png").write_bytes(png(77) + b" ")
    assert find(tmp_path).stamp() != before


def test_classes_can_be_numbered_as_in_a_model(tmp_path):
    found = find(fill(tmp_path, ["cat/1.png", "dog/1.png"])).aligned(["newt", "dog", "cat"])
    assert labels_of(found) == ["cat", "dog"]
    assert found.labels.tolist() == [2, 1]
    with pytest.raises(DataError, match="does not know: cat"):
        found.labeled(from_cells(["cat", ""], where="a", column="b")).aligned(["dog"])


def test_items_without_a_label_stay_so_when_numbered_anew(tmp_path):
    fill(tmp_path, ["a.png", "b.png"])
    (tmp_path / "metadata.csv").write_text("file_name,label\na.png,x\nb.png,\n")
    assert find(tmp_path).aligned(["w", "x"]).labels.tolist() == [1, -1]


def test_a_damaged_group_of_rows_is_one_clear_error(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [1, 0, 1, 0])
    held = bytearray(path.read_bytes())
    held[4:60] = b"\xff" * 56
    path.write_bytes(bytes(held))
    with pytest.raises(DataError, match=r"damaged, or not Parquet") as caught:
        find(path, label="").raw(0)
    assert "a.parquet" in caught.value.where


@pytest.mark.parametrize("name", ["made.zip", "made.npz", "made.csv"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, forbidden, name):
    (tmp_path / name).write_bytes(b"whole, for all we know")
    forbidden(name)
    with pytest.raises(DataError, match="no permission to read it") as caught:
        find(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)
    assert caught.value.remedy == "Check its access rights."


# Whatever kinds are installed, data of all other kinds are found as before.

ODD = pytest.mark.usefixtures("odd_kinds")
TABLE = "age,income\n" + "".join(f"{n % 7},{n * 1.5}\n" for n in range(30))
TREE = json.dumps({"op": "add"})


def series_in(folder, count=12):
    """Files of a kind whose suffix is that of tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:02}.csv").write_text("value\n" + "1.5\n2.5\n" * 4)
    return folder


def trees_in(folder, count=12):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:02}.json").write_text(TREE)
    return folder


def found(path, **options):
    source = find(path, **options)
    return source.kind, source.count


@ODD
def test_a_single_file_that_may_be_a_table_is_one(tmp_path):
    (tmp_path / "plain.csv").write_text(TABLE)
    assert found(tmp_path / "plain.csv") == ("table", 30)
    assert found(tmp_path / "plain.csv", kinds=("table",)) == ("table", 30)


@ODD
def test_unless_only_the_other_kind_is_asked_for(tmp_path):
    (tmp_path / "plain.csv").write_text(TABLE)
    with pytest.raises(DataError, match="a single series is not a dataset"):
        find(tmp_path / "plain.csv", kinds=("odd_series",))


@pytest.mark.parametrize("beside", [(), ("schema.json",), ("README.txt",)])
@ODD
def test_a_folder_with_one_table_is_that_table(tmp_path, beside):
    (tmp_path / "train.csv").write_text(TABLE)
    for name in beside:
        (tmp_path / name).write_text("{}")
    assert found(tmp_path) == ("table", 30)


@ODD
def test_many_files_are_samples_and_a_table_where_that_is_asked_for(tmp_path):
    assert found(series_in(tmp_path)) == ("odd_series", 12)
    assert found(tmp_path, kinds=("table",)) == ("table", 96)


@ODD
def test_array_files_of_another_kind_are_called_by_its_name(tmp_path):
    for number in range(12):
        np.savez(tmp_path / f"{number}.npz", cube=np.full((3, 3, 3), number))
    assert found(tmp_path) == ("odd_cube", 12)
    assert "holds cubes of numbers, expected images" in refusal(tmp_path, kinds=("image",))


@ODD
def test_a_picture_folder_with_a_table_that_nobody_asked_for_stays_one(tmp_path):
    for number in range(12):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "sizes.csv").write_text(TABLE)
    assert found(tmp_path) == ("image", 12)


@pytest.mark.parametrize(("fill", "kind"), [(series_in, "odd_series"), (trees_in, "odd_tree")])
@ODD
def test_tables_about_samples_are_no_samples(tmp_path, fill, kind):
    files = sorted(fill(tmp_path / "data").iterdir())
    (tmp_path / "data" / "pairs.csv").write_text("given,target\n")
    (tmp_path / "data" / "dataset.json").write_text("{}")
    assert found(tmp_path / "data") == (kind, 12)
    labels = {"labels": [[each.name, number % 2] for number, each in enumerate(files)]}
    about = {"metadata.csv": "", "pairs.csv": "", "dataset.json": json.dumps(labels)}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, text in about.items():
            archive.writestr(name, text)
        for each in files:
            archive.write(each, each.name)
    assert found(tmp_path / "all.zip") == (kind, 12)
    assert find(tmp_path / "all.zip").classes == ("0", "1")
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for each in (*files, tmp_path / "data" / "pairs.csv", tmp_path / "data" / "dataset.json"):
            archive.add(each, each.name)
    assert found(tmp_path / "all.tar") == (kind, 12)


@ODD
def test_the_labels_of_a_table_are_read_and_it_is_no_file_without_a_row(tmp_path):
    files = sorted(series_in(tmp_path).iterdir())
    rows = [f"{each.name},{'ab'[number % 2]}" for number, each in enumerate(files)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    source = find(tmp_path)
    assert (source.kind, source.count, source.classes) == ("odd_series", 12, ("a", "b"))
    assert source.problems == ()


@ODD
def test_a_table_of_pairs_beside_them_is_none_of_them(tmp_path):
    trees_in(series_in(tmp_path))
    (tmp_path / "metadata.csv").write_text("")
    kinds = {"sample": ("odd_series",), "tokens": ("odd_tree",)}
    source = find_pairs(tmp_path, "beside", kinds=kinds, role="tokens")
    assert (source.count, source.roles["tokens"].kind) == (12, "odd_tree")
    assert [each for each in source.problems if "metadata.csv" not in each] == []


@ODD
def test_a_file_about_class_folders_is_none_of_their_samples(tmp_path):
    fill(tmp_path, [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(3)])
    (tmp_path / "info.json").write_text(TREE)
    assert found(tmp_path) == ("image", 6)
    assert find(tmp_path).classes == ("cat", "dog")


def test_an_array_may_be_named_after_its_kind(tmp_path):
    rows, grids = np.zeros((12, 3)), np.zeros((12, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", vector=rows, more=grids)
    assert found(tmp_path / "a.npz") == ("vector", 12)
    np.savez(tmp_path / "b.npz", vector=rows, image=grids)
    assert found(tmp_path / "b.npz", kinds=("image",)) == ("image", 12)
    assert "it holds vector, image" in refusal(tmp_path / "b.npz")


# A table beside other data


def beside_pictures(folder, text, count=3):
    folder.mkdir(exist_ok=True)
    fill(folder, [f"{at}.png" for at in range(count)])
    (folder / "metadata.csv").write_text(text)
    return folder


MIXED = "file_name,age,label,town\n0.png,9,a,x\n1.png,,b,y\n2.png,7,a,x\n"


def cells_of_table(source):
    [frame] = source.frames
    return frame.rows()


def test_a_table_gets_the_columns_that_nothing_else_uses(tmp_path):
    path = beside_pictures(tmp_path, MIXED)
    found = find(path, kinds=["image"], roles={"grid": ["table"]})
    table = found.roles["grid"]
    assert (found.classes, table.kind, table.columns) == (("a", "b"), "table", ("age", "town"))
    assert cells_of_table(table) == [("9", "x"), ("", "y"), ("7", "x")]
    table = find(path, kinds=["image"], label="", roles={"grid": ["table"]}).roles["grid"]
    assert table.columns == ("age", "label", "town")
    table = find(path, kinds=["image"], label="town", roles={"grid": ["table"]}).roles["grid"]
    assert table.columns == ("age", "label")


def test_a_table_needs_a_column(tmp_path):
    path = beside_pictures(tmp_path, "file_name,label\n0.png,a\n1.png,b\n2.png,a\n")
    assert not find(path, kinds=["image"], roles={"grid": ["table"]}).roles
    found = find(path, kinds=["image"], label="", roles={"grid": ["table"]})
    assert found.roles["grid"].columns == ("label",)
    path = beside_pictures(tmp_path / "bare", "file_name\n0.png\n1.png\n2.png\n")
    assert not find(path, kinds=["image"], roles={"grid": ["table"]}).roles
    assert "holds images, expected a table" in refusal(path, kinds=["table"])


def test_files_of_two_roles_leave_the_rest_to_the_table(tmp_path):
    text = "file_name,mask_file_name,age\n0.png,1.png,3\n1.png,2.png,4\n2.png,0.png,5\n"
    path = beside_pictures(tmp_path, text)
    found = find(path, kinds=["table"], roles={"grid": ["image"]})
    assert (found.kind, found.columns) == ("table", ("age",))
    roles = {"vector": ["table"], "grid": ["image"]}
    found = find(path, kinds=["image"], roles=roles)
    assert list(found.roles) == ["vector", "grid"]
    assert found.roles["vector"].columns == ("age",)
    assert found.roles["grid"].raw(0) == path / "1.png"


def test_only_one_slot_gets_the_table(tmp_path):
    path = beside_pictures(tmp_path, MIXED)
    roles = {"vector": ["table"], "tokens": ["table"]}
    assert list(find(path, kinds=["image"], roles=roles).roles) == ["vector"]
    assert not find(path, kinds=["table"], roles={"tokens": ["table"]}).roles


def test_a_zip_with_metadata_reads_like_the_folder(tmp_path):
    folder = beside_pictures(tmp_path / "a", MIXED, count=4)
    members = {each.name: each.read_bytes() for each in folder.iterdir()}
    for inside in ("", "set/"):
        named = {inside + name: content for name, content in members.items()}
        found = find(write_zip(tmp_path / "a.zip", named))
        assert found.layout == "zip of images with metadata.csv"
        assert labels_of(found) == labels_of(find(folder)) == ["a", "b", "a"]
        assert list(found.names) == [f"{inside}{at}.png" for at in range(3)]
        assert found.raw(2) == members["2.png"]
        left = f"1 file ignored ({inside}3.png): without a row in metadata.csv"
        assert found.problems == (left, "2 columns are not used: age, town")
        assert find(tmp_path / "a.zip", label="town").classes == ("x", "y")
    del named["set/1.png"]
    assert "1 of 3 files do not exist: 1.png" in refusal(write_zip(tmp_path / "b.zip", named))


def test_labels_of_a_zip_come_from_its_own_table_first(tmp_path):
    table = json.dumps({"labels": [["0.png", 5], ["1.png", 6], ["2.png", 6]]}).encode()
    folder = beside_pictures(tmp_path / "a", MIXED)
    members = {each.name: each.read_bytes() for each in folder.iterdir()}
    path = write_zip(tmp_path / "a.zip", members | {"dataset.json": table})
    found = find(path, kinds=["image"], roles={"grid": ["table"]})
    assert labels_of(found) == ["5", "6", "6"]
    assert found.roles["grid"].columns == ("age", "label", "town")


def test_a_table_about_something_else_in_a_zip_is_left_alone(tmp_path):
    members = {"0.png": png(0), "1.png": png(1), "metadata.csv": b"author,year\nme,2020\n"}
    found = find(write_zip(tmp_path / "a.zip", members))
    assert found.count == 2
    said = "1 file ignored (metadata.csv): no images, and no table of them"
    assert found.problems == (said,)


# Arrays that are called as labels often are


@pytest.mark.parametrize("name", ["y", "targets"])
def test_measured_numbers_under_a_name_of_labels_are_an_array_like_any_other(tmp_path, name):
    path, pictures = tmp_path / "a.npz", np.zeros((12, 4, 4), np.uint8)
    numbers = RNG.normal(size=(12, 3))
    np.savez(path, images=pictures, **{name: numbers})
    found = find(path, kinds=["image"], roles={"vector": ["vector"]})
    assert found.classes == ()
    assert np.allclose(found.roles["vector"].raw(4), numbers[4])
    assert found.problems == (f"array {name!r} is not taken for classes",)
    turned = RNG.integers(0, 256, (12, 4, 4), np.uint8)
    np.savez(path, images=pictures, **{name: turned})
    found = find(path, kinds=["image"], roles={"grid": ["image"]})
    assert np.array_equal(np.squeeze(found.roles["grid"].raw(4)), turned[4])


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_whole_numbers_one_a_sample_stay_labels(tmp_path, shape):
    path, numbers = tmp_path / "a.npz", np.arange(12) % 2
    np.savez(path, images=np.zeros((12, 4, 4), np.uint8), y=numbers.reshape(shape))
    found = find(path, kinds=["image"], roles={"vector": ["vector"], "grid": ["table"]})
    assert (found.classes, dict(found.roles)) == (("0", "1"), {})


def test_measured_numbers_one_a_sample_are_a_column(tmp_path):
    path, numbers = tmp_path / "a.npz", RNG.normal(size=12)
    held = {"y": numbers, "town": np.array(["a", "b"] * 6), "born": np.array(["2020-01-02"] * 12)}
    held["born"] = held["born"].astype("datetime64[D]")
    np.savez(path, images=np.zeros((12, 4, 4), np.uint8), labels=np.arange(12) % 2, **held)
    found = find(path, kinds=["image"], roles={"vector": ["table"]})
    assert found.classes == ("0", "1")
    assert found.roles["vector"].columns == ("y", "town", "born")
    assert cells_of_table(found.roles["vector"])[1][:2] == (numbers[1], "b")


def test_labels_of_broken_numbers_are_refused(tmp_path):
    for name, held in (("labels", RNG.normal(size=12)), ("y", np.arange(5))):
        path = tmp_path / f"{name}.npz"
        np.savez(path, images=np.zeros((12, 4, 4), np.uint8), **{name: held})
        assert "expected one whole number or name for each of 12 samples" in refusal(path)
