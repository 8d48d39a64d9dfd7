"""What several tests start from: tiny data, one thread, an artefact that nobody trained."""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gannet.core.types import Spec
from gannet.data import dataset
from gannet.inference.artifact import Artifact
from gannet.inference.card import Calibration, Card
from gannet.modalities import registry
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.vector.codec import VectorCodec
from gannet.recipes.registry import find_recipe
from gannet.training.plan import Plan

SMALL = {"width": 4, "latent_dim": 6, "batch": 8, "threads": 1}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """120 grey pictures of 8 x 8, a bright square in each, in two classes, as one .npz."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((120, 8, 8, 1), np.uint8)
    for picture in pictures:
        row, column = rng.integers(0, 5, 2)
        picture[row : row + 3, column : column + 3] = rng.integers(150, 255)
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    np.savez(path, images=pictures, labels=np.arange(120) % 2)
    return path


@pytest.fixture(scope="session")
def points(tmp_path_factory):
    """200 points on a ring, as one .csv with a header."""
    turn = np.random.default_rng(0).uniform(0, 2 * np.pi, 200)
    path = tmp_path_factory.mktemp("data") / "points.csv"
    rows = np.stack([10 + np.cos(turn), np.sin(turn)], 1)
    np.savetxt(path, rows, delimiter=",", header="east,north", comments="")
    return path


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """300 people as a .csv: two of three smoke in the north, nobody else; some ages missing."""
    rng = np.random.default_rng(0)
    lines = ["id;name;age;born;place;smokes;weight"]
    for row in range(300):
        place = rng.choice(["north", "south", "east"], p=[0.5, 0.3, 0.2])
        smokes = "yes" if place == "north" and rng.random() < 2 / 3 else "no"
        age = "?" if rng.random() < 0.1 else str(rng.integers(18, 80))
        born = np.datetime64("1950-01-01") + rng.integers(0, 20_000)
        weight = f"{rng.normal(70, 12):.2f}"
        lines.append(f"P{row:04};Ann Bo Cy {row};{age};{born};{place};{smokes};{weight}")
    path = tmp_path_factory.mktemp("data") / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def loaded(squares):
    """The squares, decoded and split."""
    return dataset.load(
        dataset.find(squares), {"sample": ImageCodec(height=8, width=8, channels=1)}, seed=0
    )


@pytest.fixture(scope="session")
def planned(loaded):
    """Makes plans for the squares without measuring the machine."""

    def plan(*, look_every=4, auto_adjust=True, seconds=0.0, seed=0, **settings):
        config = find_recipe("generate").config(**(SMALL | {"steps": 12} | settings))
        return Plan(
            gannet="0",
            recipe="generate",
            data="squares.npz",
            digest=loaded.digest,
            codecs={
                role: {"kind": codec.kind, "state": codec.model_dump(mode="json")}
                for role, codec in loaded.codecs.items()
            },
            config=config.model_dump(mode="json"),
            user_settings=dict(settings),
            spec=Spec.of(loaded.train.take([0])),
            seed=seed,
            auto_adjust=auto_adjust,
            device="cpu",
            budget_seconds=seconds,
            step_seconds=0.01,
            eval_interval=look_every,
        )

    return plan


def untrained(codecs, spec, shares=(), **settings):
    """An artefact with first weights: all that loading, sampling and judging need."""
    recipe = find_recipe("generate")
    config = recipe.config(**(SMALL | settings))
    with torch.random.fork_rng():
        torch.manual_seed(7)
        networks = recipe.training.build(config, spec).eval().requires_grad_(False)
    card = Card(
        recipe="generate",
        config=config.model_dump(mode="json"),
        spec=spec,
        codecs={
            role: {"kind": codec.kind, "state": codec.model_dump(mode="json")}
            for role, codec in codecs.items()
        },
        class_frequencies=shares,
        steps=3,
        seed=0,
        gannet="0",
        calibration=Calibration(weight=1.5, bias=0.1, real=(0.5,) * 5, fake=(0.4,) * 5, count=20),
        data={"name": "squares", "digest": "", "train": 96, "held_out": 24, "classes": 0},
        diagnosis={"name": "healthy", "evidence": "nothing", "stopped": "all steps are done"},
        energy_distance={
            "name": "energy",
            "value": 2.0,
            "error": 0.1,
            "reference": 0.2,
            "samples": 24,
        },
    )
    return Artifact(card, networks.generator, networks.discriminator)


@pytest.fixture(scope="session")
def of_pictures():
    return untrained({"sample": ImageCodec(height=8, width=8, channels=1)}, Spec((1, 8, 8)))


@pytest.fixture(scope="session")
def of_classes():
    """Knows cats and dogs, of which three quarters are dogs."""
    codecs = {
        "sample": ImageCodec(height=8, width=8, channels=1),
        "vector": LabelCodec(classes=("cat", "dog")),
    }
    return untrained(codecs, Spec((1, 8, 8), vector=2), shares=(0.25, 0.75))


@pytest.fixture(scope="session")
def of_rows():
    codec = VectorCodec(names=("east", "north"), mean=(10.0, 0.0), deviation=(2.0, 3.0))
    return untrained({"sample": codec}, Spec((2,)))


@pytest.fixture(scope="session")
def of_labeled_rows():
    """Rows of cats and of dogs."""
    codecs = {
        "sample": VectorCodec(names=("east", "north"), mean=(10.0, 0.0), deviation=(2.0, 3.0)),
        "vector": LabelCodec(classes=("cat", "dog")),
    }
    return untrained(codecs, Spec((2,), vector=2), shares=(0.5, 0.5))


@pytest.fixture
def changed():
    """An artefact with another card."""

    def change(artifact, **fields):
        return replace(artifact, card=artifact.card.model_copy(update=fields))

    return change


@pytest.fixture
def forbidden(monkeypatch):
    """Makes files of a name unreadable, also for an administrator, whom file modes do not stop."""
    plain = io.open

    def forbid(name):
        def guarded(file, *args, **options):
            if isinstance(file, (str, os.PathLike)) and Path(file).name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return plain(file, *args, **options)

        monkeypatch.setattr(io, "open", guarded)
        monkeypatch.setattr(builtins, "open", guarded)

    return forbid


@pytest.fixture
def odd_kinds(monkeypatch):
    """Kinds of data that claim what gannet itself uses, as if their package were installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("odd")))
    registry.modality_of.cache_clear()
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "odd"]:
        del sys.modules[name]
    registry.modality_of.cache_clear()


@pytest.fixture
def of_trees(odd_kinds):
    """An untrained run of a kind whose raw samples are dictionaries, for which it takes a tree."""
    recipe = find_recipe("odd_tree_gan")
    config, state = recipe.config(latent_dim=4, batch=4), {"symbols": ["add", "sin", "x"]}
    card = Card(
        recipe="odd_tree_gan",
        config=config.model_dump(),
        spec=Spec((3, 4), tokens=(3, 4), kind="odd_tree"),
        codecs={key: {"kind": "odd_tree", "state": state} for key in ("sample", "tokens")},
        steps=0,
        seed=0,
        gannet="0",
    )
    torch.manual_seed(0)
    networks = recipe.training.build(config, card.spec).eval().requires_grad_(False)
    return Artifact(card, networks.generator, networks.discriminator)
