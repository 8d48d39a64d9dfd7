"""Every codec keeps the laws, and every law catches who breaks it."""

from __future__ import annotations

from copy import deepcopy
from typing import ClassVar

import numpy as np
import pytest

from gannet.core.codec import Codec
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import find_modality, modality_modules
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.vector.codec import VectorCodec
from gannet.testing import check_codec

KNOWN = {"image", "label", "table", "vector"}
rng = np.random.default_rng(0)


def pictures(channels, height=5, width=7):
    return list(rng.integers(0, 256, (4, height, width, channels), dtype=np.uint8))


ROWS = list(rng.normal(size=(6, 3)) * [1, 1e6, 1e-6] + [0, 5, 1e-3])

MIXED = [
    (str(age), f"{pay:.2f}", f"v{town}", "yes" if town % 2 else "no", day, "?" if age < 30 else "b")
    for age, pay, town, day in zip(
        rng.integers(18, 90, 600).tolist(),
        np.exp(rng.normal(9, 1, 600)).tolist(),
        rng.integers(0, 400, 600).tolist(),
        (np.datetime64("2020-01-01") + rng.integers(0, 999, 600)).astype(str).tolist(),
        strict=True,
    )
]
TYPED = [(n * n, n / 8, n % 2 == 0, None if n % 5 == 0 else n % 7) for n in range(600)]

SAMPLES = {
    "image": [
        (ImageCodec.fit(pictures(channels)), pictures(channels), suffix)
        for channels, suffix in [(1, ".png"), (2, ".png"), (3, ".png"), (4, ".png"), (3, ".webp")]
    ],
    "label": [(LabelCodec(classes=("cat", "dog", "3")), ["dog", "cat", None, "3"], ".txt")],
    "table": [
        (TableCodec.fit(MIXED), MIXED, ".csv"),
        (TableCodec.fit(MIXED), MIXED, ".jsonl"),
        (TableCodec.fit(TYPED), TYPED, ".jsonl"),
    ],
    "vector": [(VectorCodec.fit(ROWS), ROWS, suffix) for suffix in (".csv", ".npy")],
}
"""Further samples, which show what is hard about a kind."""


def from_the_kind(kind):
    """A codec, the kind's own examples that it is fitted to, and a suffix that it writes."""
    modality = find_modality(kind)
    raws = list(modality.examples(60, np.random.default_rng(0)))
    return modality.codec.fit(raws), raws, modality.item_suffix or next(iter(modality.writers))


CASES = [(kind, *case) for kind, cases in SAMPLES.items() for case in cases]
CASES += [
    (kind, *from_the_kind(kind))
    for kind in sorted(modality_modules())
    if find_modality(kind).examples is not None
]


@pytest.mark.parametrize("kind", sorted(modality_modules()))
def test_every_kind_has_examples_of_the_codec_it_says(kind):
    found = find_modality(kind)
    assert found.codec.kind == kind
    assert found.examples is not None, "give `examples`, by which this test tries the kind"
    codec, raws, _ = from_the_kind(kind)
    assert isinstance(codec, found.codec)
    assert isinstance(codec, Codec)
    assert len(raws) == 60
    again = list(found.examples(60, np.random.default_rng(0)))
    assert codec.encode(raws).equal(codec.encode(again)), "examples depend on `rng` alone"


def test_the_known_kinds_are_found():
    assert set(modality_modules()) >= KNOWN


@pytest.mark.parametrize(
    ("codec", "raws", "suffix"),
    [pytest.param(*case, id=f"{kind}-{case[2]}-{case[0].shape}") for kind, *case in CASES],
)
def test_every_codec_keeps_the_laws(codec, raws, suffix, tmp_path):
    check_codec(codec, raws, tmp_path, suffix)


# Broken specimens: each breaks one law. -----------------------------------------------------------
class Flat(ImageCodec):
    def encode(self, raws):
        return super().encode(raws).flatten(1)


class Wide(ImageCodec):
    def encode(self, raws):
        return super().encode(raws).double()


class Endless(ImageCodec):
    def encode(self, raws):
        return super().encode(raws).log()


class Careless(ImageCodec):
    def encode(self, raws):
        encoded = super().encode(raws)
        for raw in raws:
            raw[...] = 0
        return encoded


