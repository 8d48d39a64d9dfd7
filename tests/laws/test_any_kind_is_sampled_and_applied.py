"""Kinds of data that say nothing of their use are sampled, judged and applied like any other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.api.train import Model
from gannet.cli.main import main
from gannet.core.errors import ConfigError, DataError
from gannet.core.transform import Transform
from gannet.core.types import Spec
from gannet.data.containers.frames import read_frame
from gannet.inference.apply import ApplyRequest, apply_file
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.judge_files import judge_files
from gannet.inference.write_samples import write_samples
from gannet.modalities import registry
from gannet.recipes.registry import find_recipe
from gannet.testing import changed

TOYS = Path(__file__).with_name("toys")
SIZES = {
    "toy_sound": {"length": 12},
    "toy_points": {"count": 5, "deviation": 1.5},
    "toy_tokens": {"length": 6, "words": 9},
}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """The toy package, as if it were installed."""
    monkeypatch.syspath_prepend(str(TOYS))
    registry.modality_of.cache_clear()
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "toys"]:
        del sys.modules[name]
    registry.modality_of.cache_clear()


@pytest.fixture(params=sorted(SIZES))
def run(request, tmp_path):
    """An untrained run of a toy kind, with two classes."""
    kind = request.param
    recipe = find_recipe(f"{kind}_gan")
    config = recipe.config(latent_dim=4, batch=4)
    codec = registry.codec_of(kind, SIZES[kind])
    spec = Spec(codec.shape, vector=2, kind=kind)
    codecs = {
        "sample": {"kind": kind, "state": SIZES[kind]},
        "vector": {"kind": "label", "state": {"classes": ["a", "b"]}},
    }
    card = Card(
        recipe=f"{kind}_gan",
        config=config.model_dump(),
        spec=spec,
        codecs=codecs,
        class_frequencies=(0.5, 0.5),
        steps=0,
        seed=0,
        gannet="0",
    )
    torch.manual_seed(0)
    networks = recipe.training.build(config, spec).eval().requires_grad_(False)
    Artifact(card, networks.generator, networks.discriminator).save(tmp_path / "run")
    return Model(Artifact.load(tmp_path / "run"), tmp_path / "run")


def test_samples_are_drawn_row_by_row_and_stacked(run):
    whole = run.sample(7, seed=3)
    assert len(whole) == 7
    assert np.array_equal(np.asarray(run.sample(4, seed=3)), np.asarray(whole[:4]))
    assert len(run.sample(0)) == 0
    assert len(list(run.stream(5, label="a"))) == 5


def test_samples_go_into_every_form_and_into_a_folder(run, tmp_path):
    modality = run.artifact.modality
    for suffix in modality.writers:
        said = write_samples(run.artifact, count=5, out=tmp_path / f"made{suffix}", seed=1)
        assert said == str(tmp_path / f"made{suffix}")
    with np.load(tmp_path / "made.npz") as found:
        assert len(found["data"]) == len(found["labels"]) == 5
        assert found["classes"].tolist() == ["a", "b"]
    write_samples(run.artifact, count=5, out=tmp_path / "folder", label="b")
    names = sorted(each.name for each in (tmp_path / "folder").iterdir())
    assert names == [*(f"{row:05}{modality.item_suffix}" for row in range(5)), "metadata.csv"]
    assert (tmp_path / "folder" / "metadata.csv").read_text().splitlines()[1].endswith(",b")
    again = run.codec.read(tmp_path / "folder" / names[3])
    assert np.allclose(again, np.asarray(run.sample(5, label="b")[3]), atol=1.5)


def test_a_form_that_the_kind_has_not_is_refused_in_its_own_words(run, tmp_path):
    noun = run.artifact.modality.noun[1]
    with pytest.raises(ConfigError, match=rf"{noun} cannot be written to .*made.png") as caught:
        write_samples(run.artifact, count=1, out=tmp_path / "made.png")
    assert caught.value.remedy == "Use .npz, or give a folder."
    with pytest.raises(ConfigError, match="--grid: is for images"):
        write_samples(run.artifact, count=1, out=tmp_path / "made.npz", grid=True)


def test_files_and_raw_samples_are_judged_and_broken_files_are_named(run, tmp_path):
    suffix = run.artifact.modality.item_suffix
    write_samples(run.artifact, count=3, out=tmp_path / "folder")
    (tmp_path / "folder" / f"broken{suffix}").write_text("no such thing")
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    found = json.loads(judge_files(run.artifact, [tmp_path / "folder"], label=None, json=True))
    assert [Path(each["file"]).name for each in found["judgments"]] == [
        f"{row:05}{suffix}" for row in range(3)
    ]
    assert len(found["broken"]) == 1
    assert f"broken{suffix}: cannot be read" in found["broken"][0]
    files = [tmp_path / "folder" / f"{row:05}{suffix}" for row in range(3)]
    assert run.judge(files) == pytest.approx(
        [each["real"] for each in found["judgments"]], abs=1e-4
    )
    assert len(run.judge(list(run.stream(4)), label="a")) == 4


def doubled(trained, given, samples, seed):
    return [np.asarray(given.sample)] * samples


@pytest.fixture
def transform(run, monkeypatch):
    """The same run, whose recipe transforms each sample into itself."""
    own = changed(
        run.artifact.recipe, transforms={"keep": Transform(description="keeps", apply=doubled)}
    )
    monkeypatch.setitem(vars(run.artifact), "recipe", own)
    return run


def test_a_file_a_folder_and_a_sample_in_memory_are_applied(transform, tmp_path):
    artifact, suffix = transform.artifact, transform.artifact.modality.item_suffix
    write_samples(artifact, count=2, out=tmp_path / "in")
    one = tmp_path / "in" / f"00001{suffix}"
    made = apply_file(artifact, one, tmp_path / "new" / f"out{suffix}", ApplyRequest(samples=2))
    assert [each.name for each in made] == [f"out-1{suffix}", f"out-2{suffix}"]
    assert made[1].read_bytes() == one.read_bytes()
    made = apply_file(artifact, tmp_path / "in", tmp_path / "out", ApplyRequest())
    assert [each.name for each in made] == [f"00000{suffix}", f"00001{suffix}"]
    assert np.array_equal(transform.apply(one), transform.codec.read(one))
    (tmp_path / "in" / f"00000{suffix}").write_text("no such thing")
    with pytest.raises(DataError, match=r"1 of 2 .* failed, the others are done"):
        apply_file(artifact, tmp_path / "in", tmp_path / "out", ApplyRequest())


def test_a_run_that_transforms_nothing_says_so(run, tmp_path):
    with pytest.raises(ConfigError, match="transforms no input into an output"):
        apply_file(run.artifact, tmp_path / "in", tmp_path / "out", ApplyRequest())


def test_editing_is_refused_for_what_has_no_light_and_no_place(run):
    with pytest.raises(ConfigError, match="which is what `gannet edit` edits"):
        run.directions()


def test_the_command_line_knows_the_run(run, tmp_path, capsys):
    assert main(["sample", str(run.folder), "--help"]) == 0
    assert "--label" in capsys.readouterr().out
    words = ["--count", "2", "--out", str(tmp_path / "made.npz"), "--label", "a"]
    assert main(["sample", str(run.folder), *words]) == 0
    assert (tmp_path / "made.npz").exists()
    assert main(["sample", str(run.folder), *words, "--prompt", "x"]) == 2
    assert "--prompt: this run's recipe does not know it" in capsys.readouterr().err


def test_reading_tables_is_none_of_their_business(run, tmp_path):
    """A kind that claims files is never given a table."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    assert len(read_frame(tmp_path / "a.csv")) == 1
    with pytest.raises(DataError, match="cannot be read"):
        run.judge(tmp_path / "a.csv")
