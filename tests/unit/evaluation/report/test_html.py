"""Pages of HTML: whole, self-contained, safe, and with every number that the report has."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.core.io.training_log import TrainingLog, read_training_log
from gannet.core.scores import TrainingDistance
from gannet.core.types import Batch, Condition
from gannet.evaluation.evaluate import Component, EvaluationSamples, NearestPair, Report, Score
from gannet.evaluation.report.examples import OUTPUTS, Examples, with_examples
from gannet.evaluation.report.markdown import to_json, to_markdown
from gannet.evaluation.report.summary import number, summary
from gannet.metrics.gaussian_baseline import GaussianBaseline
from gannet.metrics.histograms import row_histograms
from gannet.metrics.memorization import MAX_PAIRS
from gannet.modalities.hooks import Exhibit
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.table.evaluation.words import DESCRIPTIONS

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
from gannet.evaluation.report.html.page import page, write_page

NASTY = "<script>alert('$x_1$')</script> & \"b\" **c** `d|e`"
VOID = {"meta", "img", "br", "hr", "link", "input", "wbr"}


class Reader(HTMLParser):
    """Checks that tags nest, and gathers what could ask for something from outside."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.targets: list[str] = []
        self.seen: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        told = dict(attrs)
        assert not [name for name in told if name.startswith("on")]
        for name in ("src", "href", "action", "data", "srcset", "poster", "xlink:href"):
            if name in told:
                self.targets.append(told[name])
        if "id" in told:
            self.ids.append(told["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.remove(tag) if tag in VOID and tag in self.open else None
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> while <{self.open[-1]}> is open"
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)


def score(name: str, **changes) -> Score:
    numbers = {"value": 0.6123, "low": 0.5987, "high": 0.6345, "reference": 0.5011}
    numbers |= {"reference_low": 0.4876, "reference_high": 0.5234, "samples": 4321, "better": "low"}
    numbers |= {"baseline": 0.8765, "chance_level": 0.5, "upper_bound": 0.4567}
    return Score(name=name, **numbers | changes)


def report(**changes) -> Report:
    rng = np.random.default_rng(0)
    parts = (
        Component(name=NASTY, value=0.3, reference=0.9),
        Component(name="plain", value=0.8, reference=0.9),
    )
    pair = NearestPair(
        fake=3,
        train=17,
        distance=0.25,
        ratio=0.1,
        suspect=True,
        fake_cells=(NASTY, "1"),
        train_cells=("x", "1"),
    )
    evaluations = tuple(
        {
            "step": step,
            "elapsed": 1.0 * step,
            "monitor": {
                "d_real": 0.5,
                "d_fake": 0.4,
                "auc_train": 0.7,
                "auc_held_out": 0.6,
                "auc_error": 0.02,
                "energy_distance": 2.0 / step,
                "energy_distance_se": 0.01,
                "reference": -0.001 if step == 10 else 0.001,
                "gaussian_baseline": 1.0,
            },
            "diagnosis": "healthy",
            "action": {"reason": NASTY, "changes": {"gradient_penalty": 2.5}}
            if step == 20
            else None,
        }
        for step in (10, 20, 30)
    )
    made = {
        "artifact": NASTY,
        "data": "people",
        "scores": (
            score("c2st accuracy[samples]"),
            score("class accuracy", better="high", components=parts),
            score("frechet[x:1]", value=3.0, low=2.0, high=4.0, baseline=400.0, upper_bound=None),
            score(NASTY, baseline=None, chance_level=None, upper_bound=None),
        ),
        "suspects": (pair,),
        "examples": (pair,),
        "training_distance": TrainingDistance(
            metric="Gower's",
            levels=tuple(np.linspace(0, 1, 101)),
            fake=tuple(np.linspace(0, 2, 101)),
            held_out=tuple(np.linspace(1, 3, 101)),
            searched=999,
        ),
        "columns": (NASTY, "b"),
        "histograms": row_histograms(
            [NASTY, "b"], rng.normal(size=(90, 2)), rng.normal(size=(90, 2))
        ),
        "seed": 7,
        "gannet": "0.1.0",
        "protocol": ("First 4321 fakes.", "Second <b>."),
        "training_log": TrainingLog(
            recipe="anything",
            steps=30,
            batch=8,
            seconds=30.0,
            diagnosis="healthy",
            evaluations=evaluations,
        ),
        "seconds": 12.5,
    }
    return Report(**made | changes)


@pytest.fixture(scope="module")
def made() -> str:
    return page(report())


def test_tags_nest_and_ids_are_unique(made):
    read = Reader(made)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))


def test_nothing_on_the_page_can_ask_for_anything(made):
    read = Reader(made)
    assert {"script", "iframe", "object", "link", "form", "base"} & read.seen == set()
    outside = [
        each for each in read.targets if not each.startswith(("#", "data:image/png;base64,"))
    ]
    assert outside == []
    assert "://" not in made
    assert not re.search(r"@import|url\((?!#)", made)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', made)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "img-src data:;" in policy[1]
    assert "script-src" not in policy[1]


