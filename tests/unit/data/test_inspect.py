"""The data doctor sees what is there and says in words what is wrong with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gannet.core.errors import DataError
from gannet.data.dataset import find
from gannet.data.inspect import Findings, examine
from gannet.modalities.image.inspect.sizes import size_for, suggest_size
from gannet.modalities.reading import Budget
from gannet.training.plan import advise

RNG = np.random.default_rng(0)


def scene(width=48, height=40, seed=None):
    """Soft blobs of colour, as unlike each other as photographs."""
    rng = RNG if seed is None else np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def fill(folder, count, suffix="png", **options):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        scene(**options).save(folder / f"{number:03}.{suffix}")
    return folder


def text(found):
    return "\n".join(found.describe())


def codes(found):
    return {each.code for each in found.problems}


def test_a_folder_is_described_in_numbers(tmp_path):
    fill(tmp_path, 6)
    fill(tmp_path, 3, "jpg", width=96, height=64)
    found = examine(tmp_path)
    assert (found.layout, found.kind, found.count, found.inspected) == (
        "folder of images",
        "image",
        9,
        9,
    )
    assert not found.usable, "nine are too few"
    assert found.recipe == "generate"
    sizes = found.details["sizes"]
    assert sizes["distinct"] == 2
    assert (sizes["smallest"], sizes["median"], sizes["largest"]) == ([48, 40], [48, 40], [96, 64])
    assert sizes["aspect"] == [1.2, 1.2, 1.5]
    assert found.details["modes"] == {"colour": 9}
    assert "2 different, from 48x40 to 96x64" in text(found)


def test_classes_and_their_balance(tmp_path):
    for name, count in (("cat", 30), ("dog", 2), ("newt", 1)):
        fill(tmp_path / name, count)
    found = examine(tmp_path)
    assert found.classes == {"cat": 30, "dog": 2, "newt": 1}
    assert "class of one item: newt" in text(found)
    assert "class of fewer than ten items: dog" in text(found)
    assert "classes out of balance: from 1 to 30" in text(found)


def test_half_labeled_data_are_counted(tmp_path):
    fill(tmp_path, 4)
    rows = [f"{number:03}.png,{'a' if number else ''}" for number in range(4)]
    (tmp_path / "metadata.csv").write_text("file_name,label\n" + "\n".join(rows))
    found = examine(tmp_path)
    assert (found.classes, found.unlabeled) == ({"a": 3}, 1)
    assert "without a class: 1" in text(found)


def test_exact_duplicates_are_named_also_in_another_format(tmp_path):
    fill(tmp_path, 5)
    Image.open(tmp_path / "001.png").save(tmp_path / "copy.bmp")
    Image.open(tmp_path / "001.png").save(tmp_path / "copy.png")
    found = examine(tmp_path)
    assert found.duplicates == 2
    assert found.duplicate_groups == (("001.png", "copy.bmp", "copy.png"),)
    assert "near_duplicates" not in codes(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((36, 30), Image.Resampling.LANCZOS),
        lambda image: image.filter(ImageFilter.GaussianBlur(0.7)),
        lambda image: image.point(lambda value: min(255, value + 2)),
    ],
)
def test_near_duplicates_are_named(tmp_path, change):
    fill(tmp_path, 20)
    change(Image.open(tmp_path / "007.png")).save(tmp_path / "copy.jpg", quality=90)
    found = examine(tmp_path)
    assert found.duplicates == 0
    [near] = [each for each in found.problems if each.code == "near_duplicates"]
    assert (near.evidence["count"], near.evidence["different"]) == (1, 20)
    assert near.examples == ("007.png", "copy.jpg")
    assert "1 of 21 images (4.8%) nearly equal another" in text(found)


def test_different_pictures_are_no_near_duplicates(tmp_path):
    assert not codes(examine(fill(tmp_path, 150)))


def test_plain_pictures_of_like_hash_are_told_apart(tmp_path):
    for number in range(12):  # one small mark each: hashes of nearly all zeros
        image = np.zeros((32, 32), np.uint8)
        image[4 + 2 * number, 4:8] = 255
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    assert "near_duplicates" not in codes(examine(tmp_path))


def test_broken_files_are_named_with_reasons(tmp_path):
    fill(tmp_path, 20)
    (tmp_path / "letter.png").write_text("Dear Sir or Madam")
    held = (tmp_path / "000.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(held[: len(held) // 2])
    found = examine(tmp_path)
    assert dict(found.broken)["letter.png"] == "not an image"
    assert "broken image" in dict(found.broken)["cut.png"]
    assert found.usable
    assert "2 images cannot be read and would be skipped" in text(found)


def test_too_many_broken_files_make_data_unusable(tmp_path):
    fill(tmp_path, 10)
    for number in range(4):
        (tmp_path / f"bad{number}.png").write_text("no")
    found = examine(tmp_path)
    assert not found.usable
    assert "too many to be skipped" in text(found)
    assert text(found).endswith("training would refuse these data")


def test_a_folder_of_nothing_but_broken_files_is_described_and_unusable(tmp_path):
    for number in range(3):
        (tmp_path / f"bad{number}.png").write_text("no")
    found = examine(tmp_path)
    assert not found.usable
    assert found.details["size"] is None
    assert set(advise(found)) == {"minutes", "why"}, "no resolution suits pictures of no size"
    with pytest.raises(DataError, match=r"3 of 3 images cannot be read.*not an image") as caught:
        suggest_size(find(tmp_path))
    assert caught.value.where == str(tmp_path), "the folder, not one of its files"
    assert caught.value.remedy


def test_a_few_broken_files_do_not_keep_a_size_from_being_found(tmp_path):
    fill(tmp_path, 3, width=40, height=40)
    for number in range(4):
        (tmp_path / f"zbad{number}.png").write_text("no")
    assert suggest_size(find(tmp_path)).height == 40


@pytest.mark.parametrize("count", [1, 5])
def test_one_picture_or_equal_pictures_are_unusable(tmp_path, count):
    for number in range(count):
        scene(seed=1).save(tmp_path / f"{number}.png")
    found = examine(tmp_path)
    assert not found.usable
    assert "fewer than 10 different images" in text(found)


def test_of_very_many_pictures_a_sample_is_looked_at_and_this_is_said(tmp_path):
    found = examine(fill(tmp_path, 20), max_samples=8)
    assert (found.count, found.inspected) == (20, 8)
    assert "inspected 8 of them" in text(found)


def test_rows_of_numbers_are_described_by_column(tmp_path):
    (tmp_path / "a.csv").write_text("x,same\n1,7\n3,7\n1,7\n")
    found = examine(tmp_path / "a.csv", kinds=["vector"])
    assert (found.kind, found.count, found.duplicates) == ("vector", 3, 1)
    assert found.details["columns"][0] == {
        "name": "x",
        "low": 1,
        "mean": pytest.approx(5 / 3),
        "high": 3,
        "deviation": pytest.approx(np.std([1, 3, 1])),
    }
    assert not found.options
    assert "columns that never change: same" in text(found)


def test_findings_survive_json(tmp_path):
    found = examine(fill(tmp_path, 12)).model_copy(update={"plan": {"minutes": 10}})
    assert Findings.model_validate_json(found.model_dump_json()) == found
    assert json.loads(found.model_dump_json())["details"]["size"]["channels"] == 3
    assert text(found).endswith("minutes: 10")


def test_what_find_passed_over_is_a_warning(tmp_path):
    fill(tmp_path, 3)
    fill(tmp_path / "old", 2)
    assert "2 files ignored (old/" in text(examine(tmp_path))


def test_nothing_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        examine(tmp_path / "gone")


# Sizes


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)], (28, 28)),
        ([(8, 8)], (8, 8)),
        ([(64, 64)] * 3, (64, 64)),
        ([(30, 30)], (32, 32)),
        ([(32, 16)], (16, 32)),
        ([(200, 250)], (68, 56)),
        ([(640, 480)], (52, 72)),
        ([(100, 50), (50, 100), (60, 60)], (48, 48)),
        ([(500, 20)], (20, 20)),
        ([(1, 1)], (4, 4)),
    ],
)
def test_a_size_is_natural_in_fours_and_within_the_budget(sizes, expected):
    found = size_for(sizes, [3], 64)
    assert (found.height, found.width) == expected
    assert found.height * found.width <= 64 * 64


def test_a_larger_budget_allows_larger_pictures():
    assert size_for([(640, 480)], [3], 256).height == 220


@pytest.mark.parametrize(
    ("channels", "expected"),
    [([1, 1], 1), ([1, 3], 3), ([4] * 5, 4), ([2, 2], 2), ([2, 3], 4), ([3] * 19 + [4], 3)],
)
def test_channels_hold_what_the_pictures_show(channels, expected):
    assert size_for([(32, 32)], channels).channels == expected


def test_gray_pictures_saved_as_color_are_gray(tmp_path):
    for number in range(4):
        scene().convert("L").convert("RGB").save(tmp_path / f"{number}.jpg")
    assert suggest_size(find(tmp_path)).channels == 1


def test_alpha_that_hides_nothing_is_left_out(tmp_path):
    for number in range(4):
        scene().convert("RGBA").save(tmp_path / f"{number}.png")
    found = suggest_size(find(tmp_path))
    assert found.channels == 3
    assert examine(tmp_path).details["modes"] == {"colour with alpha": 4}


def test_alpha_that_hides_something_is_kept(tmp_path):
    for number in range(4):
        image = scene().convert("RGBA")
        image.putalpha(scene().convert("L"))
        image.save(tmp_path / f"{number}.png")
    assert suggest_size(find(tmp_path)).channels == 4


def test_a_size_says_why():
    assert size_for([(200, 250)], [1], 64).reason == (
        "the images are 200x250; reduced to 4,096 pixels at most; grey"
    )
    assert "the middle square is kept" in size_for([(90, 50), (50, 70)], [3], 64).reason


def test_enlarged_and_long_pictures_are_warned_about(tmp_path):
    fill(tmp_path, 8, width=120, height=40)
    scene(10, 12).save(tmp_path / "small.png")
    said = text(examine(tmp_path))
    assert "some images are enlarged, the smallest from 10x12" in said
    assert "lose over half when cropped" in said


@pytest.mark.parametrize("largest", [16, 64])
def test_what_is_looked_at_and_what_is_trained_have_one_size(tmp_path, largest):
    fill(tmp_path, 12)
    assert (
        examine(tmp_path, budget=Budget(largest=largest)).details["size"]
        == suggest_size(find(tmp_path), largest=largest).model_dump()
    )


@pytest.mark.usefixtures("odd_kinds")
def test_equal_objects_are_duplicates_and_others_are_not(tmp_path):
    for number in range(40):
        tree = {"op": "add", "kids": [{"op": f"n{number % 20}"}]}
        backwards = dict(reversed(tree.items())) if number % 2 else tree
        (tmp_path / f"{number:02}.json").write_text(json.dumps(backwards))
    found = examine(tmp_path)
    assert (found.kind, found.count, found.duplicates) == ("odd_tree", 40, 20)
    assert ("00.json", "20.json") in found.duplicate_groups


@pytest.mark.usefixtures("odd_kinds")
def test_samples_that_cannot_be_encoded_are_named_with_reasons(tmp_path):
    for number in range(40):
        (tmp_path / f"{number:02}.json").write_text(json.dumps({"op": f"n{number}"}))
    (tmp_path / "07.json").write_text('{"kids": []}')
    found = examine(tmp_path)
    assert found.broken == (("07.json", "tree cannot be encoded (KeyError: 'op')"),)
    assert found.usable
    for number in range(40):
        (tmp_path / f"{number:02}.json").write_text('{"kids": []}')
    with pytest.raises(DataError, match=r"a codec for trees cannot be fitted .KeyError: 'op'"):
        examine(tmp_path)
