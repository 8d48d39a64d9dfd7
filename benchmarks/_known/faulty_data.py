"""Cases of data: what ``gannet inspect`` must find in them, and what it must leave alone."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks._known.record import KnownAnswer, case, inspected
from gannet.training.session import inspect_data

Pixels = NDArray[np.uint8]
Write = Callable[[Path, Pixels, NDArray[np.int64]], Path]
"""A folder, digits ``(n, 16, 16)`` of 0..255 and their classes to the path of data."""


def digits(count: int = 1_200) -> tuple[Pixels, NDArray[np.int64]]:
    """Real digits, enlarged to 16 x 16 so that crops and JPEG have something to work on."""
    data: Any = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))[:count]
    enlarged = [
        np.asarray(Image.fromarray((each * 15.9).astype(np.uint8)).resize((16, 16), 2))
        for each in data.images[order]
    ]
    return np.stack(enlarged), data.target[order].astype(np.int64)


def on(write: Write, count: int = 1_200, label: str | None = None) -> Callable[[], set[str]]:
    """A case from what writes data; ``label`` names the column of the classes."""

    def found() -> set[str]:
        with tempfile.TemporaryDirectory() as folder:
            return inspected(inspect_data(write(Path(folder), *digits(count)), label=label))

    return found


def saved(folder: Path, images: Pixels, labels: NDArray[np.int64] | None = None) -> Path:
    """Arrays in a file."""
    path = folder / "digits.npz"
    if labels is None:
        np.savez(path, images=images[..., None])
    else:
        np.savez(path, images=images[..., None], labels=labels)
    return path


def blank(images: Pixels, share: float) -> Pixels:
    """Some of them one flat grey."""
    made = images.copy()
    made[: round(share * len(made))] = 120
    return made


def jittered(images: Pixels, of: int, size: int = 2) -> Pixels:
    """As many, but noisy copies of the first few, two grey levels apart."""
    rng = np.random.default_rng(1)
    made = images[np.arange(len(images)) % of].astype(np.int64)
    return (made + rng.integers(-size, size + 1, made.shape)).clip(0, 255).astype(np.uint8)


def compressed(images: Pixels, of: int) -> Pixels:
    """Copies of the first few through JPEG of several qualities."""
    made: list[Pixels] = []
    for at in range(len(images)):
        file = io.BytesIO()
        Image.fromarray(images[at % of]).save(file, "JPEG", quality=70 + at // of % 30)
        made.append(np.asarray(Image.open(file)))
    return np.stack(made)


def relabeled(labels: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Some labels drawn anew."""
    rng = np.random.default_rng(2)
    wrong = rng.random(len(labels)) < share
    return np.where(wrong, rng.permutation(labels), labels)


def swapped(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A third of threes are called eights, and the other way round."""
    rng = np.random.default_rng(3)
    chosen = rng.random(len(labels)) < 1 / 3
    return np.where(chosen & (labels == 3), 8, np.where(chosen & (labels == 8), 3, labels))


def table(folder: Path, rows: NDArray[np.float64], kinds: NDArray[Any] | None = None) -> Path:
    """Rows as a file with a header."""
    names = [f"n{at}" for at in range(rows.shape[1])]
    lines = [",".join(map("{:.5g}".format, row)) for row in rows]
    if kinds is not None:
        names, lines = [*names, "label"], [f"{a},{b}" for a, b in zip(lines, kinds, strict=True)]
    (folder / "rows.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    return folder / "rows.csv"


def rows(count: int = 1_000) -> NDArray[np.float64]:
    """Rows of four Gaussian numbers."""
    return np.random.default_rng(4).normal(size=(count, 4))


def outlying(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With two cells that stand for a missing one."""
    made = values.copy()
    made[:2, 1] = 999_999
    return made


def doctor(
    name: str,
    fault: str,
    found: Callable[[], set[str]],
    finds: str = "",
    may: str = "",
    *,
    small: bool = False,
) -> KnownAnswer:
    """A case of an inspection."""
    return case("inspect", name, fault, found, finds, may, small=small)


COPIES = "one_sample_dominates, near_duplicates, bursts, duplicates"
FAULTY: tuple[KnownAnswer, ...] = (
    doctor("digits with labels", "good", on(saved), small=True),
    doctor("digits without labels", "good", on(lambda f, i, _: saved(f, i))),
    doctor("few digits", "good", on(saved, 200)),
    doctor("digits of unequal frequency", "good",
         on(lambda f, i, c: saved(f, i[(c < 5) | (np.arange(len(c)) % 4 == 0)],
                                  c[(c < 5) | (np.arange(len(c)) % 4 == 0)]))),
    doctor("rows of numbers", "good", on(lambda f, _i, _c: table(f, rows()))),
    doctor("half of them one flat grey", "blank",
         on(lambda f, i, c: saved(f, blank(i, 0.5), c)), "empty",
         f"{COPIES}, labels_suspect, classes_mixed", small=True),
    doctor("one in twenty one flat grey", "blank",
         on(lambda f, i, c: saved(f, blank(i, 0.05), c)), "empty",
         f"{COPIES}, labels_suspect"),
    doctor("shuffled labels", "labels",
         on(lambda f, i, c: saved(f, i, np.random.default_rng(5).permutation(c))),
         "labels_uninformative", small=True),
    doctor("labels at random of rows", "labels",
         on(lambda f, _i, _c: table(f, rows(), np.random.default_rng(6).choice(["a", "b"], 1_000)),
            label="label"), "labels_uninformative"),
    doctor("labels that follow from rows", "good",
         on(lambda f, _i, _c: table(f, rows(), np.where(rows()[:, 0] > rows()[:, 1], "a", "b")),
            label="label")),
    doctor("one label in seven wrong", "classes mixed up",
         on(lambda f, i, c: saved(f, i, relabeled(c, 0.16))), "labels_suspect", "classes_mixed",
         ),
    doctor("threes and eights mixed up", "classes mixed up",
         on(lambda f, i, c: saved(f, i, swapped(c))), "classes_mixed", "labels_suspect"),
    doctor("near-duplicates, two grey levels apart", "near-duplicates",
         on(lambda f, i, _: saved(f, jittered(i, 60))), "near_duplicates", COPIES,
         small=True),
    doctor("near-duplicates through JPEG", "near-duplicates",
         on(lambda f, i, _: saved(f, compressed(i, 150))), "near_duplicates", COPIES),
    doctor("half of them exact copies", "duplicates",
         on(lambda f, i, _: saved(f, i[np.arange(len(i)) % (len(i) // 2)])), "duplicates", COPIES,
         ),
    doctor("grey levels hardly used", "range",
         on(lambda f, i, c: saved(f, i // 12 + 100, c)), "narrow_range"),
    doctor("two cells of 999999", "range",
         on(lambda f, _i, _c: table(f, outlying(rows()))), "stretched_range"),
)  # fmt: skip
"""The classes of a data set of rows are its last column."""
