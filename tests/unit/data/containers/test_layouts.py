"""How people lay out their files: what is read, and what is said of the rest."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import tarfile
import unicodedata
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from gannet.core.errors import DataError, MissingExtraError
from gannet.data.find import find
from gannet.data.pairing import find_pairs


def png(number, size=(8, 8), suffix="PNG"):
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, suffix)
    return held.getvalue()


def fill(folder, names, start=0):
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return folder


def numbered(pattern, count):
    return [pattern.format(number) for number in range(count)]


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return path


def tarred(path, members):
    with tarfile.open(path, "w") as archive:
        for name, held in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(held)
            archive.addfile(info, io.BytesIO(held))
    return path


def counts(source):
    names = [*source.classes, None]
    return dict(Counter(names[number] for number in source.labels.tolist()))


def said(source):
    return "\n".join(source.problems)


# Parts of a data set

PARTS = [
    ("train", "test"),
    ("Train", "Test"),
    ("TRAIN", "VAL"),
    ("Training", "Testing"),
    ("train_set", "test_set"),
    ("trn", "val"),
    ("seg_train/seg_train", "seg_test/seg_test"),
    ("train2017", "val2017"),
    ("TrainImages", "ValImages"),
    ("training-data", "validation-data"),
    ("trainset", "testset"),
    ("learn", "eval"),
    ("data/train", "data/holdout"),
]


@pytest.mark.parametrize(("training", "held_out"), PARTS)
@pytest.mark.parametrize("container", ["folder", "zip", "tar"])
def test_only_the_training_part_is_used(training, held_out, container, tmp_path):
    names = [f"{training}/{kind}/{at}.png" for kind in ("cat", "dog") for at in range(4)]
    others = [f"{held_out}/{kind}/{at}.png" for kind in ("cat", "dog") for at in range(2)]
    path = fill(tmp_path / "set", [*names, *others])
    if container != "folder":
        members = {name: (path / name).read_bytes() for name in (*names, *others)}
        path = {"zip": zipped, "tar": tarred}[container](tmp_path / f"a.{container}", members)
    source = find(path)
    assert counts(source) == {"cat": 4, "dog": 4}
    assert sorted(source.names) == sorted(names)
    assert "ignored, 4 files" in said(source)


@pytest.mark.parametrize("wrap", ["train", "Training", "animals", "a/b/c", "train/images"])
def test_classes_are_found_in_a_folder_that_wraps_them(wrap, tmp_path):
    names = [f"{wrap}/{kind}/{at}.png" for kind in ("cat", "dog") for at in range(3)]
    source = find(fill(tmp_path, names))
    assert counts(source) == {"cat": 3, "dog": 3}
    assert source.problems == ()


def test_parts_within_classes(tmp_path):
    fill(tmp_path, [f"{kind}/{part}/{at}.png" for kind in "AB" for part, n in
                    (("train", 4), ("test", 2)) for at in range(n)])  # fmt: skip
    source = find(tmp_path)
    assert counts(source) == {"A": 4, "B": 4}
    assert "4 files ignored" in said(source)


def test_domains_named_together_with_their_part(tmp_path):
    for side in "AB":
        fill(tmp_path, numbered(f"train{side}/{{}}.png", 5))
        fill(tmp_path, numbered(f"test{side}/{{}}.png", 2))
    source = find(tmp_path)
    assert counts(source) == {"A": 5, "B": 5}
    assert "testA, testB ignored, 4 files" in said(source)


def test_words_that_only_look_like_parts_are_classes(tmp_path):
    fill(tmp_path, [f"{kind}/{at}.png" for kind in ("train", "plane", "car") for at in range(3)])
    assert counts(find(tmp_path)) == {"car": 3, "plane": 3, "train": 3}
    fill(tmp_path / "two", [f"{kind}/{at}.png" for kind in ("trainer", "valley") for at in "ab"])
    assert counts(find(tmp_path / "two")) == {"trainer": 2, "valley": 2}


def test_what_else_lies_beside_the_parts_is_named(tmp_path):
    fill(tmp_path, [*numbered("train/x/{}.png", 3), *numbered("train/y/{}.png", 3)])
    fill(tmp_path, ["test/x/0.png", "extra/0.png", "extra/1.png"])
    source = find(tmp_path)
    assert counts(source) == {"x": 3, "y": 3}
    assert "extra, test ignored, 3 files: only train is used" in said(source)


def test_one_preview_beside_class_folders_is_not_the_data(tmp_path):
    fill(tmp_path, ["preview.png", *numbered("cat/{}.png", 3), *numbered("dog/{}.png", 3)])
    source = find(tmp_path)
    assert counts(source) == {"cat": 3, "dog": 3}
    assert "1 file ignored (preview.png): there are more images" in said(source)


def test_chunks_of_a_long_series_are_no_classes(tmp_path):
    fill(tmp_path, ["00000/00000.png", "00000/00001.png", "01000/01000.png", "01000/01001.png"])
    source = find(tmp_path)
    assert (source.count, source.classes) == (4, ())
    assert "no classes" in said(source)
    fill(tmp_path / "digits", [f"{digit:04}/{at}.png" for digit in range(3) for at in range(4)])
    assert counts(find(tmp_path / "digits")) == {"0000": 4, "0001": 4, "0002": 4}


# Tables about files

ROWS = [(f"{at:06}.jpg", at % 2 * 2 - 1, at // 8) for at in range(10)]


def lines(separator, head, *rows):
    return "\n".join(separator.join(map(str, each)) for each in (*([head] if head else ()), *rows))


TABLES = {
    "labels.csv": lines(",", ("image_id", "label"), *((name, y) for name, y, _ in ROWS)),
    "labels.tsv": lines("\t", ("filename", "label"), *((name, y) for name, y, _ in ROWS)),
    "semi.csv": lines(";", ("path", "label"), *((f"images/{name}", y) for name, y, _ in ROWS)),
    "bare.csv": lines(",", None, *((name, y) for name, y, _ in ROWS)),
    "stems.csv": lines(",", ("id", "label"), *((name[:-4], y) for name, y, _ in ROWS)),
    "list.txt": lines(" ", None, *((f"images/{name}", y) for name, y, _ in ROWS)),
    "windows.csv": lines(",", ("file", "label"), *((f"images\\{name}", y) for name, y, _ in ROWS)),
    "absolute.csv": lines(",", ("p", "label"), *((f"/home/a/b/{name}", y) for name, y, _ in ROWS)),
    "labels.json": json.dumps({name: y for name, y, _ in ROWS}),
    "records.json": json.dumps([{"file": name, "label": y} for name, y, _ in ROWS]),
    "rows.jsonl": lines("\n", None, *((json.dumps({"img": n, "label": y}),) for n, y, _ in ROWS)),
    "list_attr_celeba.txt": lines(" ", (10,), ("label",), *((name, y) for name, y, _ in ROWS)),
    "metadata.csv": lines(",", ("image", "label"), *((name, y) for name, y, _ in ROWS)),
}


HEADLESS = ("bare.csv", "list.txt")


@pytest.mark.parametrize("beside", ["images", ""])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_any_name_says_which_picture_is_what(name, beside, tmp_path):
    text = TABLES[name] if beside else TABLES[name].replace("images/", "").replace("images\\", "")
    fill(tmp_path / beside, [file for file, _, _ in ROWS])
    (tmp_path / name).write_text(text)
    source = find(tmp_path, label="column_2" if name in HEADLESS else None)
    assert (source.kind, source.count) == ("image", 10)
    assert counts(source) == {"-1": 5, "1": 5}
    assert name in source.layout


def test_a_table_in_a_zip_and_of_parquet(tmp_path):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    members = {f"img/{name}": png(at) for at, (name, _, _) in enumerate(ROWS)}
    held = io.BytesIO()
    columns = {"file": [name for name, _, _ in ROWS], "label": [y for _, y, _ in ROWS]}
    tables.write_table(arrow.table(columns), held)
    for name, content in (("a.parquet", held.getvalue()), ("labels.csv", TABLES["labels.csv"])):
        source = find(zipped(tmp_path / "a.zip", members | {name: content}))
        assert counts(source) == {"-1": 5, "1": 5}


def test_several_tables_are_joined_and_a_column_of_parts_is_obeyed(tmp_path):
    fill(tmp_path / "img", [name for name, _, _ in ROWS])
    attributes = lines(",", ("image_id", "Smiling"), *((name, y) for name, y, _ in ROWS))
    parts = lines(",", ("image_id", "partition"), *((name, part) for name, _, part in ROWS))
    (tmp_path / "list_attr.csv").write_text(attributes)
    (tmp_path / "list_eval_partition.csv").write_text(parts)
    source = find(tmp_path, label="Smiling")
    assert counts(source) == {"-1": 4, "1": 4}
    assert "2 files ignored" in said(source)
    assert "'partition'" in said(source)
    assert "1 column is not used: Smiling" in said(find(tmp_path, label=""))


def test_rows_without_a_file_and_files_without_a_row_are_named(tmp_path):
    fill(tmp_path / "img", [*(name for name, _, _ in ROWS), "more.png"])
    fill(tmp_path, ["other/0.png"])
    (tmp_path / "labels.csv").write_text(TABLES["labels.csv"] + "\ngone.jpg,1")
    source = find(tmp_path)
    assert counts(source) == {"-1": 5, "1": 5, None: 1}
    assert "1 rows of labels.csv ignored, whose file does not exist: gone.jpg" in said(source)
    assert "1 files have no row in a table: img/more.png" in said(source)
    assert "1 file ignored (other/0.png): without a row" in said(source)


def test_tables_of_the_training_and_of_the_held_out_part(tmp_path):
    fill(tmp_path / "train_images", numbered("{:03}.png", 8))
    fill(tmp_path / "test_images", numbered("{:03}.png", 4), start=50)
    rows = [(f"{at:03}", at % 2) for at in range(8)]
    (tmp_path / "train.csv").write_text(lines(",", ("id", "label"), *rows))
    (tmp_path / "sample_submission.csv").write_text(lines(",", ("id", "label"), *rows[:4]))
    source = find(tmp_path)
    assert source.count == 8
    assert {name.split("/")[0] for name in source.names} == {"train_images"}
    assert "4 files" in said(source)
    assert "sample_submission.csv" in said(source)


def test_pictures_with_a_table_about_something_else_are_pictures(tmp_path):
    fill(tmp_path / "pictures", numbered("{}.png", 12))
    (tmp_path / "prices.csv").write_text("day,price\n1,2.5\n2,2.6\n")
    source = find(tmp_path)
    assert (source.kind, source.count) == ("image", 12)
    assert "1 file ignored (prices.csv): no images, and no table of them" in said(source)


def test_a_table_with_a_few_figures_below_it_is_a_table(tmp_path):
    fill(tmp_path / "figures", ["plot.png", "trend.png"])
    (tmp_path / "prices.csv").write_text("day,price\n1,2.5\n2,2.6\n3,2.9\n")
    source = find(tmp_path)
    assert (source.kind, source.count) == ("table", 3)
    assert "2 files ignored (figures/plot.png, figures/trend.png)" in said(source)


@pytest.mark.parametrize("place", ["train", "set/train", ""])
def test_metadata_may_lie_in_the_training_part(place, tmp_path):
    folder = tmp_path / place
    fill(folder, numbered("{}.png", 4))
    rows = [(f"{at}.png", "ab"[at % 2]) for at in range(4)]
    (folder / "metadata.csv").write_text(lines(",", ("file_name", "label"), *rows))
    if place:
        fill(folder.parent / "test", ["9.png"])
    assert counts(find(tmp_path)) == {"a": 2, "b": 2}


def test_names_are_equal_whatever_the_form_of_their_accents(tmp_path):
    decomposed = unicodedata.normalize("NFD", "café.png")
    fill(tmp_path, [decomposed, "b.png"])
    composed = unicodedata.normalize("NFC", "café.png")
    (tmp_path / "metadata.csv").write_text(f"file_name,label\n{composed},x\nB.PNG,y\n")
    assert counts(find(tmp_path)) == {"x": 1, "y": 1}


def test_the_labels_of_stylegan_in_a_folder(tmp_path):
    names = [f"0000{at % 2}/img{at:08}.png" for at in range(6)]
    fill(tmp_path, names)
    pairs = [[name, at % 3] for at, name in enumerate(names)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": pairs}))
    assert counts(find(tmp_path)) == {"0": 2, "1": 2, "2": 2}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": dict(map(tuple, pairs))}))
    assert counts(find(tmp_path)) == {"0": 2, "1": 2, "2": 2}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [*pairs, [names[0], 2]]}))
    with pytest.raises(DataError, match="has two labels, 0 and 2"):
        find(tmp_path)


# Parquet of the hub


def write_parquet(path, count=6, start=0, **columns):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = [{"bytes": png(start + at), "path": None} for at in range(count)]
    path.parent.mkdir(parents=True, exist_ok=True)
    tables.write_table(arrow.table({"image": cells} | columns), path)


@pytest.mark.parametrize(
    "pattern",
    ["mnist/{}-00000-of-00001.parquet", "data/{}-00000.parquet", "default/{}/0000.parquet",
     "{}/a.parquet", "{}.parquet"],
)  # fmt: skip
def test_folders_of_the_hub(pattern, tmp_path):
    write_parquet(tmp_path / pattern.format("train"), label=[0, 1] * 3)
    write_parquet(tmp_path / pattern.format("test"), 2, 50, label=[0, 1])
    (tmp_path / "README.md").write_text("# card")
    source = find(tmp_path)
    assert (source.kind, counts(source)) == ("image", {"0": 3, "1": 3})
    assert "ignored, 1 file" in said(source)
    assert "README.md" in said(source)


def test_of_several_sets_of_the_hub_one_must_be_chosen(tmp_path):
    for name in ("cats", "dogs"):
        write_parquet(tmp_path / name / "train-0.parquet")
    with pytest.raises(DataError, match="more than one set of Parquet files: cats, dogs"):
        find(tmp_path)


def test_columns_that_hold_labels_by_another_name(tmp_path):
    write_parquet(tmp_path / "a.parquet", labels=[0, 1] * 3)
    assert counts(find(tmp_path / "a.parquet")) == {"0": 3, "1": 3}
    write_parquet(tmp_path / "b.parquet", fine_label=[0, 1] * 3, coarse_label=[0, 0] * 3)
    assert "fine_label and coarse_label could each be the label" in said(
        find(tmp_path / "b.parquet")
    )
    write_parquet(tmp_path / "c.parquet", label=[-1, 1] * 3)
    assert counts(find(tmp_path / "c.parquet")) == {"-1": 3, "1": 3}
    write_parquet(tmp_path / "d.parquet", label=[[0, 1]] * 6)
    with pytest.raises(DataError, match="holds lists"):
        find(tmp_path / "d.parquet")


def test_parquet_that_names_the_files_beside_it(tmp_path):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    fill(tmp_path, numbered("{}.png", 6))
    cells = [{"bytes": None, "path": f"{at}.png"} for at in range(6)]
    tables.write_table(arrow.table({"image": cells, "label": [0, 1] * 3}), tmp_path / "a.parquet")
    source = find(tmp_path)
    assert source.raw(2) == tmp_path / "2.png"
    assert (counts(source), source.problems) == ({"0": 3, "1": 3}, ())


def test_lists_of_one_picture_are_that_picture(tmp_path):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = [[{"bytes": png(at), "path": None}] for at in range(4)]
    tables.write_table(arrow.table({"images": [*cells[:3], cells[3] * 2]}), tmp_path / "a.parquet")
    source = find(tmp_path / "a.parquet")
    assert source.raw(1) == png(1)
    with pytest.raises(DataError, match="a list of 2"):
        source.raw(3)


# Arrays


def pictures(count, start=0):
    return np.random.default_rng(start).integers(0, 256, (count, 8, 8), np.uint8)


@pytest.mark.parametrize(
    "pattern", [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("X_{}", "Y_{}"), ("{}X", "{}Y")]
)
def test_arrays_of_the_training_part(pattern, tmp_path):
    data, labels = pattern
    arrays = {data.format("train"): pictures(6), labels.format("train"): [[0], [1]] * 3}
    arrays |= {data.format("test"): pictures(2, 1), labels.format("test"): [[0], [1]]}
    np.savez(tmp_path / "a.npz", **arrays)
    source = find(tmp_path / "a.npz")
    assert (source.count, counts(source)) == (6, {"0": 3, "1": 3})
    assert "ignored: only" in said(source)


def test_arrays_without_names(tmp_path):
    np.savez(tmp_path / "a.npz", pictures(6), np.arange(6) % 2)
    assert counts(find(tmp_path / "a.npz")) == {"0": 3, "1": 3}
    np.savez(tmp_path / "b.npz", pictures(6))
    assert find(tmp_path / "b.npz").count == 6


def idx_file(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("inside", ["", "MNIST/raw"])
def test_files_of_mnist(packed, inside, tmp_path):
    folder = tmp_path / inside
    folder.mkdir(parents=True, exist_ok=True)
    labels = (np.arange(6) % 2).astype(np.uint8)
    for name, array in (
        ("train-images-idx3-ubyte", pictures(6)),
        ("train-labels-idx1-ubyte", labels),
        ("t10k-images-idx3-ubyte", pictures(2)),
        ("t10k-labels-idx1-ubyte", labels[:2]),
    ):
        held = idx_file(array)
        path = folder / (name + ".gz" * packed)
        path.write_bytes(gzip.compress(held) if packed else held)
    source = find(tmp_path)
    assert (source.kind, counts(source)) == ("image", {"0": 3, "1": 3})
    assert (source.raw(3)[..., 0] == pictures(6)[3]).all()
    assert "t10k-images" in said(source)
    one = find(folder / ("train-images-idx3-ubyte" + ".gz" * packed))
    assert counts(one) == {"0": 3, "1": 3}


def test_a_damaged_idx_file_is_refused(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_file(pictures(6))[:-9])
    with pytest.raises(DataError, match="cut off"):
        find(tmp_path)


# Archives of samples in several files


def test_webdataset(tmp_path):
    def shard(numbers):
        members = {}
        for at in numbers:
            members[f"{at:04}.jpg"] = png(at, suffix="JPEG")
            members[f"{at:04}.cls"] = str(at % 2).encode()
            members[f"{at:04}.json"] = json.dumps({"width": at}).encode()
        return members

    tarred(tmp_path / "00000.tar", shard(range(4)))
    assert counts(find(tmp_path / "00000.tar")) == {"0": 2, "1": 2}
    tarred(tmp_path / "00001.tar", shard(range(4, 8)))
    source = find(tmp_path)
    assert counts(source) == {"0": 4, "1": 4}
    assert source.raw(5) == png(5, suffix="JPEG")
    assert "1 column is not used: width" in said(source)


def test_a_zip_made_on_windows(tmp_path):
    members = {f"set\\{kind}\\{at}.png": png(at) for kind in ("cat", "dog") for at in range(3)}
    assert counts(find(zipped(tmp_path / "a.zip", members))) == {"cat": 3, "dog": 3}
    for name, held in members.items():
        (tmp_path / "unpacked").mkdir(exist_ok=True)
        (tmp_path / "unpacked" / name).write_bytes(held)
    assert counts(find(tmp_path / "unpacked")) == {"cat": 3, "dog": 3}


# Odd files


def test_what_systems_leave_is_named_and_no_class(tmp_path):
    fill(tmp_path, [*numbered("cat/{}.png", 3), *numbered("dog/{}.png", 3)])
    fill(tmp_path, ["@eaDir/0.png/THUMB_S.jpg", ".ipynb_checkpoints/0-checkpoint.png"])
    for name in ("Thumbs.db", ".DS_Store", "cat/.DS_Store", "desktop.ini"):
        (tmp_path / name).write_bytes(b"x")
    source = find(tmp_path)
    assert counts(source) == {"cat": 3, "dog": 3}
    assert source.problems[0].startswith("6 files ignored (")
    assert "hidden or left by a system" in source.problems[0]


def test_broken_links_are_called_that(tmp_path):
    fill(tmp_path, numbered("{}.png", 3))
    (tmp_path / "9.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    source = find(tmp_path)
    assert source.count == 3
    assert "1 file ignored (9.png): links whose target does not exist" in said(source)


def test_photos_of_another_format_are_counted_with_the_remedy(tmp_path):
    fill(tmp_path, numbered("{}.jpg", 3))
    for at in range(4):
        (tmp_path / f"{at}.CR2").write_bytes(b"II*\0")
    (tmp_path / "notes.md").write_text("x")
    source = find(tmp_path)
    assert "4 files ignored (0.CR2, 1.CR2, 2.CR2, ...): raw photos. Develop them" in said(source)
    assert "1 file ignored (notes.md): about the data" in said(source)


@pytest.mark.parametrize("suffix", ["avif", "jp2", "tga", "tiff", "ppm"])
def test_rarer_formats_are_read(suffix, tmp_path):
    for at in range(3):
        pixels = np.full((16, 16, 3), 40 * at, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{at}.{suffix}")
    source = find(tmp_path)
    assert source.count == 3


def test_files_without_a_suffix_are_known_by_how_they_begin(tmp_path):
    fill(tmp_path, [f"{kind}/photo{at}" for kind in ("cat", "dog") for at in range(3)])
    assert counts(find(tmp_path)) == {"cat": 3, "dog": 3}
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "LICENSE").write_text("none")
    with pytest.raises(DataError, match="no images and no data file"):
        find(tmp_path / "text")


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("a.7z", "7-Zip", "7z x"),
        ("set.tar.gz", "compressed", "tar -xzf"),
        ("scan.nii.gz", "NIfTI", "nibabel"),
        ("a.mat", "MATLAB", "savez"),
        ("a.tfrecord", "TFRecord", "Parquet"),
        ("clip.mp4", "film", "ffmpeg"),
        ("a.pkl", "pickle", "savez"),
        ("IM1.dcm", "DICOM", "PNG"),
        ("data.mdb", "LMDB", "lmdb"),
        ("data_batch_1", "CIFAR", "Parquet"),
        ("data-00000.arrow", "Arrow", "to_parquet"),
        ("IMG.NEF", "raw photos", "TIFF"),
        ("book.xlsx", "Excel", "CSV"),
    ],
)
def test_formats_that_are_not_read_are_named_with_the_way_out(name, what, remedy, tmp_path):
    (tmp_path / name).write_bytes(bytes(300))
    with pytest.raises(DataError) as caught:
        find(tmp_path)
    assert what in caught.value.problem
    assert remedy in caught.value.remedy
    if not name.startswith("data_batch"):
        with pytest.raises(DataError, match=what):
            find(tmp_path / name)


# Pairs

IMAGES = {"sample": ("image",), "grid": ("image",)}


def pairs_in(path, **options):
    source = find_pairs(path, kinds=IMAGES, **options)
    given = source.roles["grid"]
    return source, list(zip(given.names, source.names, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A/{}.png", "B/{}.png"),
        ("A/{:03}_A.png", "B/{:03}_B.png"),
        ("A/image_a_{}.png", "B/image_b_{}.png"),
        ("{}_A.png", "{}_B.png"),
        ("{}_real_A.png", "{}_real_B.png"),
        ("{}.png", "{}_mask.png"),
        ("A_{}.png", "B_{}.png"),
        ("trainA/{}.png", "trainB/{}.png"),
        ("A/train/{}.png", "B/train/{}.png"),
        ("train/A/{}.png", "train/B/{}.png"),
        ("before/{}.png", "after/{}.jpg"),
        ("input/x/{}.png", "target/x/{}.png"),
        ("low/{}.png", "high/{}.png"),
        ("leftImg8bit/city_{:06}_leftImg8bit.png", "gtFine/city_{:06}_gtFine_color.png"),
    ],
)
def test_pairs_are_found_by_what_their_names_share(one, other, tmp_path):
    fill(tmp_path, [pattern.format(at) for at in range(12) for pattern in (one, other)])
    fill(
        tmp_path,
        [name.replace("train", "test").format(99) for name in (one, other)] * ("train" in one),
    )
    _, pairs = pairs_in(tmp_path)
    assert sorted(pairs) == sorted((one.format(at), other.format(at)) for at in range(12))


def test_those_without_a_partner_are_named(tmp_path):
    fill(tmp_path, [*numbered("A/{}.png", 6), *numbered("B/{}.png", 4)])
    source, pairs = pairs_in(tmp_path)
    assert len(pairs) == 4
    assert "2 files ignored (A/4.png, A/5.png): without a partner" in said(source)


def test_parts_never_pair_with_each_other(tmp_path):
    for part in ("train", "val"):
        for at in range(4):
            path = tmp_path / part / f"{at}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(at, (8, 16)))
    source, pairs = pairs_in(tmp_path)
    assert pairs == [(f"train/{at}.png", f"train/{at}.png") for at in range(4)]
    assert "val ignored, 4 files" in said(source)


def test_a_table_of_pairs_with_paths_of_windows(tmp_path):
    fill(tmp_path, [*numbered("a/{}.png", 4), *numbered("b/x{}.png", 4)])
    rows = [(f"a\\{at}.png", f"b\\x{at}.png") for at in range(3)]
    (tmp_path / "pairs.csv").write_text(lines(",", ("given", "target"), *rows))
    source, pairs = pairs_in(tmp_path)
    assert pairs == [(f"a/{at}.png", f"b/x{at}.png") for at in range(3)]
    assert "2 files ignored (a/3.png, b/x3.png): without a row" in said(source)


def test_two_columns_of_pictures_are_a_pair_where_their_names_say_so(tmp_path):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = [[{"bytes": png(at + side), "path": None} for at in range(6)] for side in (0, 50)]
    tables.write_table(arrow.table({"before": cells[0], "after": cells[1]}), tmp_path / "a.parquet")
    source = find(tmp_path / "a.parquet", kinds=["image"], roles={"grid": ["image"]})
    assert (source.raw(1), source.roles["grid"].raw(1)) == (png(51), png(1))
    with pytest.raises(DataError, match="more than one column of images"):
        find(tmp_path / "a.parquet", kinds=["image"])


def test_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/images"] = pictures(6)
        file["train/labels"] = np.arange(6) % 2
        file["test/images"] = pictures(2)
        file["test/labels"] = np.arange(2)
    source = find(tmp_path / "a.h5")
    assert (source.kind, counts(source)) == ("image", {"0": 3, "1": 3})
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:300])
    with pytest.raises(DataError, match="damaged, or not HDF5"):
        find(tmp_path / "b.h5")


def test_without_its_extra_hdf5_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(300))
    with pytest.raises(MissingExtraError, match="h5py") as caught:
        find(tmp_path / "a.h5")
    assert "gannet-gan[hdf5]" in caught.value.remedy


# Sets as they are published


def test_folders_of_classes_stay_classes_beside_a_list_of_files(tmp_path):
    fill(
        tmp_path / "images",
        [f"{kind}/{at}.png" for kind in ("001.Wren", "002.Tit") for at in "abc"],
    )
    names = [f"{kind}/{at}.png" for kind in ("001.Wren", "002.Tit") for at in "abc"]
    (tmp_path / "images.txt").write_text(lines(" ", None, *enumerate(names, 1)))
    assert counts(find(tmp_path)) == {"001.Wren": 3, "002.Tit": 3}


def test_numbered_parts_of_a_set_are_no_classes(tmp_path):
    for part in (1, 2, 3):
        fill(tmp_path / f"images_{part:03}" / "images", numbered(f"{part}_{{}}.png", 4))
    rows = [(f"{part}_{at}.png", "ab"[at % 2]) for part in (1, 2, 3) for at in range(4)]
    assert find(tmp_path).classes == ()
    (tmp_path / "Data_Entry.csv").write_text(lines(",", ("Image Index", "Finding"), *rows))
    source = find(tmp_path)
    assert (source.count, source.classes) == (12, ())
    assert counts(find(tmp_path, label="Finding")) == {"a": 6, "b": 6}


def test_signs_with_their_table(tmp_path):
    fill(tmp_path, [f"Train/{kind}/{kind}_{at}.png" for kind in range(3) for at in range(4)])
    fill(tmp_path, [*numbered("Test/{}.png", 3), *numbered("Meta/{}.png", 3)])
    rows = [(7, kind, f"Train/{kind}/{kind}_{at}.png") for kind in range(3) for at in range(4)]
    (tmp_path / "Train.csv").write_text(lines(",", ("Width", "ClassId", "Path"), *rows))
    (tmp_path / "Test.csv").write_text(
        lines(",", ("Width", "Path"), *((7, f"Test/{at}.png") for at in range(3)))
    )
    source = find(tmp_path)
    assert counts(source) == {"0": 4, "1": 4, "2": 4}
    assert "Test.csv" in said(source)


def test_a_part_without_labels_in_names_of_folders(tmp_path):
    for kind in ("n01", "n02"):
        fill(tmp_path / "tiny" / "train" / kind / "images", numbered(f"{kind}_{{}}.JPEG", 4))
    fill(tmp_path / "tiny" / "val" / "images", numbered("val_{}.JPEG", 3))
    (tmp_path / "tiny" / "val" / "val_annotations.txt").write_text(
        "val_0.JPEG\tn01\nval_1.JPEG\tn02\n"
    )
    (tmp_path / "tiny" / "words.txt").write_text("n01\tcat\nn02\tdog\n")
    source = find(tmp_path)
    assert counts(source) == {"n01": 4, "n02": 4}
    assert "val ignored, 3 files" in said(source)


def test_arrays_in_files_of_their_own(tmp_path):
    np.save(tmp_path / "X_train.npy", pictures(6))
    np.save(tmp_path / "y_train.npy", np.arange(6) % 2)
    np.save(tmp_path / "X_test.npy", pictures(2))
    source = find(tmp_path)
    assert (source.kind, counts(source)) == ("image", {"0": 3, "1": 3})
    assert "X_test ignored: only X_train, y_train" in said(source)


def test_tables_with_an_odd_row_are_about_files_all_the_same(tmp_path):
    fill(tmp_path / "images", numbered("{}.jpg", 12))
    rows = [(at, "ab"[at % 2], "extra") if at == 3 else (at, "ab"[at % 2]) for at in range(12)]
    (tmp_path / "styles.csv").write_text(lines(",", ("id", "label"), *rows))
    source = find(tmp_path)
    assert counts(source) == {"a": 6, "b": 5, None: 1}
    assert "1 files have no row in a table: images/3.jpg" in said(source)


def test_masks_beside_pictures_are_called_perhaps_pairs(tmp_path):
    fill(tmp_path, [*numbered("images/IMG_{}.jpg", 6), *numbered("masks/IMG_{}_mask.png", 6)])
    assert "images and masks hold files of the same names: perhaps pairs" in said(find(tmp_path))
    fill(tmp_path / "b", [*numbered("cat/{}.jpg", 6), *numbered("dog/{}.jpg", 6)])
    assert find(tmp_path / "b").problems == ()


def test_pairs_in_a_table_with_other_names(tmp_path):
    fill(tmp_path, [*numbered("i/{}.png", 4), *numbered("o/z{}.png", 4)])
    rows = [(f"o/z{at}.png", f"i/{at}.png") for at in range(4)]
    (tmp_path / "pairs.csv").write_text(lines(",", ("output", "input"), *rows))
    _, pairs = pairs_in(tmp_path)
    assert pairs == [(f"i/{at}.png", f"o/z{at}.png") for at in range(4)]


def test_tars_of_class_folders_in_parts(tmp_path):
    for part, count in (("train", 4), ("test", 2)):
        members = {f"{part}/{kind}/{at}.png": png(at) for kind in "xy" for at in range(count)}
        tarred(tmp_path / f"{part}.tar", members)
    source = find(tmp_path)
    assert counts(source) == {"x": 4, "y": 4}
    assert "1 file ignored (test.tar): of a held-out part" in said(source)


def test_rows_of_another_computer(tmp_path):
    fill(tmp_path / "imgs", numbered("p {}.png", 6))
    rows = [(f"C:\\Users\\me\\imgs\\p {at}.png", "ab"[at % 2]) for at in range(6)]
    (tmp_path / "list.csv").write_text(lines(";", ("Path", "Klasse"), *rows), encoding="utf-16")
    assert counts(find(tmp_path, label="Klasse")) == {"a": 3, "b": 3}
