"""Each score that an evaluation can give has a page, a figure and a line on what it means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.frame import Frame
from gannet.core.scores import ABOUT
from gannet.core.types import Batch
from gannet.evaluation.evaluate import evaluate
from gannet.evaluation.report.summary import kind_of
from gannet.metrics import METRICS
from tests.unit.evaluation.test_evaluate import Heap, Library, Some

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


class Plain:
    """Answers pictures with themselves, and noise on top."""

    reference_methods = {"itself": lambda given: given.real}  # noqa: RUF012
    given, against_targets = "grid", True

    def __init__(self, *, paired: bool = True):
        self.paired = paired

    def resample(self, condition: Batch, *, seed: int):
        chance = torch.Generator().manual_seed(seed)
        return condition.real + 0.1 * torch.randn(condition.real.shape, generator=chance)

    def transform(self, given: Batch, *, seed: int):
        made = self.resample(given, seed=seed)
        if self.paired:
            return given, made
        # One side is wanted, and each was made of a darker picture.
        side = torch.ones(len(given), 1)
        told = replace(given.condition, vector=side, grid=given.real - 2)
        return replace(given, condition=told), made


def of_pictures_and_classes():
    chance = torch.Generator().manual_seed(0)
    labels = np.arange(90) % 3
    samples = (
        torch.randn(90, 1, 12, 12, generator=chance) + torch.from_numpy(labels)[:, None, None, None]
    )
    parts = [Some(samples[rows], labels[rows], "image") for rows in (slice(0, 60), slice(60, None))]
    data = Heap(*parts, classes=("a", "b", "c"))
    generator = Library(parts[1], data.classes)
    by_class = evaluate(generator, data, count=20, steps=40)
    answered = evaluate(generator, data, count=20, steps=40, conditional_generator=Plain())
    alone = evaluate(generator, data, count=30, steps=40, conditional_generator=Plain(paired=False))
    return [*by_class.scores, *answered.scores, *alone.scores]


def of_tables():
    pytest.importorskip("sklearn")
    from gannet.modalities.table.codec import TableCodec
    from gannet.modalities.table.evaluation.evaluate import evaluate_table
    from gannet.modalities.table.evaluation.imputation_report import evaluate_filled
    from tests.unit.modalities.table.test_evaluation import CODEC, HELD_OUT, TRAIN, people

    rows = evaluate_table(TRAIN, HELD_OUT, people(400, 9), CODEC, count=200)
    filled = evaluate_filled(
        TRAIN, HELD_OUT, CODEC, lambda frame, samples: [HELD_OUT[: len(frame)]] * samples, count=100
    )
    ruled = evaluate_table(*bills(200, 100), TableCodec.fit_frame(bills(200)[0]), count=100)
    return [*rows.scores, *filled.scores, *ruled.scores]


def bills(*counts: int) -> list[Frame]:
    """Training, held-out and fake rows of which a column is the sum of two others."""
    frames: list[Frame] = []
    for seed, count in enumerate((*counts, counts[-1])):
        net, tax = np.random.default_rng(seed).integers(1, 99, (2, count))
        frames.append(Frame(("net", "tax", "total"), (net, tax, net + tax)))
    return frames


@pytest.mark.timeout(600)
def test_every_score_that_can_be_given_has_a_page_and_a_meaning():
    made = [*of_pictures_and_classes(), *of_tables()]
    told = {kind_of(score): (score.meaning, score.page) for score in made}
    assert {*told} >= set(METRICS) | {
        "PSNR",
        "class accuracy",
        "attribute inference",
        "imputation rmse",
    }
    told["fid"] = (ABOUT["fid"]["meaning"], ABOUT["fid"]["page"])
    listed = (DOCS / "scores" / "all-scores.md").read_text(encoding="utf-8")
    for kind, (meaning, page) in sorted(told.items()):
        assert meaning, kind
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "**For whom.**" in text, kind
        assert "**How it misleads.**" in text, kind
        assert f"({Path(page).name})" in listed, kind
    pages = {each for each in (DOCS / "scores").glob("*.md") if each.stem != "all-scores"}
    assert pages == {ROOT / page for _, page in told.values()}, "a page that no evaluation needs"


def test_every_page_shows_a_figure_that_was_computed():
    pages = [each for each in (DOCS / "scores").glob("*.md") if each.stem != "all-scores"]
    assert len(pages) > 25
    for page in pages:
        named = [
            part.partition(")")[0] for part in page.read_text("utf-8").split("](../pictures/")[1:]
        ]
        assert named, page.name
        assert all((DOCS / "pictures" / each).is_file() for each in named), page.name


def test_answers_name_the_method_that_they_are_compared_with():
    samples = torch.randn(60, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    unknown = np.full(30, -1)
    data = Heap(Some(samples[:30], unknown, "image"), Some(samples[30:], unknown, "image"))
    report = evaluate(
        Library(data.held_out, ()), data, count=15, steps=40, conditional_generator=Plain()
    )
    assert report.baseline == "itself"
    assert report.conditional
    assert report.score("PSNR").baseline_name == "itself"
    assert "Baseline: itself, in place of the fakes." in report.protocol
