"""Every container holds every kind of data: the same samples and labels come out of all of them."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.errors import DataError
from gannet.core.frame import Frame, cells_of
from gannet.data.dataset import find, load, of_memory
from gannet.data.inspect import examine
from gannet.data.pairing import find_pairs
from gannet.modalities.registry import find_modality
from gannet.modalities.table.io.write import write_frame

COUNT, CLASSES = 24, ("cat", "dog")
RNG = np.random.default_rng(0)
FILES = {
    "image": [RNG.integers(0, 256, (6, 5, 3), np.uint8) for _ in range(COUNT)],
    "toy_sound": [RNG.integers(-9_000, 9_000, 40).astype(np.int16) for _ in range(COUNT)],
    "toy_points": [RNG.normal(size=(7, 3)).round(3) for _ in range(COUNT)],
    "toy_tokens": [RNG.integers(0, 9, 12) for _ in range(COUNT)],
}
"""Raw samples of each kind that lies in files or arrays."""

SUFFIX = {"image": ".png"}
ROWS = RNG.normal(size=(COUNT, 3)).round(3)
NUMBERS = np.arange(COUNT) % len(CLASSES)
LABELS = [CLASSES[number] for number in NUMBERS]


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """Kinds of data of another package, known by its entry points alone."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "toys"))


def suffix_of(kind):
    return SUFFIX.get(kind) or find_modality(kind).item_suffix


def codec_of(kind, raws):
    return find_modality(kind).codec.fit(raws)


def contents(kind, folder):
    """The samples as contents of files, by name."""
    codec, suffix = codec_of(kind, FILES[kind]), suffix_of(kind)
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for number, raw in enumerate(FILES[kind]):
        path = folder / f"{number:02}{suffix}"
        codec.write(raw, path)
        made[path.name] = path.read_bytes()
        path.unlink()
    return made


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def in_classes(files):
    return {
        f"{label}/{name}": held for label, (name, held) in zip(LABELS, files.items(), strict=True)
    }


# -- containers of files: from contents by name to a path, and whether they tell classes ---------


def folder(at, files, _raws):
    return put(at / "flat", files), False


def class_folders(at, files, _raws):
    return put(at / "classes", in_classes(files)), True


def splits(at, files, _raws):
    inside = {f"train/{name}": held for name, held in in_classes(files).items()}
    name, held = next(iter(files.items()))
    return put(at / "splits", inside | {f"test/cat/99{Path(name).suffix}": held}), True


