"""Transforms: input to output by a trained network, as ``gannet apply`` runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from gannet.core.codec import Codec
from gannet.core.config import C
from gannet.core.errors import DataError
from gannet.core.types import Spec

Role = Literal["sample", "vector", "grid", "tokens"]
"""A slot of a batch: the sample itself, or a part of its condition."""


@dataclass(frozen=True, slots=True)
class Trained(Generic[C]):
    """A trained network with all that is needed to use it.

    Attributes:
        model: The exported network.
        codecs: By role.
        spec: Its sizes.
        config: Settings it was trained with.
        extra_state: The result of ``Inference.fit_after_training``.
    """

    model: nn.Module
    codecs: Mapping[str, Codec[Any]]
    spec: Spec
    config: C
    extra_state: Mapping[str, Tensor]


class Options(BaseModel):
    """Options of a transform; a recipe adds its own by subclassing.

    Each field is a flag of ``gannet apply`` and is validated like a setting. A field of the type
    ``Path`` names a file (or a folder of such) of the same kind as the input, which is read before
    the transform is called: see ``TransformInput.files``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def silent(_message: str) -> None:
    """Ignore the message."""


@dataclass(frozen=True, slots=True)
class TransformInput:
    """An input to transform, with options.

    Attributes:
        sample: A raw sample in the transform's ``given`` role: of images ``(H, W, C)`` 32-bit
            floats in 0..1, grey or colour, with or without alpha; of tables a frame; of any other
            kind what its codec reads. Raw outputs have the same form, or, if they are of another
            kind than the input, may also be what their codec decodes.
        options: As the transform's ``options`` defines them.
        files: Contents of the files that options name, by the option's name: ``(H, W, C)`` floats
            in 0..1 of the size of an image.
        warn: Called with a message about an input that may not be meant as it was taken.
    """

    sample: Any
    options: Options = field(default_factory=Options)
    files: Mapping[str, NDArray[np.float32]] = field(default_factory=dict[str, NDArray[np.float32]])
    warn: Callable[[str], None] = silent


Applied = Callable[[Trained[C], TransformInput, int, int], Sequence[Any]]
"""A trained network, input, number of draws and seed to one raw output per draw."""


def any_options(_trained: Trained[Any], _options: Any) -> None:
    """Accept all options within their ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(Generic[C]):
    """How a recipe transforms an input into an output, as ``gannet apply`` runs it.

    Attributes:
        description: What it does, for people, such as "fills the missing cells of a table".
        apply: Does it. One draw is the single best output; several are random samples, so that
            together they show the uncertainty. The same seed gives the same draws.
        given: Role whose kind of data goes in; a role without data of its own has the samples'.
        output: Role whose kind of data comes out, in the same way.
        options: Options with ranges and descriptions; the flags of ``gannet apply``.
        fixed: Options that training decided, by their settings' name; another value is refused.
        keeps_input: Whether parts of the input are returned bit by bit, which lossy formats spoil.
        check: Refuses options that do not suit a run, such as an unknown class.
    """

    description: str
    apply: Applied[C]
    given: Role = "sample"
    output: Role = "sample"
    options: type[Options] = Options
    fixed: tuple[str, ...] = ()
    keeps_input: bool = False
    check: Callable[[Trained[C], Any], None] = any_options


@dataclass(frozen=True, slots=True)
class TransformTask:
    """A transform with all that it needs except the input.

    Attributes:
        transform: Of the recipe.
        trained: The network.
        codec: Of inputs.
        output_codec: Of outputs.
        options: Of the transform.
        samples: Number of outputs per input.
        seed: Of the draws.
        recipe: Its name, for error messages.
        warn: Called with a message if a part of an input is lost.
        in_memory: Values of options that name files, given in memory, by option.
    """

    transform: Transform[Any]
    trained: Trained[Any]
    codec: Codec[Any]
    output_codec: Codec[Any]
    options: Options
    samples: int = 1
    seed: int = 0
    recipe: str = ""
    warn: Callable[[str], None] = silent
    in_memory: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, sample: Any, files: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """One raw output per draw.

        Args:
            sample: A raw sample.
            files: Contents of the files that options name.
        """
        given = TransformInput(sample, self.options, files or {}, self.warn)
        return self.transform.apply(self.trained, given, self.samples, self.seed)

    def named_files(self, given: Path | None) -> dict[str, Path]:
        """The files that options name, by option; in a folder the file with the input's name.

        Raises:
            DataError: if there is none of that name.
        """
        named = ((name, getattr(self.options, name)) for name in type(self.options).model_fields)
        return {
            name: _of_input(name, value, given) for name, value in named if isinstance(value, Path)
        }


def _of_input(option: str, file: Path, given: Path | None) -> Path:
    if not file.is_dir():
        return file
    stem = "" if given is None else given.stem
    matches = sorted(each for each in file.iterdir() if each.stem == stem)
    if not matches:
        raise DataError(
            f"no {option} called {stem} in {file}",
            where=str(given or "the input"),
            remedy=f"Give a {option} the name of its input.",
        )
    return matches[0]
