"""Pairs as they lie on disk, holes, and what recipes share whose samples are answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.errors import DataError
from gannet.data import dataset
from gannet.data.pairing import find_pairs
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.masks import (
    content_masks,
    fill_by_diffusion,
    random_masks,
    seeds_of_state,
)
from gannet.modalities.image.reading.crops import cut_crops
from gannet.modalities.image.reading.pairs import gray, pencil
from gannet.modalities.image.reading.two_domains import check_two_domains
from gannet.modalities.image.tensors import encoded, in_channels, scaled_to


def picture(number, high=12, wide=12, channels=3):
    shape = (high, wide, channels) if channels > 1 else (high, wide)
    return np.random.default_rng(number).integers(0, 256, shape, np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folders(tmp_path):
    for number in range(14):
        save(tmp_path / "maps" / f"{number}.png", picture(number, channels=1))
        save(tmp_path / "photos" / f"{number}.png", picture(100 + number))
    return tmp_path


def loaded(source):
    codecs = [ImageCodec(height=12, width=12, channels=channels) for channels in (3, 1)]
    return dataset.load(source, {"sample": codecs[0], "grid": codecs[1]})


def test_two_folders_are_paired_by_name(folders):
    found = loaded(find_pairs(folders))
    batch = found.train.take(range(len(found.train)))
    assert batch.condition.grid.shape[1:] == (1, 12, 12)
    want = {picture(n, channels=1).tobytes(): picture(100 + n).tobytes() for n in range(14)}
    pixels = ((batch.condition.grid + 1) * 127.5).round().to(torch.uint8)[:, 0].numpy()
    targets = ((batch.real + 1) * 127.5).round().to(torch.uint8).movedim(1, 3).numpy()
    for given, target in zip(pixels, targets, strict=True):
        assert want[given.tobytes()] == np.ascontiguousarray(target).tobytes()


def test_what_is_given_can_be_named(folders):
    assert "photos and maps" in find_pairs(folders, given="photos").layout
    with pytest.raises(DataError, match="no folder pictures that could hold the inputs"):
        find_pairs(folders, given="pictures")


def test_partners_that_are_missing_are_listed(folders):
    (folders / "photos" / "3.png").unlink()
    assert "1 file ignored (maps/3.png): without a partner" in find_pairs(folders).problems
    for number in range(4, 14):
        (folders / "photos" / f"{number}.png").unlink()
    with pytest.raises(DataError, match="3 pairs, and 11 images without a partner"):
        find_pairs(folders)


def test_proportions_that_differ_are_named(folders):
    save(folders / "maps" / "5.png", picture(5, wide=30, channels=1))
    with pytest.raises(DataError, match=r"1 pairs .* 5.png \(30x12 and 12x12\)"):
        find_pairs(folders)


def test_an_empty_side_is_said(folders):
    for each in (folders / "maps").iterdir():
        each.unlink()
    with pytest.raises(DataError, match=r"maps: no images in it, .* those in photos"):
        find_pairs(folders)
    for each in (folders / "photos").iterdir():
        each.unlink()
    with pytest.raises(DataError, match=r"0 folders of images \(none\), expected two"):
        find_pairs(folders)


def test_one_broken_picture_of_a_pair_is_named(folders):
    (folders / "maps" / "7.png").write_bytes((folders / "maps" / "7.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"1 pairs with a .* read: maps/7.png \(broken"):
        loaded(find_pairs(folders))
    (folders / "maps" / "7.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 images that cannot be read: maps/7.png \(not an im"):
        find_pairs(folders)


def test_two_pictures_of_one_name_are_listed(folders):
    Image.fromarray(picture(1)).save(folders / "photos" / "1.bmp")
    with pytest.raises(DataError, match=r"photos: 1 names shared by two images: 1.bmp and 1.png"):
        find_pairs(folders)


def test_a_file_in_place_of_a_folder_is_said(folders):
    with pytest.raises(DataError, match=r"1.png: a file, expected a folder"):
        find_pairs(folders / "maps" / "1.png")


@pytest.mark.parametrize("given", ["left", "right"])
def test_halves_of_one_picture(tmp_path, given):
    for number in range(12):
        save(tmp_path / f"{number:02}.png", picture(number, wide=24))
    source = find_pairs(tmp_path, given=given)
    left, right = picture(0)[:0], picture(0, wide=24)
    left, right = right[:, :12], right[:, 12:]
    wanted = (left, right) if given == "left" else (right, left)
    assert np.array_equal(source.roles["grid"].raw(0), wanted[0])
    assert np.array_equal(source.raw(0), wanted[1])


def test_pictures_that_are_not_two_side_by_side_are_listed(tmp_path):
    for number in range(12):
        save(tmp_path / f"{number:02}.png", picture(number, wide=30 if number in (7, 9) else 24))
    said = r"2 of 12 images are not twice as wide as high.*: 07.png \(30x12\), 09.png"
    with pytest.raises(DataError, match=said):
        find_pairs(tmp_path)
    assert find_pairs(tmp_path, "side_by_side").raw(7).shape == (12, 15, 3)
    save(tmp_path / "11.png", picture(11, wide=1))
    with pytest.raises(DataError, match=r"1 images too narrow to be halved: 11.png"):
        find_pairs(tmp_path, "side_by_side")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"given,target\nmaps/1.png", r"pairs.csv, line 2: not as many cells"),
        (b"given,target\n\xff\xfe,photos/1.png", r"pairs.csv: cannot be read"),
        (b"given,target\nmaps/1.png,", r"pairs.csv, row 1: target '' is not a path inside"),
        (b"given,target\n../a.png,photos/1.png", r"row 1: given '../a.png' is not a path inside"),
        (b"given,target\n/a.png,photos/1.png", r"row 1: given '/a.png' is not a path inside"),
        (b"given,target\nmaps,photos/1.png", r"1 files do not exist: maps"),
        (b"one,other\nmaps/1.png,photos/1.png", r"no rows with the columns given and target"),
        (b"", r"no rows with the columns given and target"),
    ],
)
def test_a_table_that_is_wrong_is_named_with_its_row(folders, lines, said):
    (folders / "pairs.csv").write_bytes(lines)
    with pytest.raises(DataError, match=said):
        find_pairs(folders)


def test_a_table_of_pairs(folders):
    lines = [f"maps/{n}.png,photos/{13 - n}.png" for n in range(14)]
    (folders / "pairs.csv").write_text("\n".join(["given,target", *lines]))
    source = find_pairs(folders)
    assert source.raw(2).name == "11.png"
    assert source.roles["grid"].raw(2).name == "2.png"
    (folders / "pairs.csv").write_text("given,target\nmaps/1.png,photos/99.png\n")
    with pytest.raises(DataError, match=r"1 files do not exist: .*99.png"):
        find_pairs(folders)


def test_pairs_are_made_from_any_folder(tmp_path):
    for number in range(12):
        save(tmp_path / f"{number:02}.png", picture(number))
    with pytest.raises(DataError, match="single images, no pairs"):
        find_pairs(tmp_path)
    assert np.array_equal(find_pairs(tmp_path, "grey").roles["grid"].raw(0), gray(picture(0)))
    flat = np.full((8, 8, 3), 90, np.uint8)
    assert (pencil(flat) == 255).all()
    flat[:, 4:] = 250
    assert (pencil(flat)[:, 3:5] < 50).all()


def test_seeds_of_a_state_are_its_own_and_move_on():
    """What masks are drawn from beside a GPU, whose numbers would have to be waited for."""
    rng, again = (torch.Generator().manual_seed(2) for _ in range(2))
    first, second = seeds_of_state(5, rng), seeds_of_state(5, rng)
    assert first == seeds_of_state(5, again)
    assert not set(first) & set(second)
    assert first != seeds_of_state(5, torch.Generator().manual_seed(3))


def test_holes_are_of_the_size_asked_for_and_repeat():
    real = torch.rand(20, 3, 32, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    one, again = (random_masks(real, torch.Generator().manual_seed(2), 0.5) for _ in range(2))
    assert torch.equal(one, again)
    assert set(one.unique().tolist()) == {0.0, 1.0}
    assert 0.05 < one.mean() < 0.5
    quarter = content_masks(real)
    each = quarter.mean((1, 2, 3))
    assert 0.2 < each.min() < each.max() < 0.3
    assert each.mean() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(content_masks(real[3:5]), quarter[3:5])


def test_diffusion_continues_a_slope_into_holes():
    slope = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32)
    holes = torch.zeros(1, 1, 32, 32)
    holes[:, :, 10:20, 8:22] = 1
    filled = fill_by_diffusion(torch.where(holes > 0, 9.0, slope), holes)
    assert torch.equal(filled[holes == 0], slope[holes == 0])
    assert (filled - slope).abs().max() < 0.1


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_channels_are_turned_into_each_other(count, wanted):
    given = np.random.default_rng(0).random((5, 4, count), np.float32)
    made = in_channels(given, wanted)
    assert made.shape == (5, 4, wanted)
    assert 0 <= made.min() <= made.max() <= 1.0001
    if count == wanted:
        np.testing.assert_allclose(made, given)


def test_pictures_are_brought_to_the_size_of_training():
    given = encoded(np.zeros((40, 20, 3), np.float32), 1)
    assert scaled_to(given, (3, 64, 64)).shape == (1, 1, 128, 64)
    assert scaled_to(given, (3, 20, 30)) is given


def test_pieces_of_a_picture_stay_together(tmp_path):
    for number in range(15):
        save(tmp_path / f"{number:02}.png", picture(number, 40, 30))
    source = cut_crops(dataset.find(tmp_path), 12)
    found = dataset.load(source, {"sample": ImageCodec(height=12, width=12, channels=3)})
    groups = [{*source.groups[rows.indices].tolist()} for rows in (found.train, found.held_out)]
    assert groups[0]
    assert groups[1]
    assert not groups[0] & groups[1]
    assert source.names[1].startswith("00.png at ")
    assert len(cut_crops(dataset.find(tmp_path), 12, max_crops=30).names) <= 30


def sides(folder, first, second):
    """A folder per side, with pictures of so many channels each."""
    for name, channels in (("day", first), ("night", second)):
        for number, each in enumerate(channels):
            save(folder / name / f"{number:02}.png", picture(number, channels=each))
    return dataset.find(folder)


def test_a_gray_side_and_one_in_color_are_named(tmp_path):
    said = r"images of day are grey \(day/00.png\), those of night in colour \(night/01.png\)"
    with pytest.raises(DataError, match=said):
        check_two_domains(sides(tmp_path / "grey", [1] * 4, [1, 3, 3, 4]))
    with pytest.raises(DataError, match="images of night are grey"):
        check_two_domains(sides(tmp_path / "night", [3] * 4, [1] * 4))


def test_sides_of_one_kind_pass_with_some_of_the_other_among_them(tmp_path):
    check_two_domains(sides(tmp_path / "grey", [1] * 4, [1] * 4))
    check_two_domains(sides(tmp_path / "colour", [3, 1, 3], [3, 3, 1]))
    stored = sides(tmp_path / "stored", [3] * 3, [3] * 3)
    for file in (tmp_path / "stored" / "day").iterdir():
        Image.open(file).convert("L").convert("RGB").save(file)
    check_two_domains(stored)


def test_other_than_two_domains_are_named(tmp_path):
    flat = tmp_path / "flat"
    for number in range(3):
        save(flat / f"{number}.png", picture(number))
    with pytest.raises(DataError, match="images of one domain only, expected two"):
        check_two_domains(dataset.find(flat))
    three = sides(tmp_path / "three", [3] * 2, [3] * 2).path
    save(three / "dusk" / "0.png", picture(0))
    with pytest.raises(DataError, match=r"3 domains \(day, dusk, night\), expected two"):
        check_two_domains(dataset.find(three))
    empty = sides(tmp_path / "empty", [3] * 2, []).path
    (empty / "night").mkdir()
    with pytest.raises(DataError, match=r"empty/night: no images in it"):
        check_two_domains(dataset.find(empty))
