"""Hostile and damaged inputs, each a pure function of a seed."""

from __future__ import annotations

import io
import json
import os
import random
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Make = Callable[[random.Random, Path], Path]

NAMES = (
    "a\x1b[31mred", "b\x1b]0;title\x07", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "two\nlines", "tab\there", "\u202eevil", "ü", "ü", " ", "-rf", "--help", "$(id)",
    "`id`", "|pipe|", "[a](javascript:x)", "%s%n", "\udcff\udcfe", "x" * 200, "日本語", "\x9b31m",
    "{name}", "a;b", "*", "\\", "'\"", "🙂", "\x7f", "#", "NaN", "null", "con",
)  # fmt: skip
"""Names that some program has stumbled over."""

VALUES: tuple[object, ...] = (
    None, True, -1, 0, 10**30, -(10**400), 1e308, float("nan"), float("inf"), "", "x", "\x1b[31m",
    "<script>", "\ud800", [], [[]], {}, {"a": {}}, [None] * 3, "9" * 5_000, 2**63, 0.5, "NaN",
)  # fmt: skip
"""Values that stand where others are expected."""


def pixels(rng: random.Random, side: int = 8) -> bytes:
    """A small image as PNG."""
    packed = io.BytesIO()
    numbers = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (side, side, 3))
    Image.fromarray(numbers.astype(np.uint8)).save(packed, "PNG")
    return packed.getvalue()


def table(rng: random.Random, rows: int = 40) -> str:
    """A table with a number, a word and a date."""
    lines = ["age,place,born"]
    lines += [
        f"{rng.randrange(90)},{rng.choice('abc')},20{rng.randrange(10, 24)}-01-{1 + row % 28:02}"
        for row in range(rows)
    ]
    return "\n".join(lines) + "\n"