class Dim(ImageCodec):
    def decode(self, samples):
        return super().decode(samples * 0.9)


class Crowd(ImageCodec):
    def encode(self, raws):
        encoded = super().encode(raws)
        return encoded + (1e-4 if len(raws) > 1 else 0)


class NoNothing(ImageCodec):
    def encode(self, raws):
        return super().encode(raws) if len(raws) else super().encode(raws)[:, :0]


class Something(ImageCodec):
    def decode(self, samples):
        return super().decode(samples) or pictures(1)[:1]


class InPlace(ImageCodec):
    def squash(self, output):
        output.detach().mul_(0.5)
        return output.tanh()


class Overflow(ImageCodec):
    def squash(self, output):
        return output.exp().exp()


class Cropping(ImageCodec):
    def squash(self, output):
        return output[..., :-1].tanh()


class Loses(ImageCodec):
    def squash(self, output):
        return output.tanh()

    def decode(self, samples):
        return super().decode(samples)[: 5 if len(samples) == 8 else None]


class Cut(ImageCodec):
    def squash(self, output):
        return output.detach().tanh()


class Steps(ImageCodec):
    def squash(self, output):
        return output.tanh() * 0 + output.sign().detach()


class Cliff(ImageCodec):
    def squash(self, output):
        return (output * 0).sqrt() + output.detach().tanh()


class Forgets(VectorCodec):
    def model_dump(self, **how):
        return super().model_dump(**how) | {"mean": (0.0,) * len(self.mean)}


class NotJson(VectorCodec):
    def model_dump(self, **how):
        return super().model_dump(**how) | {"mean": [str(mean) for mean in self.mean]}


class Rounds(TableCodec):
    def squash(self, output):
        return output.detach().round().clamp(0, 1) + 0 * output


class Swaps(TableCodec):
    def decode(self, samples):
        return [row[::-1] for row in super().decode(samples)]


class Blurs(ImageCodec):
    def write(self, raw, path):
        super().write(raw // 2 * 2, path)


class Unstable(LabelCodec):
    kind: ClassVar[str] = "label"

    def squash(self, output):
        return output.softmax(1) * 0.6 + 0.4 * output.new_tensor([1.0, 0.0, 0.0])

    def decode(self, samples):
        names = super().decode(samples)
        return names if len(samples) != 8 else [*names[1:], "dog" if names[0] != "dog" else "cat"]


SPECIMENS = [
    (Flat, "shape: encodes to"),
    (Wide, "shape: encodes to torch.float64"),
    (Endless, "shape: encodes to numbers that are not finite"),
    (Careless, "purity: encoding changes the raw samples"),
    (Dim, r"round trip: decode\(encode\(x\)\) is not x"),
    (Crowd, "parts: encoding a list differs"),
    (NoNothing, "parts: the empty list"),
    (Something, "parts: no samples decode to some"),
    (InPlace, "squash: changes its argument"),
    (Overflow, "squash: gives numbers that are not finite"),
    (Cropping, "squash: changes the shape"),
    (Loses, "squash: its output loses samples"),
    (Cut, "gradient: squash detaches it"),
    (Steps, "gradient: of squash is zero everywhere"),
    (Cliff, "gradient: of squash is not finite"),
    (Forgets, "state: rebuilt from its JSON, the codec encodes differently"),
    (NotJson, "state: the JSON round trip changes it"),
    (Rounds, "gradient: of squash is zero everywhere"),
    (Swaps, r"round trip: decode\(encode\(x\)\) is not x"),
    (Blurs, r"file: read\(write\(x\)\) is not x"),
    (Unstable, "squash: its output does not decode to raw samples"),
]


@pytest.mark.parametrize(
    ("specimen", "law"), SPECIMENS, ids=[specimen.__name__ for specimen, _ in SPECIMENS]
)
def test_the_laws_bite(specimen, law, tmp_path):
    codec, raws, suffix = SAMPLES[specimen.kind][0]
    broken = specimen.model_validate(codec.model_dump())
    with pytest.raises(AssertionError, match=law):
        check_codec(broken, deepcopy(raws), tmp_path, suffix)
