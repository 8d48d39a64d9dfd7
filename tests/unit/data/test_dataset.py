"""Sources become rows to train on and rows held out, in an order that is a function of a seed."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import subprocess
import sys
import textwrap
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.errors import ConfigError, DataError
from gannet.data import cache, decode
from gannet.data.dataset import find, load, shuffled
from gannet.data.split import held_out_count, split
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.registry import find_modality
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.rows import rows_of

RNG = np.random.default_rng(0)
CODEC = ImageCodec(height=6, width=6, channels=3)


def random_picture():
    return RNG.integers(0, 256, (6, 6, 3), np.uint8)


def fill(folder, count, prefix="", pictures=None):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = random_picture() if pictures is None else pictures[number]
        Image.fromarray(picture).save(folder / f"{prefix}{number:04}.png")
    return folder


def arrays_of(path, count, labels=None):
    held = {"images": RNG.integers(0, 256, (count, 6, 6, 3), np.uint8)}
    np.savez(path, **held, **({} if labels is None else {"labels": np.array(labels)}))
    return path


def loaded(path, **options):
    return load(find(path), {"sample": CODEC}, **options)


def raws(rows):
    return [raw.tobytes() for raw in CODEC.decode(rows.take(range(len(rows))).real)]


def names_held_out(dataset):
    names = dataset.source.names
    kept = [i for i in range(len(names)) if names[i] not in dict(dataset.skipped)]
    return {names[kept[place]] for place in dataset.held_out.indices}


# Batches


def test_a_batch_is_32_bit_in_range_and_without_condition(tmp_path):
    batch = loaded(fill(tmp_path, 10)).train.take([3, 0])
    assert batch.real.shape == (2, 3, 6, 6)
    assert batch.real.dtype == torch.float32
    assert batch.real.min() >= -1
    assert batch.real.max() <= 1
    told = batch.condition
    assert [told.vector.shape, told.grid.shape, told.tokens.shape] == [
        (2, 0),
        (2, 0, 6, 6),
        (2, 0, 0),
    ]


def test_rows_are_the_pictures_of_the_folder(tmp_path):
    found = loaded(fill(tmp_path, 10))
    files = {np.asarray(Image.open(path)).tobytes() for path in tmp_path.iterdir()}
    assert set(raws(found.train)) | set(raws(found.held_out)) == files
    assert len(found.train) + len(found.held_out) == 10


def test_a_label_is_one_hot_and_nothing_where_it_is_not_known(tmp_path):
    found = loaded(arrays_of(tmp_path / "a.npz", 40, [0, 1, -1, 5] * 10))
    assert found.classes == ("0", "1", "5")
    assert set(found.codecs) == {"sample", "vector"}
    for rows in (found.train, found.held_out):
        vector = rows.take(range(len(rows))).condition.vector.numpy()
        assert np.array_equal(vector.sum(1), rows.labels >= 0)
        assert np.array_equal(vector.argmax(1)[rows.labels >= 0], rows.labels[rows.labels >= 0])


def test_labels_stay_with_their_pictures(tmp_path):
    images = np.repeat(np.arange(60, dtype=np.uint8), 108).reshape(60, 6, 6, 3)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(60) % 3)
    found = loaded(tmp_path / "a.npz")
    batch = next(found.train.batches(16, seed=1))
    values = [raw.flat[0] for raw in CODEC.decode(batch.real)]
    assert batch.condition.vector.argmax(1).tolist() == [value % 3 for value in values]


def test_rows_of_numbers_are_standardized(tmp_path):
    np.save(tmp_path / "a.npy", RNG.normal(5, 3, (200, 2)))
    source = find(tmp_path / "a.npy")
    found = load(source, {"sample": VectorCodec.fit(rows_of(source))})
    batch = next(found.train.batches(100, seed=0))
    assert batch.real.shape == (100, 2)
    assert abs(batch.real.mean()) < 0.3
    assert batch.condition.vector.shape == (100, 0)


def test_a_codec_of_the_wrong_kind_or_width_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", RNG.normal(size=(20, 2)))
    with pytest.raises(DataError, match="codec 'image' cannot read"):
        load(find(tmp_path / "a.npy"), {"sample": CODEC})
    with pytest.raises(DataError, match="rows of 2 numbers, expected 3"):
        load(find(tmp_path / "a.npy"), {"sample": VectorCodec.fit(np.eye(3))})


# Order


def test_every_round_visits_each_row_once_in_another_order():
    rounds = [part.tolist() for part in islice(shuffled(7, 7, seed=3), 3)]
    assert all(sorted(each) == list(range(7)) for each in rounds)
    assert rounds[0] != rounds[1]


@pytest.mark.parametrize("size", [1, 3, 7, 10, 25])
def test_the_size_of_a_part_changes_nothing_in_the_order(size):
    single = [int(part[0]) for part in islice(shuffled(7, 1, seed=3), 50)]
    parts = np.concatenate(list(islice(shuffled(7, size, seed=3), 50 // size)))
    assert parts.tolist() == single[: len(parts)]


@pytest.mark.parametrize("start", [0, 1, 5, 7, 8, 30])
def test_a_later_start_goes_on_where_an_earlier_one_would_be(start):
    whole = [part.tolist() for part in islice(shuffled(7, 2, seed=3), 60)]
    late = [part.tolist() for part in islice(shuffled(7, 2, seed=3, start=start), 20)]
    assert late == whole[start : start + 20]


@pytest.mark.parametrize("size", [1, 4, 9, 50])
@pytest.mark.parametrize("memory", [0, 10**9])
def test_batches_skipped_are_batches_never_read(tmp_path, size, memory):
    rows = loaded(fill(tmp_path / "data", 12), cache=tmp_path / "c", memory_bytes=memory).train
    whole = list(islice(rows.batches(size, seed=5), 6))
    late = list(islice(rows.batches(size, seed=5, start=4), 2))
    assert all(
        torch.equal(one.real, other.real) for one, other in zip(whole[4:], late, strict=True)
    )
    assert all(len(batch) == size for batch in whole)


def test_other_seeds_give_other_orders(tmp_path):
    rows = loaded(fill(tmp_path, 30)).train
    first, second = (next(rows.batches(20, seed=seed)).real for seed in (1, 2))
    assert not torch.equal(first, second)


# Held-out split


@pytest.mark.parametrize(
    ("count", "held"),
    [(2, 1), (3, 1), (10, 2), (100, 20), (400, 64), (1000, 100), (10**6, 5000)],
)
def test_as_many_are_held_out_as_the_data_allow(count, held):
    assert held_out_count(count, 0.1) == held


@pytest.mark.parametrize("copies", [1, 3, 20])
def test_ten_different_pictures_are_enough_and_two_are_held_out(tmp_path, copies):
    fill(tmp_path, 10 * copies, pictures=[random_picture() for _ in range(10)] * copies)
    found = loaded(tmp_path)
    assert len(set(raws(found.held_out))) >= 2
    assert len(set(raws(found.train))) >= 2


def prints(count, start=0):
    return np.random.default_rng(9).integers(0, 2**63, start + count, np.uint64)[start:]


def test_the_split_depends_on_content_and_not_on_order():
    marks, order = prints(300), np.random.default_rng(0).permutation(300)
    none = np.full(300, -1)
    _, held = split(marks, marks, none, fraction=0.1, seed=0)
    _, moved = split(marks[order], marks[order], none, fraction=0.1, seed=0)
    assert set(marks[held]) == set(marks[order][moved])


def test_adding_files_moves_few():
    marks = prints(2200)
    parts = []
    for count in (2000, 2200):
        some, none = marks[:count], np.full(count, -1)
        parts.append(set(some[split(some, some, none, fraction=0.1, seed=0)[1]]))
    was, now = parts
    assert len(was & now) > 0.85 * len(was)


def test_another_seed_is_another_split():
    marks, none = prints(400), np.full(400, -1)
    one, other = (split(marks, marks, none, fraction=0.1, seed=seed)[1] for seed in (0, 1))
    assert len(np.intersect1d(one, other)) < 0.5 * len(one)


def test_classes_are_held_out_in_proportion():
    marks = prints(1000)
    labels = np.repeat([-1, 0, 1, 2], [100, 600, 290, 10])
    _, held = split(marks, marks, labels, fraction=0.1, seed=0)
    assert [int((labels[held] == k).sum()) for k in (-1, 0, 1, 2)] == [10, 60, 29, 1]


def test_classes_of_one_picture_stay_in_training():
    marks = prints(60)
    labels = np.array([0] * 56 + [1, 2, 3, 4])
    train, _ = split(marks, marks, labels, fraction=0.3, seed=0)
    assert {1, 2, 3, 4} <= set(labels[train])


def test_where_every_class_has_one_picture_some_are_held_out_all_the_same():
    marks = prints(10)
    train, held = split(marks, marks, np.arange(10), fraction=0.1, seed=0)
    assert (len(train), len(held)) == (8, 2)


@pytest.mark.parametrize("seed", range(8))
def test_a_duplicate_of_a_training_picture_is_never_held_out(seed):
    rng = np.random.default_rng(seed)
    evaluations = rng.integers(0, 40, 300).astype(np.uint64)  # about seven equals of each
    contents = rng.integers(0, 2**63, 300, np.uint64)  # saved anew, so that their bytes differ
    labels = rng.integers(-1, 3, 300)
    train, held = split(contents, evaluations, labels, fraction=0.2, seed=seed)
    assert len(train) > 0
    assert len(held) > 0
    assert sorted([*train, *held]) == list(range(300))
    assert not set(evaluations[train]) & set(evaluations[held])


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3])
def test_a_picture_that_is_half_of_the_data_is_on_both_sides_in_proportion(fraction):
    marks = prints(1000)
    groups = np.where(np.arange(1000) % 2, np.arange(1000), 0).astype(np.uint64)
    marks[::2] = marks[0]
    train, held = split(marks, groups, np.full(1000, -1), fraction=fraction, seed=0)
    assert len(held) == held_out_count(1000, fraction)
    assert abs((groups[held] == 0).mean() - 0.5) < 0.02
    assert abs((groups[train] == 0).mean() - 0.5) < 0.02


def test_a_large_group_of_several_classes_is_held_out_of_each():
    marks, labels = prints(1000), np.arange(1000) % 4
    groups = np.where(labels < 2, 0, np.arange(1000)).astype(np.uint64)
    _, held = split(marks, groups, labels, fraction=0.2, seed=0)
    assert [int((labels[held] == k).sum()) for k in range(4)] == [50] * 4


def test_declared_groups_are_never_on_both_sides():
    groups = np.repeat(np.arange(8), 50).astype(np.uint64)
    none = np.full(400, -1)
    train, held = split(prints(400), groups, none, fraction=0.2, seed=0, stratify=False)
    assert not set(groups[train]) & set(groups[held])
    assert len(held)


def test_near_duplicates_in_a_folder_stay_on_one_side(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(10, 240, (12, 12, 3), np.uint8) for _ in range(60)]
    noisy = [np.uint8(each + rng.integers(-2, 3, each.shape)) for each in pictures]
    fill(tmp_path, 120, pictures=[*pictures, *noisy])
    found = loaded(tmp_path)
    groups = found.groups
    assert len(np.unique(groups)) == 60
    assert not set(groups[found.train.indices]) & set(groups[found.held_out.indices])


def test_duplicates_in_a_folder_stay_on_one_side(tmp_path):
    pictures = [random_picture() for _ in range(12)]
    fill(tmp_path, 12, "a", pictures)
    for number, picture in enumerate(pictures):  # the same pixels in another format
        Image.fromarray(picture).save(tmp_path / f"b{number}.bmp")
    found = loaded(tmp_path)
    assert not set(raws(found.train)) & set(raws(found.held_out))
    assert len(found.held_out) >= 2


def test_the_split_stays_when_files_are_renamed_or_the_size_changes(tmp_path):
    first = loaded(fill(tmp_path / "a", 40))
    small = load(find(tmp_path / "a"), {"sample": ImageCodec(height=4, width=4)})
    assert names_held_out(first) == names_held_out(small)
    held = {(tmp_path / "a" / name).read_bytes() for name in names_held_out(first)}
    (tmp_path / "b").mkdir()
    for path in (tmp_path / "a").iterdir():
        (tmp_path / "b" / f"x{path.name[::-1]}.png").write_bytes(path.read_bytes())
    again = loaded(tmp_path / "b")
    assert {(tmp_path / "b" / name).read_bytes() for name in names_held_out(again)} == held


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_out_of_range_is_refused(tmp_path, share):
    with pytest.raises(ConfigError, match="held_out"):
        loaded(fill(tmp_path, 4), held_out=share)


def test_the_digest_follows_pictures_labels_and_codec(tmp_path):
    path = arrays_of(tmp_path / "a.npz", 20, [0, 1] * 10)
    digest = loaded(path).digest
    assert loaded(path).digest == digest
    assert load(find(path, label=""), {"sample": CODEC}).digest != digest
    assert load(find(path), {"sample": ImageCodec(height=6, width=4)}).digest != digest
    assert loaded(path, seed=1).digest != digest
    assert loaded(arrays_of(tmp_path / "b.npz", 20, [0, 1] * 10)).digest != digest


# Bad pictures


def spoil(folder, count, held=b"Dear Sir or Madam"):
    for number in range(count):
        (folder / f"bad{number}.png").write_bytes(held)
    return folder


def test_a_few_broken_pictures_are_skipped_and_named(tmp_path):
    fill(tmp_path, 20)
    spoil(tmp_path, 2)
    whole = io.BytesIO()
    Image.fromarray(random_picture()).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:60])
    found = loaded(tmp_path)
    assert len(found.train) + len(found.held_out) == 20
    assert [name for name, _ in found.skipped] == ["bad0.png", "bad1.png", "cut.png"]
    assert found.skipped[0][1] == "not an image"
    assert "broken image" in found.skipped[2][1]


@pytest.mark.usefixtures("odd_kinds")
def test_samples_that_cannot_be_encoded_are_skipped_and_named(tmp_path):
    for number in range(40):
        (tmp_path / f"{number:02}.json").write_text(json.dumps({"op": f"n{number}"}))
    codec = find_modality("odd_tree").codec(symbols=[f"n{number}" for number in range(39)])
    found = load(find(tmp_path), {"sample": codec})
    assert len(found.train) + len(found.held_out) == 39
    assert [name for name, _ in found.skipped] == ["39.json"]
    assert found.skipped[0][1].startswith("tree cannot be encoded (ValueError: ")


@pytest.mark.usefixtures("odd_kinds")
def test_what_has_several_axes_is_refused_in_the_slot_of_vectors(tmp_path):
    fill(tmp_path, 20)
    pictures = sorted(tmp_path.glob("*.png"))
    for each in pictures:
        each.with_suffix(".json").write_text(json.dumps({"op": "add"}))
    rows = [f"{each.name},{each.stem}.json" for each in pictures]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,tree_file_name", *rows]))
    codec = find_modality("odd_tree").codec(symbols=["add"])
    source = find(tmp_path, kinds=["image"], roles={"tokens": ["odd_tree"]})
    loaded = load(source, {"sample": CODEC, "tokens": codec})
    assert loaded.train.take([0]).condition.tokens.shape == (1, 3, 2)
    source = find(tmp_path, kinds=["image"], roles={"vector": ["odd_tree"]})
    with pytest.raises(DataError, match=r"trees of shape \(3, 2\) fill the slot vector"):
        load(source, {"sample": CODEC, "vector": codec})


def test_labels_stay_with_their_pictures_where_some_are_skipped(tmp_path):
    for name, value in (("cat", 10), ("dog", 200)):
        shades = [np.full((6, 6, 3), value + number, np.uint8) for number in range(15)]
        fill(tmp_path / name, 15, "x", shades)
        spoil(tmp_path / name, 1)
    found = loaded(tmp_path)
    assert len(found.skipped) == 2
    for rows in (found.train, found.held_out):
        bright = rows.take(range(len(rows))).real.mean((1, 2, 3)) > 0
        assert np.array_equal(bright.numpy(), rows.labels == 1)


def test_many_broken_pictures_are_refused_with_a_list(tmp_path):
    with pytest.raises(DataError, match="too many of 24") as caught:
        loaded(spoil(fill(tmp_path, 20), 4), cache=tmp_path / "cache")
    assert "bad0.png: not an image" in str(caught.value)
    assert caught.value.remedy
    assert not (tmp_path / "cache").exists(), "nothing half-written"


def test_one_per_cent_may_be_broken():
    assert [decode.may_be_broken(count) for count in (1, 2, 3, 300, 400, 10_000)] == [
        0,
        0,
        1,
        3,
        4,
        100,
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_fewer_than_ten_different_pictures_are_too_few(tmp_path, count):
    fill(tmp_path, count)
    if count > 1:
        fill(tmp_path, 12, "again", [CODEC.read(tmp_path / "0000.png")] * 12)
    with pytest.raises(DataError, match=f"only {count} different images .* at least 10") as caught:
        loaded(tmp_path)
    assert str(tmp_path) in caught.value.where
    assert caught.value.remedy


def test_all_pictures_equal(tmp_path):
    with pytest.raises(DataError, match="all 5 images are equal"):
        loaded(fill(tmp_path, 5, pictures=[random_picture()] * 5))


@pytest.mark.parametrize("memory", [0, 10**6])
@pytest.mark.parametrize("count", [1, 5])
def test_refused_pictures_leave_no_cache_behind(tmp_path, count, memory):
    fill(tmp_path / "data", count, pictures=[random_picture()] * count)
    with pytest.raises(DataError):
        loaded(tmp_path / "data", cache=tmp_path / "run" / "cache", memory_bytes=memory)
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_all_rows_equal(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((5, 2)))
    source = find(tmp_path / "a.npy")
    with pytest.raises(DataError, match="all 5 rows of numbers are equal"):
        load(source, {"sample": VectorCodec.fit(rows_of(source))})


def test_mixed_sizes_and_modes_fit_one_frame(tmp_path):
    for number, mode in enumerate(["L", "RGB", "RGBA", "P", "CMYK", "1", "LA", "I;16"]):
        image = Image.fromarray(RNG.integers(0, 256, (9 + number, 30 - number, 3), np.uint8))
        suffix = "jpg" if mode == "CMYK" else "png"
        converted = image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
        converted.save(tmp_path / f"{number}.{suffix}")
    fill(tmp_path, 2, "more")
    found = loaded(tmp_path)
    assert found.skipped == ()
    assert len(found.train) + len(found.held_out) == 10


# Cache


def everything(dataset):
    return torch.cat(
        [rows.take(range(len(rows))).real for rows in (dataset.train, dataset.held_out)]
    )


def test_memory_cache_and_stream_give_the_same_rows(tmp_path):
    fill(tmp_path / "data", 40)
    spoil(tmp_path / "data", 2)
    (tmp_path / "data" / "!first.png").write_text("sorts before all others")
    memory = loaded(tmp_path / "data")
    disk = loaded(tmp_path / "data", cache=tmp_path / "cache", memory_bytes=0)
    stream = loaded(tmp_path / "data", memory_bytes=0)
    words = [each.train.store.location for each in (memory, disk, stream)]
    assert words == ["in memory", "in a cache on disk", "decoded as they are needed"]
    assert torch.equal(everything(memory), everything(disk))
    assert torch.equal(everything(memory), everything(stream))
    assert memory.digest == disk.digest == stream.digest
    assert memory.skipped == disk.skipped == stream.skipped


@pytest.mark.parametrize("memory", [0, 10**9])
def test_the_second_start_reads_the_cache_and_not_the_pictures(tmp_path, memory, monkeypatch):
    fill(tmp_path / "data", 10)
    first = loaded(tmp_path / "data", cache=tmp_path / "cache", memory_bytes=memory)
    monkeypatch.setattr(ImageCodec, "load_image", None)
    second = loaded(tmp_path / "data", cache=tmp_path / "cache", memory_bytes=memory)
    assert torch.equal(everything(first), everything(second))
    assert first.digest == second.digest


def test_a_changed_folder_is_decoded_anew_and_the_old_cache_removed(tmp_path):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    loaded(data, cache=cache)
    before = {path.name for path in cache.iterdir()}
    fill(data, 1, "new")
    found = loaded(data, cache=cache)
    after = {path.name for path in cache.iterdir()}
    assert len(found.train) + len(found.held_out) == 11
    assert len(before) == len(after) == 2
    assert not before & after


def test_another_size_has_another_cache(tmp_path):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    loaded(data, cache=cache)
    found = load(find(data), {"sample": ImageCodec(height=3, width=3)}, cache=cache)
    assert found.train.take([0]).real.shape == (1, 3, 3, 3)


@pytest.mark.parametrize("victim", ["index-*.npz", "samples-*.bin"])
@pytest.mark.parametrize("harm", ["cut", "gone", "empty"])
def test_a_damaged_cache_is_made_anew(tmp_path, victim, harm):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    whole = everything(loaded(data, cache=cache))
    [path] = cache.glob(victim)
    held = path.read_bytes()
    path.unlink() if harm == "gone" else path.write_bytes(held[: 40 if harm == "cut" else 0])
    assert torch.equal(everything(loaded(data, cache=cache)), whole)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("victim", ["index-*.npz", "samples-*.bin"])
def test_a_cache_with_one_changed_bit_is_made_anew(tmp_path, victim):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    whole = everything(loaded(data, cache=cache))
    [path] = cache.glob(victim)
    content = path.read_bytes()
    for at in range(0, len(content), max(len(content) // 7, 1)):
        damaged = bytearray(content)
        damaged[at] ^= 16
        path.write_bytes(damaged)
        assert torch.equal(everything(loaded(data, cache=cache)), whole)
        assert path.read_bytes() == content


def test_a_cache_that_is_damaged_in_use_is_refused_with_a_remedy(tmp_path):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    loaded(data, cache=cache, memory_bytes=0)
    [path] = cache.glob("samples-*.bin")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="the cache is damaged") as caught:
        everything(loaded(data, cache=cache, memory_bytes=0))
    assert "Delete the file" in caught.value.remedy


def test_pictures_that_changed_places_with_size_and_time_kept_are_decoded_anew(tmp_path):
    data, cache = fill(tmp_path / "data", 10), tmp_path / "cache"
    before = loaded(data, cache=cache)
    one, other = sorted(data.rglob("*.png"))[:2]
    contents = one.read_bytes(), other.read_bytes()
    size = max(map(len, contents))
    for path, content in ((one, contents[0]), (other, contents[1])):
        path.write_bytes(content.ljust(size, b"\0"))
        os.utime(path, (10**9, 10**9))
    loaded(data, cache=cache)
    for path, content in ((one, contents[1]), (other, contents[0])):
        path.write_bytes(content.ljust(size, b"\0"))
        os.utime(path, (10**9, 10**9))
    again = loaded(data, cache=cache)
    assert again.train.store.location == before.train.store.location
    assert torch.equal(everything(again), everything(loaded(data)))


def test_a_disk_without_room_for_a_cache_means_streaming(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_DISK_FRACTION", 0.0)
    data = fill(tmp_path / "data", 10)
    found = loaded(data, cache=tmp_path / "cache", memory_bytes=0)
    assert found.train.store.location == "decoded as they are needed"
    assert not list((tmp_path / "cache").glob("samples*"))
    monkeypatch.setattr(ImageCodec, "load_image", None)  # what was found out need not be again
    assert loaded(data, cache=tmp_path / "cache", memory_bytes=0).digest == found.digest


def test_a_disk_that_runs_full_means_streaming_and_leaves_nothing_behind(tmp_path):
    data = fill(tmp_path / "data", 40)
    whole = loaded(data)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # the kernel now refuses larger files
    try:
        with pytest.raises(OSError, match="too large") as caught:
            (tmp_path / "probe").write_bytes(bytes(5000))
        assert caught.value.errno == errno.EFBIG
        found = loaded(data, cache=tmp_path / "cache", memory_bytes=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found.train.store.location == "decoded as they are needed"
    assert torch.equal(everything(found), everything(whole))
    assert not list((tmp_path / "cache").glob("samples*"))


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    data, cache = fill(tmp_path / "data", 12), tmp_path / "cache"
    cache.mkdir()
    left = cache / "samples-0123456789abcdef.new-1"
    left.write_bytes(b"half")
    loaded(data, cache=cache)
    assert not left.exists()


def test_a_cache_where_nothing_may_be_written(tmp_path):
    data = fill(tmp_path / "data", 4)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write the cache there"):
        loaded(data, cache=tmp_path / "file" / "cache")


def test_arrays_in_memory_need_no_cache(tmp_path):
    path = arrays_of(tmp_path / "a.npz", 10)
    loaded(path, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_a_folder_larger_than_memory_is_read_in_little_memory(tmp_path):
    """6,000 pictures of 128x128 are 295 MB decoded; reading them adds less than 100 MB."""
    data = fill(tmp_path / "data", 50, pictures=RNG.integers(0, 256, (50, 128, 128, 3), np.uint8))
    for number in range(50, 6000):
        os.link(data / f"{number % 50:04}.png", data / f"{number:04}.png")
    program = textwrap.dedent(f"""
        import resource, torch
        from pathlib import Path
        from gannet.data.dataset import find, load
        from gannet.modalities.image.codec import ImageCodec
        torch.set_num_threads(1)
        size = ImageCodec(height=128, width=128)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        codecs, cache = {{"sample": size}}, Path({str(tmp_path / "c")!r})
        found = load(find(Path({str(data)!r})), codecs, cache=cache)
        batches = found.train.batches(64, seed=0)
        for _ in range(60):
            next(batches)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(found.train.store.location, "|", (after - before) // 1024)
    """)
    source = str(Path(__file__).parents[3] / "src")
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": source},
    )
    words, megabytes = run.stdout.strip().split(" | ")
    assert words == "in a cache on disk"
    assert int(megabytes) < 100


@pytest.mark.skipif("GANNET_DATA" not in os.environ, reason="GANNET_DATA names no real data")
@pytest.mark.slow
def test_real_digits_are_found_and_split():
    found = load(
        find(Path(os.environ["GANNET_DATA"]) / "mnist"),
        {"sample": ImageCodec(height=28, width=28, channels=1)},
    )
    assert (len(found.train), len(found.held_out)) == (55_000, 5_000)
    assert found.classes == tuple("0123456789")
    assert found.skipped == ()
