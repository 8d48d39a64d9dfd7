"""Settings: one frozen, flat model per recipe defines validation, flags and their help."""

from __future__ import annotations

import difflib
import numbers
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gannet.core.errors import ConfigError


class Config(BaseModel):
    """Settings that all training needs. A recipe adds its own by subclassing once, without nesting.

    A setting is a hyperparameter that the user may change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(5_000, ge=1, description="training steps: generator updates")
    batch: int = Field(16, ge=1, description="batch size: samples per update")
    latent_dim: int = Field(
        64, ge=0, description="latent dimension: size of the noise vector; 0 for no noise"
    )
    learning_rate: float = Field(6e-3, gt=0, description="initial learning rate of both optimizers")
    learning_rate_end: float = Field(
        0.1,
        gt=0,
        le=1,
        description="final learning-rate factor: fraction of the rate that is left at the end",
    )
    beta1: float = Field(
        0.0, ge=0, lt=1, description="beta1 of Adam: decay of the moving average of gradients"
    )
    beta2: float = Field(
        0.9, ge=0, lt=1, description="beta2 of Adam: decay of the average of squared gradients"
    )
    discriminator_learning_rate: float = Field(
        0.0, ge=0, description="initial learning rate of the discriminator; 0 for the same"
    )
    discriminator_beta1: float = Field(
        -1.0, ge=-1, lt=1, description="beta1 of the discriminator; below 0 for the same"
    )
    discriminator_beta2: float = Field(
        -1.0, ge=-1, lt=1, description="beta2 of the discriminator; below 0 for the same"
    )
    n_critic: int = Field(1, ge=1, description="discriminator updates per generator update")
    discriminator_interval: int = Field(
        1, ge=1, description="discriminator update interval: it is updated at every n-th step"
    )
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="decay of the generator's exponential moving average (EMA)"
    )
    weight_clip: float = Field(
        0.0,
        ge=0,
        description="weight clipping: bound on the discriminator's weights (Arjovsky 2017); 0 "
        "for none",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="floating-point type in which the networks compute"
    )
    threads: int = Field(1, ge=1, description="processor threads")


@dataclass(frozen=True, slots=True)
class Controls:
    """Names of the settings that are read, changed or advised from outside; empty for none.

    Attributes:
        regularize: Weight of the discriminator's gradient penalty.
        augment: Probability of augmenting what the discriminator sees.
        capacity: Size of the networks.
        pseudo_classes: Number of clusters that replace missing classes.
        pair_layout: Where the pairs of inputs and targets come from.
        pair_input: Which side of a pair is the input.
    """

    regularize: str = ""
    augment: str = ""
    capacity: str = ""
    pseudo_classes: str = ""
    pair_layout: str = ""
    pair_input: str = ""


NO_CONTROLS = Controls()
"""Of a recipe without such settings, or one that is not known."""

C = TypeVar("C", bound=Config)
M = TypeVar("M", bound=BaseModel)

MAX_SHOWN = 80
"""Characters of a wrong value that an error shows."""

LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
"""How a bound of a setting is described."""


def path_of(value: object, name: str) -> Path:
    """A path that Python code gave as an argument.

    Raises:
        ConfigError: if it is none.
    """
    if isinstance(value, str | os.PathLike):
        return Path(os.fsdecode(cast(str, value)))
    raise ConfigError(f"{flag(name)}: must be a path, got {value!r}")


def is_number(value: object) -> bool:
    """Whether a value is a number, of Python or of NumPy, and no truth value.

    >>> is_number(3), is_number("3"), is_number(True)
    (True, False, False)
    """
    return not isinstance(value, bool) and isinstance(value, numbers.Real)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, of Python or of NumPy, and no truth value."""
    return not isinstance(value, bool) and isinstance(value, numbers.Integral)


def flag(name: str) -> str:
    """The command-line flag of a field.

    >>> flag("learning_rate")
    '--learning-rate'
    """
    return f"--{name.replace('_', '-')}"


def either(*options: str) -> str:
    """Options as words; those that are empty, such as flags that a recipe lacks, are left out.

    >>> either("a smaller --learning-rate", "", "--precision float32")
    'a smaller --learning-rate or --precision float32'
    """
    *first, last = [each for each in options if each] or [""]
    return f"{', '.join(first)}{',' * (len(first) > 1)} or {last}" if first else last


def with_flag(before: str, name: str, after: str = "") -> str:
    """Words around the flag of a setting; empty for a setting that a recipe lacks.

    >>> with_flag("a larger ", "batch"), with_flag("a smaller ", "")
    ('a larger --batch', '')
    """
    return f"{before}{flag(name)}{after}" if name else ""


SETTINGS = "`gannet settings` lists every setting with its range."
"""Remedy for an invalid setting."""


OTHER_NAMES = {
    "lr": "learning-rate",
    "learning-rate": "learning-rate",
    "batch_size": "batch",
    "bs": "batch",
    "iterations": "steps",
    "iters": "steps",
    "max_steps": "steps",
    "num_steps": "steps",
    "kimg": "steps",
    "nz": "latent-dim",
    "z_dim": "latent-dim",
    "noise": "latent-dim",
    "noise_dim": "latent-dim",
    "latent": "latent-dim",
    "ndf": "width",
    "ngf": "width",
    "hidden_dim": "width",
    "channels": "width",
    "ema": "ema-decay",
    "betas": "beta1",
    "num_threads": "threads",
    "workers": "threads",
    "num_workers": "threads",
    "amp": "precision",
    "fp16": "precision",
    "bf16": "precision",
    "dtype": "precision",
    "r1": "gradient-penalty",
    "gamma": "gradient-penalty",
    "r1_gamma": "gradient-penalty",
    "gp": "gradient-penalty",
    "lambda_gp": "gradient-penalty",
    "size": "resolution",
    "img_size": "resolution",
    "image_size": "resolution",
    "imsize": "resolution",
    "res": "resolution",
}
"""What other programs call a setting -> its flag here, without the dashes before it."""

