"""The laws of a codec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.modalities.registry import codec_of, modality_modules

R = TypeVar("R")


def check_codec(codec: Codec[R], raws: Sequence[R], folder: Path, suffix: str) -> None:
    """Encode, decode, save and load some raw samples and check each law in turn.

    Args:
        codec: Fitted to data like ``raws``.
        raws: At least two samples.
        folder: An existing folder, for one file.
        suffix: Of a lossless file format, such as ``.png``.

    Raises:
        AssertionError: naming the broken law and the cause.
    """
    assert len(raws) > 1, "at least two samples are needed to compare a list with its parts"
    before = deepcopy(list(raws))
    encoded = codec.encode(raws)
    size = (len(raws), *codec.shape)
    assert tuple(encoded.shape) == size, f"shape: encodes to {tuple(encoded.shape)}, not {size}"
    assert encoded.dtype == torch.float32, f"shape: encodes to {encoded.dtype}"
    assert encoded.isfinite().all(), "shape: encodes to numbers that are not finite"
    _check_equal(codec, before, raws, "purity: encoding changes the raw samples")
    _check_equal(codec, raws, codec.decode(encoded), "round trip: decode(encode(x)) is not x")
    parts = torch.cat([codec.encode([raw]) for raw in raws])
    assert torch.equal(encoded, parts), "parts: encoding a list differs from encoding its parts"
    nothing = codec.encode([])
    assert tuple(nothing.shape) == (0, *codec.shape), "parts: the empty list has another shape"
    assert codec.decode(nothing) == [], "parts: no samples decode to some"
    _check_squash(codec)
    _check_state(codec, raws)
    path = folder / f"sample{suffix}"
    codec.write(raws[0], path)
    _check_equal(codec, raws[:1], [codec.read(path)], "file: read(write(x)) is not x")


def _check_squash(codec: Codec[Any]) -> None:
    rng = torch.Generator().manual_seed(0)
    for scale in (1.0, 100.0):
        output = (scale * torch.randn(8, *codec.shape, generator=rng)).requires_grad_()
        before = output.detach().clone()
        squashed = codec.squash(output)
        assert torch.equal(before, output), "squash: changes its argument"
        assert squashed.isfinite().all(), "squash: gives numbers that are not finite"
        assert squashed.shape == output.shape, "squash: changes the shape"
        raws = codec.decode(squashed)
        assert len(raws) == len(squashed), "squash: its output loses samples in decoding"
        again = codec.decode(codec.encode(raws))
        _check_equal(codec, raws, again, "squash: its output does not decode to raw samples")
        assert len(codec.decode(before)) == len(before), "decode: fails on finite numbers"
        if scale == 1.0:
            _check_gradient(squashed, output)


def _check_gradient(squashed: Tensor, output: Tensor) -> None:
    assert squashed.requires_grad, "gradient: squash detaches it"
    (gradient,) = torch.autograd.grad(squashed.square().sum(), output)
    assert gradient.isfinite().all(), "gradient: of squash is not finite"
    assert gradient.abs().sum() > 0, "gradient: of squash is zero everywhere"


def _check_state(codec: Codec[R], raws: Sequence[R]) -> None:
    """The codec's state in a model card must be enough to decode."""
    state = json.loads(json.dumps(codec.model_dump(mode="json")))
    # A codec of another package is not in the registry.
    rebuilt = (
        codec_of(codec.kind, state) if codec.kind in modality_modules() else _rebuilt(codec, state)
    )
    assert rebuilt.model_dump(mode="json") == state, "state: the JSON round trip changes it"
    same = torch.equal(rebuilt.encode(raws), codec.encode(raws))
    assert same, "state: rebuilt from its JSON, the codec encodes differently"


def _rebuilt(codec: Codec[R], state: dict[str, object]) -> Codec[R]:
    rebuilt: Codec[R] = getattr(type(codec), "model_validate")(state)  # noqa: B009 # not in the protocol
    return rebuilt


def _check_equal(codec: Codec[R], expected: Sequence[R], got: Sequence[R], law: str) -> None:
    assert len(expected) == len(got), f"{law}: {len(got)} samples instead of {len(expected)}"
    for row, (one, other) in enumerate(zip(expected, got, strict=True)):
        assert _near(one, other, codec.tolerance), f"{law}: row {row} is {other!r}, not {one!r}"


def _near(one: object, other: object, tolerance: float) -> bool:
    if not isinstance(one, np.ndarray):
        return one == other
    left: NDArray[Any] = one
    right: NDArray[Any] = np.asarray(other)
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    # The tolerance is absolute below one and relative above.
    return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance))
