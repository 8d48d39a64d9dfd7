"""Cases of pictures: the 1,797 digits of 8 x 8 that scikit-learn carries (Alpaydin and Kaynak)."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from benchmarks._known.record import COUNT, Heap, KnownAnswer, Reals, case, chance, scored

LOSES = "loses, unbelievable, missing, difference, narrow, wide"
"""Findings that are true of many bad generators as well."""


@cache
def digits(seed: int = 0) -> tuple[Reals, Tensor, Any]:
    """Training and held-out digits in [-1, 1], further ones with labels: a perfect generator's."""
    data: Any = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.images))
    samples = torch.from_numpy(data.images).float()[order, None] / 8 - 1
    labels = data.target[order].astype(np.int64)
    train, held_out, spare = slice(0, 1_000), slice(1_000, 1_300), slice(1_300, None)
    first, second = (Heap(samples[part], labels[part], "image") for part in (train, held_out))
    return Reals(first, second, classes=tuple("0123456789")), samples[spare], labels[spare]


@cache
def tinted() -> tuple[Reals, Tensor]:
    """The same without labels in colours of their own, ``(n, 3, 8, 8)``."""
    reals, spare, _ = digits()

    def dye(samples: Tensor, seed: int) -> Tensor:
        tint = torch.rand(len(samples), 3, 1, 1, generator=chance(seed)) * 0.8 + 0.2
        return (samples + 1) * tint - 1

    train, held_out = (
        Heap(dye(heap.samples, at), np.full(len(heap), -1), "image")
        for at, heap in enumerate((reals.train, reals.held_out))
    )
    return Reals(train, held_out), dye(spare, 2)


def blurred(samples: Tensor) -> Tensor:
    """Each pixel the mean of nine."""
    return avg_pool2d(pad(samples, (1, 1, 1, 1), mode="replicate"), 3, 1)


def jpeg(samples: Tensor, quality: int) -> Tensor:
    """Through JPEG and back."""
    done: list[Tensor] = []
    for sample in samples:
        file = io.BytesIO()
        pixels = ((sample[0] + 1) * 127.5).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        done.append(torch.from_numpy(np.array(Image.open(file))).float()[None] / 127.5 - 1)
    return torch.stack(done)


def on_digits(
    make: Callable[[Reals, Tensor, Any], Tensor], seed: int = 0
) -> Callable[[], set[str]]:
    """A case from what makes samples of training digits, further digits and their labels."""

    def found() -> set[str]:
        reals, spare, labels = digits(seed)
        return scored(reals, make(reals, spare, labels))

    return found


def on_tinted(make: Callable[[Reals, Tensor], Tensor]) -> Callable[[], set[str]]:
    """The same with coloured digits."""
    return lambda: scored(tinted()[0], make(*tinted()))


def again(samples: Tensor, seed: int = 5) -> Tensor:
    """``COUNT`` of few, drawn with replacement."""
    return samples[torch.randint(len(samples), (COUNT,), generator=chance(seed))]


def noise_like(samples: Tensor, size: float, seed: int = 6) -> Tensor:
    """Gaussian noise of the same shape."""
    return size * torch.randn(samples.shape, generator=chance(seed))


def only(samples: Tensor, labels: Any, keep: tuple[int, ...]) -> Tensor:
    """All further digits of some classes, topped up from themselves."""
    kept = samples[torch.from_numpy(np.isin(labels, keep))]
    return torch.cat([kept, again(kept)])[:COUNT]


def towards_means(reals: Reals, samples: Tensor, labels: Any, share: float) -> Tensor:
    """Every digit moved towards the mean of its class: modes that shrank."""
    means = torch.stack(
        [
            reals.train.samples[torch.from_numpy(reals.train.labels == at)].mean(0)
            for at in range(10)
        ]
    )
    return samples + share * (means[torch.from_numpy(labels)] - samples)


def hot_pixel(samples: Tensor) -> Tensor:
    """A corner that is always bright."""
    made = samples.clone()
    made[:, :, 0, 0] = 1.0
    return made


def checkered(samples: Tensor, size: float) -> Tensor:
    """With the pattern that upsampling leaves."""
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    return samples + size * (((rows + columns) % 2) * 2.0 - 1)


def half(bad: Tensor, good: Tensor) -> Tensor:
    """Bad and good ones by turns."""
    made = good[: len(bad)].clone()
    made[::2] = bad[: len(made)][::2]
    return made


