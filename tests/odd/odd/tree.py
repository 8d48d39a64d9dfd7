"""Trees: a dictionary each, from a JSON file or a cell <-> ``(B, 3, K)``, the root and two kids.

A tree without ``op`` is a fault of its data that ``encode`` and ``fit`` meet as a ``KeyError``.
"""

import json
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict, Field

from gannet.modalities.inference import InferenceHooks
from gannet.modalities.modality import Claim, Modality


def read(path):
    return json.loads(path.read_text())


def nodes(raw):
    tree = json.loads(raw) if isinstance(raw, str) else raw
    return [tree["op"], *(kid["op"] for kid in tree.get("kids", [])[:2])]


class TreeCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "odd_tree"
    tolerance: ClassVar[float] = 0.0
    symbols: tuple[str, ...]

    @property
    def shape(self):
        return (3, len(self.symbols) + 1)

    @classmethod
    def fit(cls, raws):
        return cls(symbols=tuple(sorted({op for raw in raws for op in nodes(raw)})))

    def read(self, path):
        return read(path)

    def write(self, raw, path):
        path.write_text(json.dumps(raw))

    def encode(self, raws):
        rows = torch.zeros(len(raws), *self.shape)
        rows[:, :, 0] = 1
        for row, raw in zip(rows, raws, strict=True):
            for place, op in zip(row, nodes(raw), strict=False):
                place.zero_()
                place[1 + self.symbols.index(op)] = 1
        return rows

    def decode(self, samples):
        def tree(root, *kids):
            known = [{"op": self.symbols[kid - 1]} for kid in kids if kid]
            return {"op": self.symbols[max(root - 1, 0)]} | ({"kids": known} if known else {})

        return [tree(*row) for row in samples.argmax(2).tolist()]

    def squash(self, output):
        return output.softmax(2)


class TreeCondition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    tree: str | None = Field(None, description="tree, as JSON, that samples are made for")


def condition(request):
    if request.options.tree is None:
        return None
    encoded = request.codec.encode([request.options.tree])
    return encoded.repeat(len(request.rows), 1, 1)


def examples(count, rng):
    ops = ("add", "mul", "sin", "x")
    picked = rng.integers(0, 4, (count, 3)).tolist()
    return [{"op": ops[a], "kids": [{"op": ops[b]}, {"op": ops[c]}]} for a, b, c in picked]


modality = Modality(
    name="odd_tree",
    noun=("tree", "trees"),
    axes=("node", "symbol"),
    values="probabilities",
    codec=TreeCodec,
    readers={".json": read},
    item_suffix=".json",
    claim=lambda cells: Claim(0.3, "may be JSON") if cells.form == "values" else None,
    default_recipe="odd_tree_gan",
    examples=examples,
    inference=InferenceHooks(condition_options=TreeCondition, condition=condition),
)
