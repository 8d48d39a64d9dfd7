"""``gannet judge``: probabilities of being real for samples in memory and in files."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.sampling import LoadedSamples
from gannet.data.containers.frames import read_frame
from gannet.inference.calibration import QUANTILES
from gannet.inference.card import Calibration
from gannet.inference.sampler import TrainedSampler
from gannet.modalities.registry import find_modality


def judge_samples(
    artifact: TrainedSampler, samples: Sequence[Path | str] | Any, **condition_options: object
) -> list[float]:
    """Probability of being real for each sample; see ``gannet.Model.judge``.

    Args:
        artifact: The trained run.
        samples: One file, several, or raw samples.
        condition_options: What they are said to be samples of, such as ``label``, a class, or what
            else ``gannet sample RUN --help`` lists; by default the best-fitting class.

    Raises:
        ConfigError: if the recipe trains no discriminator, or an option is unknown.
        DataError: if a file cannot be read.
    """
    require_discriminator(artifact)
    if isinstance(samples, str | Path):
        encoded = _read(artifact, Path(samples)).samples
    else:
        codec = artifact.codecs["sample"]
        encoded = find_modality(codec.kind).inference.encode(codec, samples)
    return _judged(artifact, encoded, condition_options)


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


def _judged(
    artifact: TrainedSampler, encoded: Tensor, condition_options: Mapping[str, object]
) -> list[float]:
    if not len(encoded):
        return []
    condition = None
    if _are_given(condition_options):
        condition = artifact.described(len(encoded), **condition_options)
    return artifact.judge(encoded, condition).tolist()


def _are_given(condition_options: Mapping[str, object]) -> bool:
    return any(value is not None for value in condition_options.values())


def judge_files(
    artifact: TrainedSampler, files: Sequence[Path], *, json: bool, **condition_options: object
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
            probabilities += _judged(artifact, loaded.samples, condition_options)
            names += [f"{path} {name}" if name else str(path) for name in loaded.names]
        except DataError as error:
            broken.append(str(error))
    if not names:
        raise DataError("no file could be judged\n" + "\n".join(broken))
    scale = artifact.calibration_for(of_class=_are_given(condition_options))
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
