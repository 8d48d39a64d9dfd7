"""A kind of data that says nothing of itself is planned, watched, finished, scored and reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.errors import CodecError
from gannet.core.source import Source
from gannet.data.dataset import load
from gannet.evaluation.report.html.page import can_draw, write_page
from gannet.evaluation.report.markdown import to_markdown
from gannet.evaluation.scored import score
from gannet.inference.artifact import Artifact
from gannet.inference.judge.fit import as_delivered, with_judge
from gannet.metrics.two_sample import TwoSampleResult
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.training.loop import run_training
from gannet.training.plan import PreparedData, make_plan

TOYS = Path(__file__).parent / "toys"


def raws(kind):
    """Some of a kind, told apart by nothing but their numbers."""
    rng = np.random.default_rng(0)
    if kind == "toy_sound":
        waves = np.sin(rng.uniform(0.05, 0.4, (240, 1)) * np.arange(48))
        return list((waves * 20_000).astype(np.int16))
    if kind == "toy_points":
        return list(rng.normal(size=(240, 6, 3)) * 5)
    return list(rng.integers(0, 5, (240, 7)))


@pytest.fixture(params=["toy_sound", "toy_points", "toy_tokens"])
def loaded(request, monkeypatch):
    """Samples of a kind that only entry points make known."""
    monkeypatch.syspath_prepend(str(TOYS))
    samples = raws(request.param)
    source = Source(
        path=Path("toys"),
        layout="in memory",
        kind=request.param,
        names=[str(number) for number in range(len(samples))],
        raw=samples.__getitem__,
    )
    codec = find_modality(request.param).codec.fit(samples)
    return load(source, {"sample": codec})


SMALL = {"steps": 26, "batch": 8, "threads": 1, "latent_dim": 4, "precision": "float32"}


def trained(loaded, out, recipe="", **settings):
    kind = loaded.codecs["sample"].kind
    plan = make_plan(
        PreparedData(loaded, minutes=0),
        recipe=recipe or f"{kind}_gan",
        given=settings or SMALL,
        seed=0,
        auto_adjust=True,
        device="cpu",
    )
    for _ in run_training(plan, loaded, out):
        pass
    return plan, Artifact.load(out)


def test_it_is_trained_scored_and_reported(loaded, tmp_path):
    plan, artifact = trained(loaded, tmp_path / "run")
    kind = find_modality(loaded.codecs["sample"].kind)
    assert plan.spec.kind == kind.name
    assert kind.noun[1] in (tmp_path / "run" / "README.md").read_text()
    lines = (tmp_path / "run" / "training_log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["monitor"]["finite"]
    shown = sorted((tmp_path / "run").glob(f"grid-*{kind.item_suffix}"))
    assert len(shown) == 8
    assert np.shape(artifact.codecs["sample"].read(shown[0])) == np.shape(raws(kind.name)[0])
    proof = TwoSampleResult.of(artifact.card.two_sample_test)
    assert proof.tested == len(loaded.held_out)
    assert proof.positive
    assert proof.negative is not None
    assert proof.sentence() in (tmp_path / "run" / "README.md").read_text()
    found = score(artifact, loaded, artifact.codecs, count=40, options={"steps": 20})
    assert TwoSampleResult.of(found.report.two_sample_test).tested == 40
    names = {each.name.partition("[")[0] for each in found.report.scores}
    assert names == {
        *("frechet", "kid", "energy", "precision", "recall", "density", "coverage"),
        *("duplicate rate", "c2st accuracy", "c2st auc", "memorization"),
        *("spread within modes", "neighbor distance", "outlier rate"),
    }
    assert f"memorization[{kind.noun[1]}]" in to_markdown(found.report)
    assert all(each.meaning for each in found.report.scores)
    if can_draw():
        assert kind.noun[1] in write_page(found.report, tmp_path, found.examples).read_text()


def test_a_run_gives_the_same_samples_twice(loaded, tmp_path):
    one, other = (trained(loaded, tmp_path / name)[1].sample(3, seed=1) for name in "ab")
    assert torch.equal(one, other)


def test_baselines_take_it_without_knowing_it(loaded, tmp_path):
    kind = loaded.codecs["sample"].kind
    _, copies = trained(loaded, tmp_path / "copies", "baseline_copies", latent_dim=4)
    train = loaded.train.take(range(len(loaded.train))).real
    assert (torch.cdist(copies.sample(20).flatten(1), train.flatten(1)).amin(1) < 0.01).all()
    if kind == "toy_tokens":
        assert kind not in find_recipe("baseline_mean").inputs.slots["sample"].modalities
        return
    _, mean = trained(loaded, tmp_path / "mean", "baseline_mean", latent_dim=4)
    assert torch.allclose(mean.sample(2)[1], train.mean(0), atol=1e-5)


def test_recipes_take_the_kinds_that_can_do_what_they_need(loaded, tmp_path):
    kind = loaded.codecs["sample"].kind
    takers = {
        name
        for name in recipe_modules()
        if kind in find_recipe(name).inputs.slots["sample"].modalities
    }
    everywhere = {"baseline_copies", f"{kind}_gan"}
    continuous = {"baseline_mean", "generate", "vae", "autoencoder"}
    assert takers == everywhere | (set() if kind == "toy_tokens" else continuous)
    if kind != "toy_tokens":
        _, artifact = trained(loaded, tmp_path / "run", "generate", **SMALL | {"width": 4})
        assert artifact.sample(3).shape == (3, *artifact.spec.shape)


@pytest.mark.parametrize("method", ["decode", "write"])
def test_a_codec_that_fails_at_the_end_costs_no_run(loaded, tmp_path, monkeypatch, method):
    def fails(*_args):
        raise KeyError("no such note")

    codec = type(loaded.codecs["sample"])
    monkeypatch.setattr(codec, method, fails)
    with pytest.raises(CodecError) as caught:
        trained(loaded, tmp_path / "run")
    said = str(caught.value)
    assert "the run is complete and saved" in said
    assert f"{codec.__module__}.{codec.__name__}.{method}" in said
    assert "no such note" in said
    assert (tmp_path / "run" / "README.md").exists()
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(TOYS))
    assert Artifact.load(tmp_path / "run").sample(2).isfinite().all()


def test_a_codec_that_cannot_encode_what_it_decodes_costs_only_the_judge(
    loaded, tmp_path, monkeypatch
):
    _, artifact = trained(loaded, tmp_path / "run")
    monkeypatch.setattr(type(loaded.codecs["sample"]), "decode", lambda *_: [None])
    with pytest.raises(CodecError, match="decoded and encoded again"):
        as_delivered(artifact, artifact.sample(2))
    judged = with_judge(artifact, loaded)
    assert judged.judge is None
    assert "decoded and encoded again" in judged.card.judge.missing