def test_every_anchor_leads_somewhere(made):
    read = Reader(made)
    anchors = [each[1:] for each in read.targets if each.startswith("#")]
    assert anchors
    assert set(anchors) <= set(read.ids)


def test_every_score_stands_with_all_its_numbers(made):
    read = Reader(made)
    text = " ".join(read.words)
    for each in report().scores:
        assert each.name in text
        for value in (
            each.value,
            each.low,
            each.high,
            each.reference,
            each.reference_low,
            each.reference_high,
        ):
            assert number(value) in text
        for value in (each.baseline, each.upper_bound, each.chance_level):
            assert value is None or number(value) in text
        assert str(each.samples) in text
    for sentence in report().protocol:
        assert sentence in text


def test_names_that_look_like_markup_are_words(made):
    assert "<script" not in made.lower()
    assert "alert(" in made
    text = " ".join(Reader(made).words)
    for name in ("column", "part", "artifact"):
        assert NASTY in text, name


def test_it_suits_phones_paper_and_the_dark(made):
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in made
    assert "prefers-color-scheme: dark" in made
    assert "@media print" in made
    # Figures are drawn in the page's own colours, so that they can be read on any ground.
    drawn = "".join(re.findall(r"<svg.*?</svg>", made, re.DOTALL))
    assert "var(--fake)" in drawn
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#000000"} - {"#010101"}


def test_figures_are_told_to_those_who_hear_the_page(made):
    pictures = re.findall(r"<svg[^>]*>", made)
    assert len(pictures) > 10
    assert all('role="img"' in each or 'aria-hidden="true"' in each for each in pictures)
    assert 'aria-label="Energy distance to held-out data: fakes from 0.200 to 0.067' in made


def test_actions_of_balance_are_marked_and_told(made):
    text = " ".join(Reader(made).words)
    assert f"Step 20: {NASTY}; set gradient_penalty = 2.5" in text
    assert "Numbered vertical lines" in text
    assert "Auto-adjust changed nothing" in page(
        report(training_log=TrainingLog(evaluations=report().training_log.evaluations[:1]))
    )


def test_what_loses_is_marked_as_losing():
    losing = score("kid[x]", value=2.0, low=1.9, high=2.1, baseline=1.0)
    text = page(report(scores=(losing,)))
    assert "loses to baseline" in text
    assert "<strong>It loses to its baseline</strong>: a plain Gaussian does better" in text
    tied = score("kid[x]", value=2.0, low=1.9, high=2.1, baseline=2.05)
    assert "baseline as good" in page(report(scores=(tied,)))
    assert "It loses" not in page(report(scores=(tied,)))


def test_pictures_lie_in_the_page(tmp_path):
    packed = io.BytesIO()
    Image.new("L", (4, 4)).save(packed, "PNG")
    png = Exhibit("png", packed.getvalue())
    path = write_page(report(), tmp_path / "new", Examples(((png, png),), ((png, png),)))
    assert path.name == "report.html"
    assert path.read_text(encoding="utf-8").count("data:image/png;base64,") == 4


def test_a_bare_report_has_a_page_too():
    bare = Report(
        artifact="", data="", scores=(), suspects=(), seed=0, gannet="0", protocol=("None.",)
    )
    read = Reader(page(bare))
    assert read.open == []
    assert {each[1:] for each in read.targets} <= set(read.ids)
    assert "There is no training log" in " ".join(read.words)


def test_the_same_report_gives_the_same_page():
    assert page(report(), Examples()) == page(report(), Examples())


def test_json_and_markdown_say_the_same(made):
    whole = report()
    assert Report.model_validate_json(to_json(whole)) == whole
    text = to_markdown(whole)
    assert "<script" not in text
    assert "nearest of 999 training samples" in text
    assert "| 50 % | 1.000 | 2.000 |" in text
    assert "1. Step 20:" in text
    assert "Training: 30.0 s" in text
    assert "30, each of 8 samples, 240 in all" in text


def test_the_course_is_read_from_whatever_files_there_are(tmp_path):
    told = {"name": "healthy", "evidence": "e", "stopped": "s"}
    assert read_training_log(tmp_path, recipe="r", diagnosis=told).evaluations == ()
    (tmp_path / "plan.json").write_text(
        '{"config": {"batch": 4}, "budget_seconds": 60, "device": "cpu"}'
    )
    whole = '{"step": 5, "elapsed": 2.5, "monitor": {"d_real": 0.5, "d_fake": null}}\n'
    (tmp_path / "training_log.jsonl").write_text(whole + '{"step": 9, "ela')
    training_log = read_training_log(tmp_path, recipe="r", diagnosis=told)
    assert (training_log.steps, training_log.batch, training_log.seconds, training_log.budget) == (
        5,
        4,
        2.5,
        60,
    )
    assert training_log.series("d_real") == [(5, 0.5)]
    assert training_log.series("d_fake") == []


