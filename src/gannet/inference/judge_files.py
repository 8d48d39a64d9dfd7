"""``gannet judge``: judgments on samples in memory and in files."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

import torch
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.io.names import OWN_FILES, is_sample_name
from gannet.core.sampling import LoadedSamples
from gannet.data.containers.folders import tree_of_folder
from gannet.data.containers.frames import read_frame
from gannet.inference import archives
from gannet.inference.calibration import QUANTILES
from gannet.inference.card import Calibration, JudgeCard
from gannet.inference.judge.judge import Judgment
from gannet.inference.sampler import TrainedSampler
from gannet.modalities.registry import find_modality

NO_JUDGE = "this run has no judge: these are the probabilities of its discriminator"


def judge_samples(
    artifact: TrainedSampler,
    samples: Sequence[Path | str] | Any,
    *,
    discriminator: bool = False,
    **condition_options: object,
) -> list[Judgment]:
    """A judgment on each sample; see ``gannet.Model.judgments``.

    Args:
        artifact: The trained run.
        samples: One file, several, or raw samples.
        discriminator: Ask the discriminator of training instead of the judge.
        condition_options: What they are said to be samples of, such as ``label``, a class, or what
            else ``gannet sample RUN --help`` lists; by default of any.

    Raises:
        ConfigError: if the recipe trains no discriminator, or an option is unknown.
        DataError: if a file cannot be read.
    """
    require_judge(artifact, discriminator=discriminator)
    codec = artifact.codecs["sample"]
    modality = find_modality(codec.kind)
    if isinstance(samples, str | Path):
        loaded, raws = _loaded(artifact, Path(samples), by_judge=_by_judge(artifact, discriminator))
        encoded = loaded.samples
    else:
        encoded = modality.inference.encode(codec, samples)
        raws = samples
        if _by_judge(artifact, discriminator) and _has_files(samples):
            raws = _raws_of(artifact, samples)
    return _judged(artifact, encoded, raws, condition_options, discriminator=discriminator)


def require_judge(artifact: TrainedSampler, *, discriminator: bool) -> None:
    """Refuse a run that can judge nothing.

    Raises:
        ConfigError: saying why.
    """
    if artifact.recipe.training.fit is not None and (discriminator or artifact.judge is None):
        raise ConfigError(
            f"a run of the recipe {artifact.card.recipe} was fitted without a discriminator, so "
            "it cannot judge samples",
            remedy="Judge with a run on the same data that has a discriminator.",
        )


def _by_judge(artifact: TrainedSampler, discriminator: bool) -> bool:
    return artifact.judge is not None and not discriminator


def _loaded(artifact: TrainedSampler, path: Path, *, by_judge: bool) -> tuple[LoadedSamples, Any]:
    """Encoded samples of a file and, for the judge, their raw samples at their own size.

    Raises:
        DataError: if it cannot be read; names the suffixes that can be.
    """
    codec = artifact.codecs["sample"]
    modality = find_modality(codec.kind)
    if archives.is_archive(modality, path):
        return _unpacked(artifact, path, by_judge=by_judge)
    try:
        loaded = modality.inference.read_file(codec, path, read_frame)
    except DataError as error:
        if archives.may_be_archive(modality, path):
            with suppress(DataError):
                return _unpacked(artifact, path, by_judge=by_judge)
        if archives.is_foreign(modality, path):
            remedy = archives.readable(modality)
            raise DataError(error.problem, where=str(path), remedy=remedy) from error
        raise
    return loaded, _raws_of(artifact, [path]) if by_judge else ()


def _unpacked(artifact: TrainedSampler, path: Path, *, by_judge: bool) -> tuple[LoadedSamples, Any]:
    """What ``_loaded`` returns, of a file of many samples."""
    codec = artifact.codecs["sample"]
    modality = find_modality(codec.kind)
    with archives.unpacked(modality, codec, path) as samples, archives.named_after(path, samples):
        files = [each.file for each in samples]
        parts = [modality.inference.read_file(codec, file, read_frame).samples for file in files]
        raws = _raws_of(artifact, files) if by_judge else ()
    names = tuple(each.name for each in samples)
    return LoadedSamples(torch.cat([torch.zeros(0, *codec.shape), *parts]), names), raws


def _has_files(samples: Any) -> bool:
    return isinstance(samples, list | tuple) and any(
        isinstance(each, str | Path)
        for each in samples  # pyright: ignore[reportUnknownVariableType]
    )


def _raws_of(artifact: TrainedSampler, items: Sequence[Any]) -> Any:
    """Raw samples at their own size, some of which may be files."""
    codec = artifact.codecs["sample"]
    read = find_modality(codec.kind).judging.raws
    if len(items) == 1 and isinstance(items[0], str | Path):
        return read(codec, Path(items[0]), read_frame)
    raws: list[Any] = []
    for each in items:
        raws += (
            list(read(codec, Path(each), read_frame)) if isinstance(each, str | Path) else [each]
        )
    return raws


def _judged(
    artifact: TrainedSampler,
    encoded: Tensor,
    raws: Any,
    condition_options: Mapping[str, object],
    *,
    discriminator: bool,
) -> list[Judgment]:
    if not len(encoded):
        return []
    condition = None
    if _are_given(condition_options):
        condition = artifact.described(len(encoded), **condition_options)
    judge = artifact.judge
    if judge is not None and not discriminator:
        kind = find_modality(artifact.codecs["sample"].kind)
        strange = judge.strange(kind, artifact.codecs["sample"], raws)
        with_class = condition is not None and condition.vector.shape[1] > 0
        own = int(condition.vector[0].argmax()) if condition is not None and with_class else None
        return judge.judgments(encoded, strange, own)
    probabilities: list[float] = artifact.discriminate(encoded, condition).tolist()
    return [Judgment(each) for each in probabilities]


def _are_given(condition_options: Mapping[str, object]) -> bool:
    return any(value is not None for value in condition_options.values())


def judge_files(
    artifact: TrainedSampler,
    files: Sequence[Path],
    *,
    json: bool,
    discriminator: bool = False,
    **condition_options: object,
) -> str:
    """Verdicts on files, as text or JSON, with the usual range of reals and fakes.

    Raises:
        ConfigError: if the run can judge nothing, or has no such class.
        DataError: if no file is given, or none can be read; single broken files are named.
    """
    require_judge(artifact, discriminator=discriminator)
    names: list[str] = []
    judgments: list[Judgment] = []
    broken: list[str] = []
    by_judge = _by_judge(artifact, discriminator)
    for path in _expanded(artifact, files):
        try:
            loaded, raws = _loaded(artifact, path, by_judge=by_judge)
            judgments += _judged(
                artifact, loaded.samples, raws, condition_options, discriminator=discriminator
            )
            names += [f"{path} {name}" if name else str(path) for name in loaded.names]
        except DataError as error:
            broken.append(str(error))
    if not names:
        raise DataError("no file could be judged\n" + "\n".join(broken))
    card = artifact.card.judge if by_judge else None
    scale = _scale(artifact, card, of_class=_are_given(condition_options))
    if json:
        report = {
            "judgments": [
                _entry(name, judgment) for name, judgment in zip(names, judgments, strict=True)
            ],
            "by": "judge" if by_judge else "discriminator",
            "scale": scale.model_dump(),
            "controls": [each.model_dump() for each in card.controls] if card else [],
            "broken": broken,
        }
        return json_.dumps(report, indent=2)
    lines = [_line(name, judgment) for name, judgment in zip(names, judgments, strict=True)]
    description = _judge_lines(card, scale) if card else _scale_lines(scale)
    if not by_judge and not discriminator:
        why = artifact.card.judge.missing if artifact.card.judge else ""
        description += ["", f"{NO_JUDGE}{f' ({why})' if why else ''}"]
    return "\n".join([*lines, *description, *(f"not judged: {each}" for each in broken)])


def _scale(artifact: TrainedSampler, card: JudgeCard | None, *, of_class: bool) -> Calibration:
    """The calibration that probabilities are by."""
    if card is None:
        return artifact.calibration_for(of_class=of_class)
    return (card.class_calibration if of_class else None) or card.calibration


def _entry(name: str, judgment: Judgment) -> dict[str, Any]:
    probability = judgment.probability
    return {
        "file": name,
        "real": None if probability is None else round(probability, 4),
        "novel": judgment.novel,
        "reason": judgment.reason,
    }


def _line(name: str, judgment: Judgment) -> str:
    if judgment.probability is not None:
        return f"{judgment.probability:6.3f}  {name}"
    if judgment.novel:
        return f"     -  {name}: unlike anything seen in training: {judgment.reason}"
    return f"     -  {name}"


def _judge_lines(card: JudgeCard, scale: Calibration) -> list[str]:
    """What the probabilities mean, and which fakes the judge can tell."""
    if card.blind:
        return ["", card.blind]
    lines = [
        "",
        _meaning(scale, of_class=scale is card.class_calibration),
        *_quantiles(scale),
        "",
        "told from held-out reals (AUC): "
        + ", ".join(f"{each.name} {each.auc:.2f}" for each in card.controls if each.detected),
    ]
    if card.undetected:
        names = ", ".join(card.undetected)
        lines.append(f"cannot tell {names} from reals: a high probability says nothing of these")
    return lines


def _meaning(scale: Calibration, *, of_class: bool) -> str:
    """What the judge's probabilities mean, and what the scale below is of."""
    if not of_class:
        return (
            "probability of being real rather than one of the fakes below; as a scale, of "
            f"{scale.count} held-out reals and of fakes of this generator:"
        )
    fakes = "of fakes of this generator under the class asked for, " if scale.fake else ""
    return (
        f"probability of being real and of this class; as a scale, of {scale.count} held-out reals "
        f"under their own class, {fakes}and of the same reals under another:"
    )