def damaged(rng: random.Random, content: bytes) -> bytes:
    """A content with some bytes changed, removed, doubled or put elsewhere."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if not data:
            break
        at, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 16, len(data) // 3 + 1))
        part = data[at : at + length]
        match rng.randrange(6):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + length]
            case 2:
                data[at : at + length] = rng.randbytes(len(part))
            case 3:
                data[at:at] = part
            case 4:
                data[at : at + length] = b"\xff" * len(part)
            case _:
                del data[at:]
    return bytes(data)


# -- folders -----------------------------------------------------------------------------------


def folder(rng: random.Random, out: Path) -> Path:
    """A folder of images with something odd among them."""
    for number in range(14):
        (out / f"{number}.png").write_bytes(pixels(rng))
    for _ in range(rng.randrange(1, 4)):
        rng.choice(ODD)(rng, out)
    return out


def classes(rng: random.Random, out: Path) -> Path:
    """Class folders of odd names, with odd files in them."""
    for name in rng.sample(NAMES, 3):
        below = out / safe(name)
        below.mkdir(exist_ok=True)
        for number in range(6):
            (below / f"{number}.png").write_bytes(pixels(rng))
        if rng.random() < 0.5:
            rng.choice(ODD)(rng, below)
    return out


def safe(name: str) -> str:
    """A name that a file can have."""
    return name.replace("/", "_").replace("\0", "_")


def _named(rng: random.Random, out: Path) -> None:
    (out / f"{safe(rng.choice(NAMES))}.png").write_bytes(pixels(rng))


def _bytes_name(rng: random.Random, out: Path) -> None:
    name = rng.randbytes(6).replace(b"/", b"x").replace(b"\0", b"y") + b"\xff.png"
    (out / os.fsdecode(name)).write_bytes(pixels(rng))


def _pipe(rng: random.Random, out: Path) -> None:
    name = rng.choice(("pipe.png", "pipe.csv", "metadata.csv", "pipe.parquet", "pipe.npz"))
    if not (out / name).exists():
        os.mkfifo(out / name)


def _device(rng: random.Random, out: Path) -> None:
    _link(out / rng.choice(("zero.png", "zero.csv", "metadata.csv", "labels.csv")), "/dev/zero")


def _socket(_rng: random.Random, out: Path) -> None:
    here = Path.cwd()
    os.chdir(out)  # the name of a socket may only be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            if not Path("s.png").exists():
                listening.bind("s.png")
    finally:
        os.chdir(here)


def _loop(_rng: random.Random, out: Path) -> None:
    _link(out / "loop", out)
    _link(out / "self.png", out / "self.png")


def _gone(_rng: random.Random, out: Path) -> None:
    _link(out / "gone.png", out / "nothing")


def _link(path: Path, target: object) -> None:
    if not os.path.lexists(path):
        path.symlink_to(str(target))


def _deep(rng: random.Random, out: Path) -> None:
    """Folders within folders, deeper than a path can be long."""
    here = os.open(out, os.O_RDONLY)
    for _ in range(rng.choice((40, 600, 1_500))):
        try:
            os.mkdir("d", dir_fd=here)
        except FileExistsError:
            break
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def _broken(rng: random.Random, out: Path) -> None:
    (out / f"broken{rng.randrange(99)}.png").write_bytes(damaged(rng, pixels(rng)))


def _empty(_rng: random.Random, out: Path) -> None:
    (out / "empty.png").write_bytes(b"")


def _folder_named_so(_rng: random.Random, out: Path) -> None:
    (out / "folder.png").mkdir(exist_ok=True)


def _json_beside(rng: random.Random, out: Path) -> None:
    depth = rng.choice((10, 100_000))
    lines = ["[" * depth, '{"file_name": "\\ud800.png"}', '{"file_name": "0.png", "label": []}']
    if not os.path.lexists(out / "metadata.jsonl"):
        (out / "metadata.jsonl").write_text(rng.choice(lines) + "\n")


def _table_beside(rng: random.Random, out: Path) -> None:
    cells = [safe(rng.choice(NAMES)).replace("\udcff", "").replace("\udcfe", "") for _ in "abc"]
    text = f"file_name,label,{cells[0]}\n0.png,{cells[1]},1\n1.png,{cells[2]},2\n"
    if not os.path.lexists(out / "metadata.csv"):
        (out / "metadata.csv").write_text(text)


ODD = (
    _named, _bytes_name, _pipe, _device, _socket, _loop, _gone, _deep, _broken, _empty,
    _folder_named_so, _json_beside, _table_beside,
)  # fmt: skip


# -- files -------------------------------------------------------------------------------------


def csv_file(rng: random.Random, out: Path) -> Path:
    """A text table, damaged."""
    path = out / rng.choice(("t.csv", "t.tsv", "t.txt"))
    path.write_bytes(damaged(rng, table(rng).encode()))
    return path


def odd_table(rng: random.Random, out: Path) -> Path:
    """A whole text table with odd cells and names."""
    names = rng.sample([each for each in NAMES if "\udcff" not in each], 3)
    rows = [[str(rng.choice(VALUES))[:300] for _ in names] for _ in range(30)]
    quoted = [[f'"{cell}"'.replace("\ud800", "") for cell in row] for row in (names, *rows)]
    (out / "t.csv").write_text("\n".join(map(",".join, quoted)) + "\n")
    return out / "t.csv"


def json_lines(rng: random.Random, out: Path) -> Path:
    """JSON lines with odd values, some of them damaged."""
    lines = [json.dumps({"a": rng.randrange(9), "b": rng.choice("xyz")}) for _ in range(30)]
    lines[rng.randrange(30)] = json.dumps({"a": rng.choice(VALUES), "b": rng.choice(NAMES)})
    if rng.random() < 0.3:
        lines[rng.randrange(30)] = '{"a": ' + "[" * 100_000
    content = "\n".join(lines).encode()
    path = out / "t.jsonl"
    path.write_bytes(damaged(rng, content) if rng.random() < 0.5 else content)
    return path


def parquet(rng: random.Random, out: Path) -> Path:
    """A damaged Parquet file."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    columns = {"a": list(range(40)), "b": [rng.choice(NAMES[:5]) for _ in range(40)]}
    if rng.random() < 0.3:
        columns = {"image": [pixels(rng)] * 40, "label": [row % 2 for row in range(40)]}
    packed = io.BytesIO()
    write_table(pa.table(columns), packed, compression=rng.choice(("none", "snappy", "zstd")))
    path = out / "t.parquet"
    path.write_bytes(damaged(rng, packed.getvalue()))
    return path