def metadata_csv(at, files, _raws):
    lines = [f"{name},{label}" for name, label in zip(files, LABELS, strict=True)]
    put(at / "csv", files)
    (at / "csv" / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    return at / "csv", True


def metadata_jsonl(at, files, _raws):
    lines = [{"file_name": name, "label": label} for name, label in zip(files, LABELS, strict=True)]
    put(at / "jsonl", files)
    (at / "jsonl" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return at / "jsonl", True


def zip_with_labels(at, files, _raws):
    pairs = [[name, int(number)] for name, number in zip(files, NUMBERS, strict=True)]
    with zipfile.ZipFile(at / "a.zip", "w") as archive:
        for name, held in files.items():
            archive.writestr(name, held)
        archive.writestr("dataset.json", json.dumps({"labels": pairs}))
    return at / "a.zip", True


def tar_of_class_folders(at, files, _raws):
    with tarfile.open(at / "a.tar", "w") as archive:
        for name, held in in_classes(files).items():
            info = tarfile.TarInfo(f"set/{name}")
            info.size = len(held)
            archive.addfile(info, io.BytesIO(held))
    return at / "a.tar", True


def parquet_of_the_hub(at, files, _raws):
    cells = [{"bytes": held, "path": name} for name, held in files.items()]
    return parquet(at / "hub.parquet", cells), True


def parquet_of_bytes(at, files, _raws):
    return parquet(at / "bytes.parquet", list(files.values())), True


def parquet(path, cells):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    tables.write_table(arrow.table({"sample": cells, "label": LABELS}), path, row_group_size=5)
    return path


def npz(at, _files, raws):
    np.savez(at / "a.npz", data=np.stack(raws), labels=np.array(LABELS))
    return at / "a.npz", True


def npy(at, _files, raws):
    np.save(at / "a.npy", np.stack(raws))
    return at / "a.npy", False


CONTAINERS = [
    folder, class_folders, splits, metadata_csv, metadata_jsonl, zip_with_labels,
    tar_of_class_folders, parquet_of_the_hub, parquet_of_bytes, npz, npy,
]  # fmt: skip


def key(raw):
    """Equal for equal samples, also where numbers were kept in 32 bit."""
    return (np.asarray(raw, np.float64).round(3) + 0.0).tobytes()


def everything(data, role="sample"):
    """All samples, and the label of each."""
    batches = [rows.take(range(len(rows))) for rows in (data.train, data.held_out)]
    samples = [each.real if role == "sample" else getattr(each.condition, role) for each in batches]
    raws = data.codecs[role].decode(torch.cat(samples))
    told = torch.cat([each.condition.vector for each in batches])
    numbers = told.argmax(1).tolist() if told.shape[1] else [-1] * len(raws)
    return raws, numbers


def check(data, raws, labeled):
    found, numbers = everything(data)
    assert len(found) == COUNT
    wanted = {
        key(raw): number if labeled else -1 for raw, number in zip(raws, NUMBERS, strict=True)
    }
    assert {key(raw): number for raw, number in zip(found, numbers, strict=True)} == wanted


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", FILES)
def test_every_container_holds_every_kind_of_files(kind, container, tmp_path):
    raws = FILES[kind]
    path, labeled = container(tmp_path, contents(kind, tmp_path / "made"), raws)
    source = find(path, kinds=[kind])
    codec, _ = find_modality(kind).codec_for(source, find_modality(kind).options(), budget())
    codec = codec_of(kind, raws) if kind == "image" else codec
    assert source.kind == kind
    assert source.count == COUNT
    assert find_modality(kind).noun[1] in source.layout or "class folders" in source.layout
    check(load(source, {"sample": codec}), raws, labeled)
    cache = tmp_path / "cache"
    check(load(source, {"sample": codec}, cache=cache, memory_bytes=0), raws, labeled)
    check(load(source, {"sample": codec}, cache=cache), raws, labeled)
    check(load(source, {"sample": codec}, memory_bytes=0), raws, labeled)


def budget():
    from gannet.modalities.reading import Budget

    return Budget()


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", FILES)
def test_a_kind_is_known_without_being_named(kind, container, tmp_path):
    if container is parquet_of_bytes and kind != "image":
        pytest.skip("contents without names are known by how they begin, which toys do not say")
    path, _ = container(tmp_path, contents(kind, tmp_path / "made"), FILES[kind])
    found = examine(path)
    assert (found.kind, found.count, found.inspected) == (kind, COUNT, COUNT)
    assert found.usable
    assert found.recipe == find_modality(kind).default_recipe
    assert "duplicates: 0" in "\n".join(found.describe())


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("layout", ["folders", "table", "parquet", "metadata"])
def test_pairs_of_every_kind_keep_together(kind, layout, tmp_path):
    files = contents(kind, tmp_path / "made")
    names, held = list(files), list(files.values())
    turned = held[1:] + held[:1]  # what is given for each is the next
    path = put(tmp_path / "a", dict(zip((f"b/{name}" for name in names), held, strict=True)))
    put(path, dict(zip((f"a/{name}" for name in names), turned, strict=True)))
    kinds = {"sample": [kind], "grid": [kind]}
    if layout == "folders":
        source = find_pairs(path, kinds=kinds)
    elif layout == "table":
        lines = [f"a/{name},b/{name}" for name in names]
        (path / "pairs.csv").write_text("\n".join(["given,target", *lines]))
        source = find_pairs(path, kinds=kinds)
    elif layout == "metadata":
        lines = [f"b/{name},a/{name}" for name in names]
        (path / "metadata.csv").write_text("\n".join(["file_name,given_file_name", *lines]))
        source = find(path, kinds=[kind], roles={"grid": [kind]})
    else:
        arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        cells = {kind: held, "given": turned}
        rows = {name: [{"bytes": each, "path": f"x{Path(names[0]).suffix}"} for each in column]
                for name, column in cells.items()}  # fmt: skip
        tables.write_table(arrow.table(rows), tmp_path / "a.parquet")
        source = find(tmp_path / "a.parquet", kinds=[kind], roles={"grid": [kind]})
    codec = codec_of(kind, FILES[kind])
    data = load(source, {"sample": codec, "grid": codec})
    raws = FILES[kind]
    after = {key(raw): key(raws[(at + 1) % COUNT]) for at, raw in enumerate(raws)}
    pairs = zip(everything(data)[0], everything(data, "grid")[0], strict=True)
    assert {key(one): key(other) for one, other in pairs} == after


# -- a table of values beside samples of another kind ---------------------------------------------

AGES, TOWNS = [20 + at % 7 for at in range(COUNT)], ["north", "south", "east"] * (COUNT // 3)
PRICES = [round(float(each), 2) for each in RNG.permutation(COUNT) * 1.25 + 3]
BESIDE = {"age": AGES, "town": TOWNS, "price": PRICES, "label": LABELS}


def lines_of(files):
    cells = zip(files, *BESIDE.values(), strict=True)
    return [dict(zip(("file_name", *BESIDE), each, strict=True)) for each in cells]


def table_of(files, suffix):
    lines = lines_of(files)
    if suffix == ".jsonl":
        return "\n".join(map(json.dumps, lines)).encode()
    rows = [list(lines[0]), *(map(str, each.values()) for each in lines)]
    return "\n".join(map(",".join, rows)).encode()


def beside_csv(at, files, _raws):
    return put(at / "set", files | {"metadata.csv": table_of(files, ".csv")})


def beside_jsonl(at, files, _raws):
    return put(at / "set", files | {"metadata.jsonl": table_of(files, ".jsonl")})


def beside_in_zip(at, files, _raws):
    with zipfile.ZipFile(at / "b.zip", "w") as archive:
        for name, held in (files | {"metadata.csv": table_of(files, ".csv")}).items():
            archive.writestr(name, held)
    return at / "b.zip"


def beside_in_tar(at, files, _raws):
    with tarfile.open(at / "b.tar", "w") as archive:
        for name, held in (files | {"metadata.jsonl": table_of(files, ".jsonl")}).items():
            info = tarfile.TarInfo(f"set/{name}")
            info.size = len(held)
            archive.addfile(info, io.BytesIO(held))
    return at / "b.tar"


def beside_in_parquet(at, files, _raws):
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = [{"bytes": held, "path": name} for name, held in files.items()]
    boxes = [[at, at + 1] for at in range(COUNT)]
    held = arrow.table({"file": cells, "box": boxes, **BESIDE})
    tables.write_table(held, at / "b.parquet", row_group_size=5)
    return at / "b.parquet"


def beside_in_npz(at, _files, raws):
    cells = {name: np.array(each) for name, each in BESIDE.items()}
    np.savez(at / "b.npz", data=np.stack(raws), **cells)
    return at / "b.npz"


HOLDING_BOTH = [
    beside_csv, beside_jsonl, beside_in_zip, beside_in_tar, beside_in_parquet, beside_in_npz,
]  # fmt: skip


@pytest.mark.parametrize("container", HOLDING_BOTH, ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    ("first", "role"),
    [("kind", "vector"), ("kind", "grid"), ("table", "grid"), ("table", "tokens")],
)
def test_a_table_stands_beside_every_kind(first, role, kind, container, tmp_path):
    """In either slot: it has all columns but that of the files and, beside it, of the classes."""
    path = container(tmp_path, contents(kind, tmp_path / "made"), FILES[kind])
    sample, other = (kind, "table") if first == "kind" else ("table", kind)
    label = "" if role == "vector" else None
    source = find(path, kinds=[sample], roles={role: [other]}, label=label)
    assert (source.kind, source.roles[role].kind, source.count) == (sample, other, COUNT)
    both = {"sample": source, **source.roles}
    [table] = [each for each in both.values() if each.kind == "table"]
    classes = LABELS if first == "kind" and label is None else []
    assert source.classes == (CLASSES if classes else ())
    assert table.columns == tuple(BESIDE)[: 3 if classes else 4]
    codecs = {
        at: codec_of(kind, FILES[kind])
        if each.kind == kind
        else find_modality("table").codec_for(each, find_modality("table").options(), budget())[0]
        for at, each in both.items()
    }
    data = load(source, codecs, cache=tmp_path / "cache")
    found = dict(zip(both, (everything(data, at)[0] for at in both), strict=True))
    samples, others = (found["sample"], found[role])
    raws, rows = (samples, others) if first == "kind" else (others, samples)
    cells = zip(AGES, TOWNS, PRICES, strict=True)
    expected = {key(raw): each for raw, each in zip(FILES[kind], cells, strict=True)}
    read = {key(raw): (int(age), town, float(price)) for raw, (age, town, price, *_) in
            zip(raws, rows, strict=True)}  # fmt: skip
    assert read == expected


@pytest.mark.parametrize("kind", FILES)
def test_a_table_beside_files_is_asked_for_by_name_alone(kind, tmp_path):
    path = beside_csv(tmp_path, contents(kind, tmp_path / "made"), FILES[kind])
    assert find(path).kind == kind
    assert find(path, kinds=[kind, "table"]).kind == kind
    assert find(path, kinds=["table"]).columns == tuple(BESIDE)


# -- tables of values ----------------------------------------------------------------------------


def columns(labeled):
    made = [ROWS[:, at] for at in range(3)] + ([cells_of(LABELS)] if labeled else [])
    return Frame(("x", "y", "z", "label")[: len(made)], tuple(made))


def table_file(suffix):
    def write(at, frame):
        write_frame(frame, at / f"a{suffix}")
        return at / f"a{suffix}"

    return write


def shards(at, frame):
    (at / "shards").mkdir()
    write_frame(frame[:10], at / "shards" / "a.csv")
    write_frame(frame[10:], at / "shards" / "b.csv")
    return at / "shards"


def data_frame(_at, frame):
    return frame


TABLES = {
    "csv": table_file(".csv"),
    "tsv": table_file(".tsv"),
    "jsonl": table_file(".jsonl"),
    "parquet": table_file(".parquet"),
    "shards": shards,
    "data frame": data_frame,
}


def found_in(table, **options):
    return of_memory(table, **options) if isinstance(table, Frame) else find(table, **options)


@pytest.mark.parametrize("labeled", [False, True])
@pytest.mark.parametrize("container", TABLES)
def test_every_table_holds_rows_of_numbers(container, labeled, tmp_path):
    source = found_in(TABLES[container](tmp_path, columns(labeled)), kinds=["vector"])
    codec, _ = find_modality("vector").codec_for(
        source, find_modality("vector").options(), budget()
    )
    check(load(source, {"sample": codec}), list(ROWS), labeled)


@pytest.mark.parametrize("container", TABLES)
def test_every_table_holds_a_table(container, tmp_path):
    source = found_in(TABLES[container](tmp_path, columns(labeled=True)))
    assert source.kind == "table"
    modality = find_modality("table")
    codec, _ = modality.codec_for(source, modality.options(column={"x": "decimal"}), budget())
    rows, _ = everything(load(source, {"sample": codec}))
    assert {(float(row[0]), row[3]) for row in rows} == set(
        zip(ROWS[:, 0].tolist(), LABELS, strict=True)
    )


def test_files_of_two_kinds_in_one_folder_are_told_apart(tmp_path):
    put(tmp_path, contents("image", tmp_path / "made"))
    put(tmp_path, dict(list(contents("toy_sound", tmp_path / "made").items())[:3]))
    found = find(tmp_path)
    assert (found.kind, found.count) == ("image", COUNT)
    assert found.problems[0].startswith("3 files ignored (00.wav, 01.wav, 02.wav)")
    sounds = find(tmp_path, kinds=["toy_sound"])
    assert (sounds.kind, sounds.count) == ("toy_sound", 3)


def test_a_broken_file_of_any_kind_is_named(tmp_path):
    put(tmp_path, contents("toy_sound", tmp_path / "made"))
    (tmp_path / "bad.wav").write_bytes(b"RIFF and nothing more")
    found = examine(tmp_path)
    assert [name for name, _ in found.broken] == ["bad.wav"]
    assert "broken sound" in found.broken[0][1]
    data = load(find(tmp_path), {"sample": codec_of("toy_sound", FILES["toy_sound"])})
    assert [name for name, _ in data.skipped] == ["bad.wav"]


def test_data_of_another_kind_are_named(tmp_path):
    put(tmp_path, contents("toy_points", tmp_path / "made"))
    with pytest.raises(DataError, match="holds sets of points, expected images"):
        find(tmp_path, kinds=["image"])