ELSEWHERE = {
    "epochs": "give --steps, or --minutes for a time",
    "num_epochs": "give --steps, or --minutes for a time",
    "n_epochs": "give --steps, or --minutes for a time",
    "epoch": "give --steps, or --minutes for a time",
    "time": "give --minutes",
    "hours": "give --minutes",
    "seconds": "give --minutes",
    "gpus": "give --device cuda; one process trains on one GPU",
    "gpu": "give --device cuda",
    "cuda": "give --device cuda",
    "num_gpus": "give --device cuda; one process trains on one GPU",
    "cpu": "give --device cpu",
    "outdir": "give --out",
    "output": "give --out",
    "output_dir": "give --out",
    "save_dir": "give --out",
    "model": "give --recipe",
    "arch": "give --recipe",
    "task": "give --recipe",
    "cond": "give --label with the column of the classes",
    "classes": "give --label with the column of the classes",
    "target": "give --label with the column of the classes",
    "resume": "give the same --out: the same command resumes",
    "checkpoint": "give the same --out: the same command resumes",
    "random_seed": "give --seed",
    "random_state": "give --seed",
    "num": "give --count",
    "n": "give --count",
    "n_samples": "give --count",
    "num_samples": "give --count",
    "number": "give --count",
    "seeds": "give one --seed",
    "class": "give --label",
}
"""What other programs call something that is no setting of a recipe -> what to give instead."""


def hint_for(name: str, known: Collection[str]) -> str:
    """What a name that is not known may have meant, after a semicolon; empty if nothing.

    >>> hint_for("lr", ["learning_rate"]), hint_for("epochs", ["steps"])
    ('; did you mean --learning-rate?', '; give --steps, or --minutes for a time')
    """
    usual = OTHER_NAMES.get(name, "").replace("-", "_")
    near = usual if usual in known else next(iter(difflib.get_close_matches(name, known, 1)), "")
    if name in ELSEWHERE and usual not in known:
        return f"; {ELSEWHERE[name]}"
    return f"; did you mean {flag(near)}?" if near else ""


def parse(config: type[M], given: Mapping[str, object], *, remedy: str = SETTINGS) -> M:
    """Validate ``given``: settings, or another model whose fields are flags.

    Args:
        config: The model.
        given: Values by name, or the texts of flags.
        remedy: What to do about an invalid value.

    Raises:
        ConfigError: naming every offending flag, what it got and what it allows.
    """
    try:
        return config.model_validate(
            {name: _parse_choice(config, name, given[name]) for name in given}
        )
    except ValidationError as error:
        lines = [_fault(config, fault) for fault in error.errors()]
        raise ConfigError("\n".join(lines), remedy=remedy) from None


def _parse_choice(config: type[BaseModel], name: str, value: object) -> object:
    """The numeric choice that a flag's text names; pydantic compares choices strictly."""
    field = config.model_fields.get(name)
    if field is None or get_origin(field.annotation) is not Literal:
        return value
    return {str(choice): choice for choice in get_args(field.annotation)}.get(str(value), value)


def _fault(config: type[BaseModel], fault: ErrorDetails) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else "settings"
    if fault["type"] == "extra_forbidden":
        hint = hint_for(name, [*config.model_fields, "resolution"])
        return f"{flag(name)}: no such setting{hint}"
    return f"{flag(name)}: {fault['msg']}, got {_shortened(repr(fault['input']))}"


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def pairs(arguments: Sequence[str], flag: str, *, several: bool = False) -> dict[str, Any]:
    """``NAME=VALUE`` words as a mapping; a repeated name has a list, where that is allowed.

    >>> pairs(["age=3", "age=5", "place=north"], "--given", several=True)
    {'age': ['3', '5'], 'place': 'north'}

    Raises:
        ConfigError: if a word is no such pair, or a name is repeated where it may not be.
    """
    values_by_name: dict[str, list[str]] = {}
    for word in arguments:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ConfigError(f"{flag}: {word!r}", remedy=f"Write {flag} NAME=VALUE.")
        values_by_name.setdefault(name, []).append(value)
    if repeated := [
        name for name, values in values_by_name.items() if len(values) > 1 and not several
    ]:
        raise ConfigError(f"{flag}: {repeated[0]!r} is named twice", remedy="Name it once.")
    return {
        name: values if len(values) > 1 else values[0] for name, values in values_by_name.items()
    }


def describe(config: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    """Flag, kind, default and meaning of every field, for help and documentation."""
    return [described(name, field) for name, field in config.model_fields.items()]


def described(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    """Flag, kind, default and meaning of one field."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        kind = "|".join(str(choice) for choice in get_args(annotation))
    else:
        kind = getattr(annotation, "__name__", str(annotation))
    limits = " and ".join(_limit(each) for each in field.metadata)
    return flag(name), f"{kind} {limits}".strip(), str(field.default), field.description or ""


def _limit(metadata: object) -> str:
    for name, text in LIMITS.items():
        if hasattr(metadata, name):
            return f"{text} {getattr(metadata, name)}"
    return str(metadata)
