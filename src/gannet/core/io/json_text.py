"""Models as JSON, whatever texts they hold."""

from __future__ import annotations

import json

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError


def json_text(model: BaseModel, *, indent: int | None = 2) -> str:
    """A model as JSON; names of files that are no UTF-8 are escaped.

    Args:
        model: The model.
        indent: Spaces for each level; ``None`` for one line.
    """
    try:
        return model.model_dump_json(indent=indent)
    except PydanticSerializationError:
        return json.dumps(model.model_dump(mode="json"), indent=indent)
