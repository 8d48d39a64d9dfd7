"""What ``gannet sample`` writes is read by ``judge``, ``apply`` and the readers of data."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.errors import ConfigError, DataError
from gannet.core.transform import Transform
from gannet.core.types import Spec
from gannet.data.containers.layouts.data_files import DATA_FILES, NOTES
from gannet.data.find import find
from gannet.inference import archives
from gannet.inference.apply import ApplyRequest, apply_file
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.judge_files import judge_files, judge_samples
from gannet.inference.write_samples import write_samples
from gannet.modalities import registry
from gannet.recipes.registry import find_recipe
from gannet.testing import changed

FOLDERS = [Path(__file__).with_name("toys"), Path(__file__).parents[1] / "odd"]
COUNT = 4
STATES = {
    "toy_sound": ("toy_sound_gan", {"length": 12}),
    "toy_points": ("toy_points_gan", {"count": 5, "deviation": 1.5}),
    "toy_tokens": ("toy_tokens_gan", {"length": 6, "words": 9}),
    "image": ("generate", {"height": 8, "width": 8, "channels": 1}),
    "vector": ("generate", {"names": ["a", "b"], "mean": [0.0, 1.0], "deviation": [1.0, 2.0]}),
    "odd_series": ("generate", {"length": 6}),
    "odd_cube": ("generate", {"side": 3}),
}
UNREADABLE = {("image", ".png"): "a grid is one image", ("odd_series", ".npz"): "claims no arrays"}
"""What is not read back sample by sample, and why."""


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """The packages of toys and of odd kinds, as if they were installed."""
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(str(folder))
    registry.modality_of.cache_clear()
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] in ("toys", "odd")]:
        del sys.modules[name]
    registry.modality_of.cache_clear()


def artifact_of(kind):
    """An untrained run of a kind."""
    name, state = STATES[kind]
    recipe = find_recipe(name)
    config = recipe.config(latent_dim=4, batch=4)
    spec = Spec(registry.codec_of(kind, state).shape, kind=kind)
    codecs = {"sample": {"kind": kind, "state": state}}
    card = Card(
        recipe=name,
        config=config.model_dump(),
        spec=spec,
        codecs=codecs,
        class_frequencies=(),
        steps=0,
        seed=0,
        gannet="0",
    )
    torch.manual_seed(0)
    networks = recipe.training.build(config, spec).eval().requires_grad_(False)
    return Artifact(card, networks.generator, networks.discriminator)


def written(artifact, folder):
    """Every form of the kind, and a zip of a folder of samples."""
    for suffix in artifact.modality.writers:
        if suffix == ".parquet":
            pytest.importorskip("pyarrow")
        path = folder / f"made{suffix}" if suffix else folder / "made"
        write_samples(artifact, count=COUNT, out=path)
        yield path
    if artifact.modality.item_suffix:
        write_samples(artifact, count=COUNT, out=folder / "many")
        yield folder / "many"
        yield Path(shutil.make_archive(str(folder / "packed"), "zip", folder / "many"))


@pytest.mark.parametrize("kind", sorted(STATES))
def test_what_is_sampled_is_judged(kind, tmp_path):
    artifact = artifact_of(kind)
    expected = artifact.discriminate(artifact.sample(COUNT)).tolist()
    paths = list(written(artifact, tmp_path))
    assert {each.suffix for each in paths} >= {
        suffix for suffix in artifact.modality.writers if suffix
    }
    for path in paths:
        if (kind, path.suffix) in UNREADABLE:
            continue
        found = json.loads(judge_files(artifact, [path], json=True))
        assert not found["broken"]
        real = [each["real"] for each in found["judgments"]]
        assert np.allclose(real, expected, atol=0.02), path
        assert len({each["file"] for each in found["judgments"]}) == COUNT, (
            "names are not told apart"
        )
        if path.is_file():
            assert np.allclose(
                [each.probability for each in judge_samples(artifact, path)], real, atol=1e-3
            )


@pytest.mark.parametrize("kind", sorted(STATES))
def test_what_is_sampled_can_be_given_as_data(kind, tmp_path):
    artifact = artifact_of(kind)
    for path in written(artifact, tmp_path):
        if (kind, path.suffix) not in UNREADABLE:
            assert find(path, kinds=[kind]).count == COUNT, path


def test_a_file_that_is_not_read_is_refused_with_the_suffixes_that_are(tmp_path):
    artifact = artifact_of("odd_series")
    write_samples(artifact, count=COUNT, out=tmp_path / "made.npz")
    (tmp_path / "made.abc").write_text("?")
    for name in ("made.npz", "made.abc"):
        with pytest.raises(DataError) as caught:
            judge_files(artifact, [tmp_path / name], json=True)
        assert "series a file is read from .csv; many together from" in str(caught.value)
        assert ".zip" in str(caught.value)
        assert "gannet-" not in str(caught.value), "a temporary file is named"


@pytest.mark.parametrize("kind", ["toy_sound", "toy_points", "toy_tokens", "odd_cube"])
def test_what_is_sampled_is_applied(kind, tmp_path, monkeypatch):
    artifact = artifact_of(kind)
    turned = Transform(
        description="turns",
        apply=lambda trained, given, samples, seed: [given.sample[::-1]] * samples,
    )
    turning = changed(artifact.recipe, transforms={"turn": turned})
    monkeypatch.setitem(vars(artifact), "recipe", turning)
    codec, suffix = artifact.codec, artifact.modality.item_suffix
    expected = [np.asarray(raw)[::-1] for raw in artifact.decode(artifact.sample(COUNT))]
    for path in written(artifact, tmp_path):
        out = tmp_path / f"out-{path.name.replace('.', '-')}"
        files = apply_file(artifact, path, out, ApplyRequest())
        assert sorted(out.iterdir()) == sorted(files)
        assert {each.suffix for each in files} == {suffix}
        for file, raw in zip(sorted(files), expected, strict=True):
            assert np.allclose(codec.read(file), raw, atol=1e-3)
    with pytest.raises(ConfigError, match="holds many"):
        apply_file(artifact, tmp_path / "made.npz", tmp_path / f"one{suffix}", ApplyRequest())


def test_the_suffixes_of_archives_are_those_that_data_are_found_in():
    assert DATA_FILES - {*NOTES} == archives.DATA_FILES