def npz(rng: random.Random, out: Path) -> Path:
    """Arrays of odd shapes and types, perhaps damaged."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    shapes = ((30, 8, 8, 3), (30, 8, 8), (30, 2), (0, 8, 8), (30,), (), (3, 10**6), (30, 8, 8, 7))
    kinds = ("u1", "f4", "i8", "f8", "?", "c8", "U3", "M8[s]", "V4", "f2")
    arrays = {
        name: np.zeros(rng.choice(shapes), rng.choice(kinds))
        if rng.random() < 0.5
        else numbers.integers(0, 255, rng.choice(shapes)).astype("u1")
        for name in rng.sample(["images", "x", "labels", "y", "arr_0", *NAMES[:3]], 2)
    }
    packed = io.BytesIO()
    (np.savez if rng.random() < 0.5 else np.savez_compressed)(packed, **arrays)
    path = out / "t.npz"
    content = packed.getvalue()
    path.write_bytes(damaged(rng, content) if rng.random() < 0.7 else content)
    return path


def npy(rng: random.Random, out: Path) -> Path:
    """One array whose header or content is damaged."""
    packed = io.BytesIO()
    shape = rng.choice(((30, 8, 8), (30, 200, 200), (30, 3), (0,)))
    np.save(packed, np.zeros(shape, rng.choice(("u1", "f4"))))
    content = packed.getvalue()
    head = damaged(rng, content[:100]) + content[100:]
    lies = content.replace(b"30,", rng.choice((b"9999999999999,", b"-3,", b"30 " * 9 + b",")), 1)
    path = out / "t.npy"
    path.write_bytes(rng.choice((head, lies, damaged(rng, content))))
    return path


def zipped(rng: random.Random, out: Path) -> Path:
    """A zip with odd members, perhaps damaged."""
    packed = io.BytesIO()
    with zipfile.ZipFile(
        packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    ) as file:
        for number in range(14):
            file.writestr(f"{number % 2}/{number}.png", pixels(rng))
        name = rng.choice((*NAMES[:10], "../up.png", "/root.png", "C:x.png", "dataset.json"))
        what = json.dumps({"labels": rng.choice(VALUES)}) if name == "dataset.json" else "x"
        file.writestr(name if "." in name else f"{name}.png", what.encode("utf-8", "replace"))
    path, content = out / "t.zip", packed.getvalue()
    path.write_bytes(damaged(rng, content) if rng.random() < 0.6 else content)
    return path


def tarred(rng: random.Random, out: Path) -> Path:
    """A tar with odd members, perhaps damaged."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        for number in range(14):
            info, content = tarfile.TarInfo(f"{number % 2}/{number}.png"), pixels(rng)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        odd = tarfile.TarInfo(rng.choice(("pipe.png", "link.png", "dev.png")))
        odd.type = rng.choice((tarfile.FIFOTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE))
        odd.linkname = "/etc/passwd"
        file.addfile(odd)
    path, content = out / "t.tar", packed.getvalue()
    path.write_bytes(damaged(rng, content) if rng.random() < 0.6 else content)
    return path


def special(rng: random.Random, out: Path) -> Path:
    """A pipe or a device in place of a file, or a file in place of another kind."""
    path = out / f"t{rng.choice(('.csv', '.npz', '.npy', '.zip', '.tar', '.parquet', '.png', ''))}"
    match rng.randrange(4):
        case 0:
            os.mkfifo(path)
        case 1:
            path.symlink_to(rng.choice(("/dev/zero", "/dev/null", "/dev/random", "/dev/full")))
        case 2:
            path.write_bytes(rng.randbytes(rng.choice((0, 1, 500))))
        case _:
            path.symlink_to(path)
    return path


DATA: tuple[Make, ...] = (
    folder, classes, csv_file, odd_table, json_lines, parquet, npz, npy, zipped, tarred, special,
)  # fmt: skip
"""Makers of data, for commands that read some."""
