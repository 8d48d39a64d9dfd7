"""Texts: a few words <-> ``(B, T, W)`` one-hot floats, a row for each word."""

from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict, Field

from gannet.modalities.hooks import Presentation
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.modality import Claim, Modality
from gannet.modalities.reading import Reading


class TextCodec(BaseModel, frozen=True, extra="forbid"):
    kind: ClassVar[str] = "toy_text"
    tolerance: ClassVar[float] = 0.0
    words: tuple[str, ...]
    length: int

    @property
    def shape(self):
        return (self.length, len(self.words))

    @classmethod
    def fit(cls, raws, max_words=6):
        parts = [raw.split()[:max_words] for raw in raws]
        words = sorted({word for each in parts for word in each})
        return cls(words=tuple(words), length=max(map(len, parts)))

    def read(self, path):
        return path.read_text(encoding="utf-8").strip()

    def write(self, raw, path):
        path.write_text(raw, encoding="utf-8")

    def encode(self, raws):
        rows = torch.zeros(len(raws), *self.shape)
        for row, raw in zip(rows, raws, strict=True):
            for place, word in enumerate(raw.split()[: self.length]):
                if word in self.words:
                    row[place, self.words.index(word)] = 1
        return rows

    def decode(self, samples):
        return [
            " ".join(self.words[int(place.argmax())] for place in row if place.max() > 0.3)
            for row in samples
        ]

    def squash(self, output):
        return output.softmax(2)


class TextOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    max_words: int = Field(6, ge=1, description="words of a text that count")


class TextCondition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str | None = Field(None, description="what samples are to show")


def condition(request):
    text = request.options.text
    if text is None:
        return None
    return request.codec.encode([text]).repeat(len(request.rows), 1, 1)


def choose_codec(source, options, budget):
    raws = modality.raws(source)
    return TextCodec.fit(raws, options.max_words), ""


def examples(count, rng):
    words = ("red", "green", "small", "large", "square")
    return [" ".join(rng.choice(words, rng.integers(1, 4))) for _ in range(count)]


def claim(cells):
    return Claim(0.4, "words") if cells.form == "values" else None


def read(path):
    return path.read_text(encoding="utf-8").strip()


modality = Modality(
    name="toy_text", noun=("text", "texts"), axes=("place", "word"), values="probabilities",
    codec=TextCodec, readers={".txt": read}, claim=claim, options=TextOptions, item_suffix=".txt",
    reading=Reading(codec=choose_codec), examples=examples,
    inference=InferenceHooks(condition_options=TextCondition, condition=condition),
    presentation=Presentation(hub_name="text"),
)  # fmt: skip