PICTURES: tuple[KnownAnswer, ...] = (
    case("images", "further reals", "good", on_digits(lambda _, s, _l: s), small=True),
    case("images", "further reals of another split", "good", on_digits(lambda _, s, _l: s, 1)),
    case("images", "further reals of a third split", "good", on_digits(lambda _, s, _l: s, 2)),
    case(
        "images", "further reals in another order", "good",
        on_digits(lambda _, s, _l: s.flip(0)),
    ),
    case("images", "further reals in colour", "good", on_tinted(lambda _, s: s)),
    case(
        "images", "noise", "one-sided praise",
        on_digits(lambda _, s, _l: torch.rand(s.shape, generator=chance(1)) * 2 - 1),
        "difference, noisy", LOSES,
    ),
    case(
        "images", "a little noise", "one-sided praise",
        on_digits(lambda _, s, _l: s + noise_like(s, 0.3)), "difference, noisy", LOSES,
    ),
    case(
        "images", "half of them noise", "proof without power",
        on_digits(lambda _, s, _l: half(noise_like(s, 0.6).clamp(-1, 1), s)),
        "difference, noisy", LOSES,
    ),
    case(
        "images", "blurred", "one-sided praise",
        on_digits(lambda _, s, _l: blurred(s)), "difference, blurred", f"{LOSES}, repeated, narrow",
        small=True,
    ),
    case(
        "images", "a little blurred", "one-sided praise",
        on_digits(lambda _, s, _l: 0.5 * s + 0.5 * blurred(s)),
        "difference, blurred", f"{LOSES}, repeated, narrow",
    ),
    case(
        "images", "modes shrunken by half", "shrunken modes",
        on_digits(lambda r, s, labels: towards_means(r, s, labels, 0.5)),
        "difference, narrow", f"{LOSES}, repeated, blurred",
    ),
    case(
        "images", "modes shrunken by a quarter", "shrunken modes",
        on_digits(lambda r, s, labels: towards_means(r, s, labels, 0.25)),
        "narrow", f"{LOSES}, repeated, blurred",
    ),
    case(
        "images", "colours turned round", "proof without power",
        on_digits(lambda _, s, _l: -s), "difference", f"{LOSES}, noisy, blurred, narrow, wide",
    ),
    case(
        "images", "a pattern of upsampling", "proof without power",
        on_digits(lambda _, s, _l: checkered(s, 0.02)), "difference", f"{LOSES}, noisy",
    ),
    case(
        "images", "one hot pixel", "proof without power",
        on_digits(lambda _, s, _l: hot_pixel(s)), "difference", f"{LOSES}, noisy",
    ),
    case(
        "images", "JPEG of quality 10", "proof without power",
        on_digits(lambda _, s, _l: jpeg(s, 10)), "difference", f"{LOSES}, blurred, noisy",
    ),
    # A digit that leaves the picture loses edges: it is smoother, as the scores say.
    case(
        "images", "moved by a pixel", "proof without power",
        on_digits(lambda _, s, _l: s.roll(1, 3)), "difference", f"{LOSES}, blurred",
    ),
    case(
        "images", "mirrored", "proof without power",
        on_digits(lambda _, s, _l: s.flip(3)), "difference", LOSES,
    ),
    case(
        "images", "faded", "proof without power",
        on_digits(lambda _, s, _l: 0.6 * s), "difference", f"{LOSES}, blurred, narrow, repeated",
    ),
    case(
        "images", "black and white alone", "proof without power",
        on_digits(lambda _, s, _l: s.sign()), "difference", f"{LOSES}, noisy, wide",
    ),
    case(
        "images", "parts shuffled", "proof without power",
        on_digits(
            lambda _, s, _l: torch.cat([s[:, :, 4:], s[:, :, :4]], 2)
        ), "difference", f"{LOSES}, noisy",
    ),
    case(
        "images", "two digits at once", "proof without power",
        on_digits(lambda _, s, _l: 0.5 * (s + s.roll(1, 0))), "difference",
        f"{LOSES}, blurred, narrow, repeated",
    ),
    case(
        "images", "grey for colour", "proof without power",
        on_tinted(lambda _, s: s.mean(1, keepdim=True).expand(-1, 3, -1, -1)), "difference",
        f"{LOSES}, narrow, repeated",
    ),
    case(
        "images", "one repeated", "mode collapse",
        on_digits(lambda _, s, _l: s[:1].repeat(COUNT, 1, 1, 1)),
        "difference, repeated, missing", f"{LOSES}, narrow, blurred, noisy",
    ),
    case(
        "images", "two by turns", "mode collapse",
        on_digits(lambda _, s, _l: s[:2].repeat(COUNT // 2, 1, 1, 1)),
        "difference, repeated, missing", f"{LOSES}, narrow, blurred, noisy",
    ),
    case(
        "images", "fifty with a little jitter each", "mode collapse",
        on_digits(lambda _, s, _l: again(s[:50]) + noise_like(s[:COUNT], 0.03)),
        "repeated", f"{LOSES}, narrow, noisy",
    ),
    case(
        "images", "half of the classes", "missing classes",
        on_digits(lambda _, s, labels: only(s, labels, (0, 1, 2, 3, 4))),
        "difference, missing", f"{LOSES}, repeated, narrow", small=True,
    ),
    case(
        "images", "two classes missing", "missing classes",
        on_digits(lambda _, s, labels: only(s, labels, (0, 1, 2, 3, 4, 5, 6, 7))),
        "missing", f"{LOSES}, repeated, narrow",
    ),
    case(
        "images", "training samples", "memorisation",
        on_digits(lambda r, _s, _l: r.train.samples.roll(3, 0)), "memorised", "loses",
        small=True,
    ),
    case(
        "images", "training samples with a little noise", "memorisation",
        on_digits(lambda r, _s, _l: r.train.samples + noise_like(r.train.samples, 0.03)),
        "memorised", "loses, difference, noisy",
    ),
    case(
        "images", "half of them training samples", "memorisation",
        on_digits(lambda r, s, _l: half(r.train.samples[:COUNT], s)), "memorised", "loses",
    ),
    case(
        "images", "twenty-two", "too few samples",
        lambda: scored(digits()[0], digits()[1][:22], count=22), "too few",
    ),
    case(
        "images", "thirty, blurred", "too few samples",
        lambda: scored(digits()[0], blurred(digits()[1][:30]), count=30), "blurred",
        f"too few, {LOSES}, repeated, narrow",
    ),
)  # fmt: skip