def _scale_lines(scale: Calibration) -> list[str]:
    """The usual probabilities of held-out reals and of fakes, as a table."""
    return [
        "",
        "probability of being real, against fakes of this very generator; as a scale, of "
        f"{scale.count} held-out reals and as many fakes:",
        *_quantiles(scale),
    ]


def _quantiles(scale: Calibration) -> list[str]:
    rows = {"reals": scale.real, "fakes": scale.fake, "other": scale.other}
    return [
        "          " + "".join(f"{quantile:>8.0%}" for quantile in QUANTILES),
        *(
            f"  {name:<8}" + "".join(f"{value:8.3f}" for value in values)
            for name, values in rows.items()
            if values
        ),
    ]


def _expanded(artifact: TrainedSampler, files: Sequence[Path]) -> list[Path]:
    """The given files, and those anywhere in given folders that have a suffix of samples."""
    modality = find_modality(artifact.codecs["sample"].kind)
    suffixes = {*modality.readers, modality.item_suffix} - {""}
    paths: list[Path] = []

    def fits(name: str) -> bool:
        return is_sample_name(name, suffixes) if suffixes else name not in OWN_FILES

    for each in files:
        if each.is_dir():
            inside = [member.name for member in tree_of_folder(each).members]
            paths += sorted(each / name for name in inside if fits(PurePath(name).name))
        else:
            paths.append(each)
    if not paths:
        noun = modality.noun[1]
        raise DataError("no files given", remedy=f"Name {noun}, or a folder of them.")
    return paths