def test_answers_are_not_called_fakes():
    """On the page, in Markdown and in what is heard; D(fake) is the name of a measure."""
    for answers in (False, True):
        some = report(conditional=answers)
        for text in (page(some), to_markdown(some)):
            told = re.sub(r"D\(fake\)|--fake", "", text)
            found = [
                told[at.start() - 40 : at.end() + 20] for at in re.finditer(r"\bfakes?\b", told)
            ]
            assert bool(found) is not answers, found
            assert ("4321 answers" in told) is answers


def test_a_kind_that_is_lost_is_not_called_as_good_too():
    lost = score("frechet[a]", value=3.0, low=2.5, high=3.5, baseline=1.0, better="low")
    tied = score("frechet[b]", value=1.0, low=0.6, high=1.5, baseline=1.0, better="low")
    words = summary(report(scores=(lost, tied)))
    assert "does better in: frechet" in words
    assert "as well" not in words
    assert "does as well in: frechet" in summary(report(scores=(tied,)))


def test_what_is_disclosed_is_named_by_its_column():
    told = score(
        "attribute inference[income]",
        value=0.3,
        low=0.2,
        high=0.4,
        reference_high=0.1,
        chance_level=0.0,
        **DESCRIPTIONS["attribute inference"],
    )
    words = summary(report(scores=(told,)))
    assert "fakes predict income of training rows better" in words


def test_a_page_stays_below_twelve_megabytes_whatever_the_pictures():
    """Noise is what PNG cannot pack; side, channels and number are the largest that are shown."""
    chance = torch.Generator().manual_seed(0)
    noise = torch.rand(MAX_PAIRS, 4, 300, 300, generator=chance) * 2 - 1
    told = replace(Condition.none(noise), grid=noise)
    plain = GaussianBaseline.fit(noise[..., :2, :2], torch.full((MAX_PAIRS,), -1), 0, seed=0)
    made = EvaluationSamples(
        held_out=noise,
        real_reference=noise,
        fake=noise,
        baseline_samples=noise,
        labels=torch.zeros(MAX_PAIRS),
        class_conditional=False,
        remaining=(),
        gaussian=plain,
        given=Batch(noise, told),
        kind="image",
    )
    pairs = tuple(
        NearestPair(fake=at, train=at, distance=1.0, ratio=1.0, suspect=False)
        for at in range(MAX_PAIRS)
    )
    some = report(examples=pairs, suspects=pairs)
    codec = ImageCodec(height=300, width=300, channels=4)
    data = SimpleNamespace(train=SimpleNamespace(take=lambda rows: Batch(noise[rows], told[rows])))
    others = [noise[:OUTPUTS]] * 2
    told_too, examples = with_examples(some, made, data, {"sample": codec}, others)
    assert len(examples.outputs) == OUTPUTS
    assert {len(row) for row in examples.outputs} == {5}
    assert Image.open(io.BytesIO(examples.grid.content)).size == (5 * 302 + 2, OUTPUTS * 302 + 2)
    text = page(told_too, examples)
    assert 2_000_000 < len(text.encode()) < 12_000_000
    assert "beside their targets" not in text, "nothing compares these answers with targets"
    scores = (*told_too.scores, score("PSNR", role="target"))
    text = page(told_too.model_copy(update={"scores": scores}), examples)
    assert "Answers beside their targets" in text
    Reader(text)


def test_filled_cells_are_measured_by_perfect_ones():
    scores = (score("imputation rmse", chance_level=None, upper_bound=None, reference_high=0.7),)
    some = report(scores=scores, conditional=True, baseline="best of three", histograms=())
    text = page(some)
    assert "as good as perfect" in text
    assert "real against real" not in text
    assert "imputation rmse 0.612 (best of three: 0.876)" in summary(some)
    assert "1 of 1 scores cannot be told from those of perfect answers" in summary(some)


def test_simple_methods_stand_below_the_run_and_sides_do_not():
    methods = (Component(name="by bicubic", value=0.25, reference=1.0),)
    sides = (Component(name="to winter", value=0.25, reference=1.0),)
    for parts, there in ((methods, True), (sides, False)):
        text = page(
            report(
                scores=(score("SSIM", baseline_name="bicubic", components=parts),), conditional=True
            )
        )
        assert ("and by simple methods" in text) is there
        assert ("this run" in text) is there


def test_an_axis_in_powers_of_ten_needs_no_mathematical_fonts(caplog):
    """These are looked for in vain on many machines, which would be told line by line."""
    wide = score("frechet[x]", value=4_000.0, low=3_000.0, high=5_000.0)
    text = page(report(scores=(wide,)))
    assert "1000" in text
    assert "$" not in Reader(text).words
    assert not [each for each in caplog.records if "findfont" in each.message]
