"""Python API: ``train`` on data into a folder, ``prepare`` a session, ``load`` a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gannet.api.model import Model
from gannet.core.config import path_of
from gannet.inference.artifact import Artifact
from gannet.training.session import Session, prepare
from gannet.training.task import resolve_device

__all__ = ["Model", "Session", "load", "prepare", "train"]


def train(data: Path | str | Any, out: Path | str, **options: Any) -> Model:
    """Train on ``data`` into the folder ``out`` and return the model; resumes an unfinished run.

    Args:
        data: Folder, table or file, or a pandas data frame.
        out: Folder of the run.
        options: As for ``prepare``: ``minutes``, ``seed``, ``label`` and any setting.

    Raises:
        GannetError: if the data or settings cannot be used as they are.
    """
    session = prepare(data, out, **options)
    for _ in session.run():
        pass
    return load(session.out)


def load(folder: Path | str, *, device: str = "cpu") -> Model:
    """A trained model from a run's folder.

    Raises:
        ArtifactError: if the folder holds no artifact, is damaged, or is of a later gannet.
    """
    path = path_of(folder, "folder")
    return Model(Artifact.load(path, device=resolve_device(device)), path)
