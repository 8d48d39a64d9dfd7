"""How a model shows itself: in a line, in a notebook, as pictures."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from gannet.core.errors import ConfigError
from gannet.core.io.names import in_a_line
from gannet.inference.model_card import diagnose_card
from gannet.modalities.hooks import columns

if TYPE_CHECKING:
    from gannet.api.model import Model

SHOWN = 16
"""Samples in a notebook."""

PICTURES = ".png"
"""Suffix of single samples that are pictures."""


PNG_URI = "data:image/png;base64,"
"""Beginning of a PNG file that stands in a page."""


def line_of(model: Model) -> str:
    """A model in a line: the recipe, what it makes, and where it lies."""
    card, one = model.card, model.artifact.modality.noun[1]
    size = "x".join(map(str, card.spec.shape))
    parts = [f"{card.recipe}, {one} of {size}"]
    parts += [f"{len(model.classes)} classes"] if model.classes else []
    parts += [f"{card.steps} steps", f"folder {in_a_line(str(model.folder))!r}"]
    return f"<gannet.Model: {', '.join(parts)}>"


def html_of(model: Model) -> str:
    """A model as HTML: what it is, how it came out, and some samples."""
    sentence = diagnose_card(model.card).sentence
    lines = [f"<p><b>{html.escape(line_of(model))}</b><br>{html.escape(sentence)}</p>"]
    if model.artifact.recipe.makes_samples and not model.artifact.recipe.inputs.conditional:
        lines.append(_grid(model))
    return "\n".join(lines)


def _grid(model: Model) -> str:
    """Some samples as a picture or as text."""
    raws = list(model.stream(SHOWN))
    grid = model.artifact.modality.presentation.grid(raws, columns(SHOWN))
    if grid is None:
        return ""
    if grid.suffix != PICTURES:
        return f"<pre>{html.escape(grid.content.decode(errors='replace'))}</pre>"
    content = base64.b64encode(grid.content).decode()
    return f'<img alt="samples" src="{PNG_URI}{content}">'


def pictures_of(model: Model, raws: list[Any]) -> list[Image.Image]:
    """Raw samples as pictures of Pillow.

    Raises:
        ConfigError: if the model makes something else.
    """
    modality = model.artifact.modality
    if modality.item_suffix != PICTURES:
        raise ConfigError(
            f"this model makes {modality.noun[1]}, not pictures", remedy="Use model.sample."
        )
    arrays = [np.asarray(raw) for raw in raws]
    return [Image.fromarray(each[..., 0] if each.shape[2] == 1 else each) for each in arrays]
