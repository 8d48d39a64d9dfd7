"""Modalities by name: of ``gannet.modalities`` and entry points of other packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gannet.core import plugins
from gannet.core.codec import Codec
from gannet.modalities import corruption
from gannet.modalities.findings import Examination
from gannet.modalities.hooks import Presentation
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.judging import JudgingHooks
from gannet.modalities.modality import NUMBERS, Modality
from gannet.modalities.reading import Reading

PACKAGE = "gannet.modalities"
RECORDS = (Modality, Reading, Presentation, InferenceHooks, JudgingHooks, Examination)
BESIDE = (__name__, corruption.__name__, *(each.__module__ for each in RECORDS))
"""Modules of the package that are not modalities."""


def modality_modules() -> dict[str, str]:
    """Name -> module of every modality. Nothing is imported, so listing is fast.

    Raises:
        ConfigError: if an installed package claims a name that is taken.
    """
    own = {
        name: f"{PACKAGE}.{name}.modality" if is_package else f"{PACKAGE}.{name}"
        for name, is_package in plugins.modules_of(PACKAGE)
        if f"{PACKAGE}.{name}" not in BESIDE
    }
    return plugins.named("kind of data", "gannet.modalities", own)


def find_modality(name: str) -> Modality:
    """The modality of that name.

    Raises:
        ConfigError: if there is none; the message lists the closest names.
    """
    return _loaded(name, modality_modules())


def _loaded(name: str, modules: Mapping[str, str]) -> Modality:
    modality = plugins.load("kind of data", name, modules, "modality")
    assert isinstance(modality, Modality), f"{modules[name]} must end in `modality = Modality(...)`"
    assert modality.name == name, (
        f"{modules[name]} calls itself {modality.name!r}, but is found as {name!r}"
    )
    return modality


@cache
def modality_of(kind: str) -> Modality:
    """The modality of that name; plain numbers for an empty name."""
    return find_modality(kind) if kind else NUMBERS


def modalities() -> tuple[Modality, ...]:
    """All modalities, sorted by name."""
    modules = modality_modules()  # once, since it reads what every installed package says
    return tuple(_loaded(name, modules) for name in sorted(modules))


def codec_of(kind: str, state: Mapping[str, object]) -> Codec[Any]:
    """Rebuild a codec from a card.

    Raises:
        ConfigError: if the kind is unknown.
    """
    codec: Codec[Any] = find_modality(kind).codec.model_validate(state)
    return codec
