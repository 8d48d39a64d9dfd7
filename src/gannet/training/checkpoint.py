"""The checkpoint in a run's folder: everything needed to resume exactly where it was saved."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from gannet.core.errors import GannetError, no_permission
from gannet.core.io.checksum import sealed, unsealed
from gannet.core.io.files import UNREADABLE, write_whole
from gannet.core.io.regular import open_regular

CHECKPOINT = "checkpoint.pt"
"""Name of the file."""


def save_checkpoint(out: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a run atomically.

    Args:
        out: The run's folder.
        state: Numbers, texts and tensors, nested.
    """
    packed = io.BytesIO()
    torch.save(dict(state), packed)
    write_whole(out / CHECKPOINT, sealed(packed.getvalue()))


def load_checkpoint(out: Path, device: str, restore: Callable[[Mapping[str, Any]], None]) -> None:
    """Resume from the checkpoint, if there is one.

    Args:
        out: The run's folder.
        device: Device of the tensors.
        restore: Called with the state; a key it misses counts as a damaged file.

    Raises:
        GannetError: if the file is damaged, or may not be read.
    """
    path = out / CHECKPOINT
    if not path.exists():
        return
    try:
        with open_regular(path) as file:
            content = io.BytesIO(unsealed(file.read()))
        restore(torch.load(content, map_location=device, weights_only=True))
    except PermissionError:
        raise no_permission(path) from None
    except (OSError, *UNREADABLE):
        raise GannetError(
            "the checkpoint is damaged or from another version of gannet",
            where=str(path),
            remedy="Delete the file to start over, or copy it again if this is a copy.",
        ) from None
