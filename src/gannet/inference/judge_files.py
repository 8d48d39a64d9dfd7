"""``gannet judge``: probabilities of being real for samples in memory and in files."""

from __future__ import annotations

import json as json_
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.sampling import LoadedSamples
from gannet.core.types import Condition
from gannet.data.containers.frames import read_frame
from gannet.inference.calibration import QUANTILES
from gannet.inference.card import Calibration
from gannet.inference.sampler import TrainedSampler
from gannet.modalities.registry import find_modality


def judge_samples(
    artifact: TrainedSampler, samples: Sequence[Path | str] | Any, *, label: str | int | None = None
) -> list[float]:
    """Probability of being real for each sample; see ``gannet.Model.judge``.

    Args:
        artifact: The trained run.
        samples: One file, several, or raw samples.
        label: Score them as samples of this class; by default as the best-fitting class.

    Raises:
        ConfigError: if the recipe trains no discriminator.
        DataError: if a file cannot be read.
    """
    require_discriminator(artifact)
    if isinstance(samples, str | Path):
        encoded = _read(artifact, Path(samples)).samples
    else:
        codec = artifact.codecs["sample"]
        encoded = find_modality(codec.kind).inference.encode(codec, samples)
    return _judged(artifact, encoded, label)


def require_discriminator(artifact: TrainedSampler) -> None:
    """Refuse a run without a trained discriminator.

    Raises:
        ConfigError: saying why.
    """
    if artifact.recipe.training.fit is not None:
        raise ConfigError(
            f"a run of the recipe {artifact.card.recipe} was fitted without a discriminator, so "
            "that it judges nothing",
            remedy="Judge with a run on the same data that has a discriminator.",
        )


def _read(artifact: TrainedSampler, path: Path) -> LoadedSamples:
    """Encoded samples of a file."""
    codec = artifact.codecs["sample"]
    return find_modality(codec.kind).inference.read_file(codec, path, read_frame)


def _judged(artifact: TrainedSampler, encoded: Tensor, label: str | int | None) -> list[float]:
    if not len(encoded):
        return []
    if label is None:
        return artifact.judge(encoded).tolist()
    blank = Condition.none(encoded)
    vector = artifact.conditions(len(encoded), label=label).vector
    return artifact.judge(encoded, Condition(vector, blank.grid, blank.tokens)).tolist()


def judge_files(
    artifact: TrainedSampler, files: Sequence[Path], *, label: str | None, json: bool
) -> str:
    """Probabilities of files, as text or JSON, with the usual range of reals and fakes.

    Raises:
        ConfigError: if the run has no discriminator, or no such class.
        DataError: if no file is given, or none can be read; single broken files are named.
    """
    require_discriminator(artifact)
    names: list[str] = []
    probabilities: list[float] = []
    broken: list[str] = []
    for path in _expanded(artifact, files):
        try:
            loaded = _read(artifact, path)
            probabilities += _judged(artifact, loaded.samples, label)
            names += [f"{path} {name}" if name else str(path) for name in loaded.names]
        except DataError as error:
            broken.append(str(error))
    if not names:
        raise DataError("no file could be judged\n" + "\n".join(broken))
    scale = artifact.calibration_for(of_class=label is not None)
    if json:
        verdicts = [
            {"file": name, "real": round(probability, 4)}
            for name, probability in zip(names, probabilities, strict=True)
        ]
        report = {"verdicts": verdicts, "scale": scale.model_dump(), "broken": broken}
        return json_.dumps(report, indent=2)
    lines = [
        f"{probability:6.3f}  {name}"
        for name, probability in zip(names, probabilities, strict=True)
    ]
    return "\n".join([*lines, *_scale_lines(scale), *(f"not judged: {each}" for each in broken)])


def _scale_lines(scale: Calibration) -> list[str]:
    """The usual probabilities of held-out reals and of fakes, as a table."""
    return [
        "",
        "probability of being real, against fakes of this very generator; as a scale, of "
        f"{scale.count} held-out reals and as many fakes:",
        "          " + "".join(f"{quantile:>8.0%}" for quantile in QUANTILES),
        "  reals   " + "".join(f"{value:8.3f}" for value in scale.real),
        "  fakes   " + "".join(f"{value:8.3f}" for value in scale.fake),
    ]


def _expanded(artifact: TrainedSampler, files: Sequence[Path]) -> list[Path]:
    """The given files, and those in given folders that have a suffix of samples."""
    modality = find_modality(artifact.codecs["sample"].kind)
    suffixes = {*modality.readers, modality.item_suffix} - {""}
    paths: list[Path] = []
    for each in files:
        if each.is_dir():
            inside = sorted(part for part in each.iterdir() if part.is_file())
            paths += [part for part in inside if not suffixes or part.suffix.lower() in suffixes]
        else:
            paths.append(each)
    if not paths:
        noun = modality.noun[1]
        raise DataError("no files given", remedy=f"Name {noun}, or a folder of them.")
    return paths
