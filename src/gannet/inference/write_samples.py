"""Samples to files, and verdicts on files, in the words that the command line prints."""

from __future__ import annotations

import csv
import io
import json as json_
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gannet.api.model import Model
from gannet.core.errors import ConfigError, DataError, need
from gannet.core.frame import Dialect
from gannet.core.io.files import write_whole, writing
from gannet.data.containers.frames import read_frame
from gannet.data.containers.write import FORMATS, write_chunks
from gannet.inference.calibration import QUANTILES
from gannet.modalities.hooks import columns
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.grid import grid_png
from gannet.modalities.image.io.files import SUFFIXES
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.vector.codec import VectorCodec

LARGEST = 10_000_000
"""Samples that one call makes at most, to catch a slip of the finger."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What can be asked of samples that are rows of a table.

    Attributes:
        given: Columns and what their cells must be.
        balance_by: A column whose values occur equally often.
        requires: Rules that every row obeys.
        escape_formulas: Whether to quote cells that a spreadsheet would run.
    """

    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    balance_by: str | None = None
    requires: tuple[str, ...] = ()
    escape_formulas: bool = False


NO_OPTIONS = TableOptions()


def write_samples(
    model: Model,
    *,
    count: int,
    out: Path,
    label: str | None,
    seed: int,
    grid: bool,
    table: TableOptions = NO_OPTIONS,
) -> str:
    """Make samples and write them; the suffix of ``out`` chooses the form.

    Returns:
        Where they are, in words.

    Raises:
        ConfigError: if the count is out of range, the class unknown, the form not possible, or
            the folder holds other samples.
    """
    if not 1 <= count <= LARGEST:
        raise ConfigError(f"--count: must lie between 1 and {LARGEST}, got {count}")
    suffix = "" if out.is_dir() else out.suffix.lower()
    if isinstance(model.codec, TableCodec):
        return _table(model, count, out if suffix else out / "samples.csv", label, seed, table)
    if table != NO_OPTIONS:
        raise ConfigError(
            "--given, --balance-by, --require and --escape-formulas are for tables",
            remedy="Leave them out; --label asks for a class.",
        )
    pictures = isinstance(model.codec, ImageCodec)
    if suffix == ".png":
        if not pictures:
            raise ConfigError(
                f"--out: rows of numbers cannot be drawn into {out}",
                remedy="Use .csv, .npz, .npy or .parquet.",
            )
        _grid(model, count, out, label, seed)
        return str(out)
    if suffix in (".npz", ".npy", ".csv", ".parquet"):
        _one_file(model, count, out, label, seed)
        return str(out)
    if suffix:
        raise ConfigError(
            f"--out: no form for {suffix!r}",
            remedy="Give a folder, or a file that ends in .png, .npz, .npy, .csv or .parquet.",
        )
    if pictures:
        _check_unmixed(out, count, ["metadata.csv"] * bool(model.classes) + ["grid.png"] * grid)
    _folder(model, count, out, label, seed)
    if grid and pictures:
        _grid(model, count, out / "grid.png", label, seed)
    return f"in {out}"


def _table(
    model: Model, count: int, out: Path, label: str | None, seed: int, options: TableOptions
) -> str:
    """Write rows, in the dialect of the training data if the suffix is theirs."""
    if out.suffix.lower() not in (".csv", ".tsv", ".parquet", ".jsonl"):
        raise ConfigError(f"--out: a table cannot be written to {out}", remedy=f"Use {FORMATS}.")
    frames = model.frames(
        count,
        label=label,
        given=options.given,
        balance_by=options.balance_by,
        requires=options.requires,
        seed=seed,
    )
    told = model.card.data
    alike = told.get("suffix") == out.suffix.lower() and "dialect" in told
    dialect = Dialect(**told["dialect"]) if alike else None
    first = next(frames)  # a wish that cannot come true must not leave a folder behind
    out.parent.mkdir(parents=True, exist_ok=True)
    written = write_chunks(
        chain([first], frames), out, dialect=dialect, escape_formulas=options.escape_formulas
    )
    lines = [str(out), *frames.obeyed.words()]
    if written.formulas:
        shown = ", ".join(f"{name} {cells:,}" for name, cells in written.formulas.items())
        done = "were quoted" if written.escaped else "are there; --escape-formulas quotes them"
        lines.append(f"cells that a spreadsheet would run as a formula {done}: {shown}")
    return "\n  ".join(lines)


def _grid(model: Model, count: int, path: Path, label: str | None, seed: int) -> None:
    grid_png(model.artefact.sample(count, label=label, seed=seed), path, columns(count))


def _name(row: int, count: int) -> str:
    """The file of a row among ``count`` pictures in a folder."""
    return f"{row:0{max(len(str(count - 1)), 5)}}.png"


def _check_unmixed(out: Path, count: int, more: Sequence[str]) -> None:
    """Refuse a folder where pictures would stay that this call does not write.

    Nobody could tell later which are of which run. The same call again replaces all that it wrote.
    """

    def replaced(name: str) -> bool:
        stem = name.removesuffix(".png")
        row = int(stem) if stem.isdecimal() else count
        return name in more or (row < count and name == _name(row, count))

    with writing(out):
        there = [each.name for each in out.iterdir()] if out.is_dir() else []
    suspects = [n for n in there if n == "metadata.csv" or Path(n).suffix.lower() in SUFFIXES]
    if others := sorted(name for name in suspects if not replaced(name)):
        raise ConfigError(
            f"--out: holds {len(others):,} other file{'s' * (len(others) > 1)} that would be mixed "
            f"with these samples, the first is {others[0]}",
            where=str(out),
            remedy="Give a new folder, or empty this one.",
        )


def _folder(model: Model, count: int, out: Path, label: str | None, seed: int) -> None:
    if isinstance(model.codec, VectorCodec):
        _one_file(model, count, out / "samples.csv", label, seed)
        return
    table = [("file_name", "label")]
    for start in range(0, count, 256):
        rows = min(256, count - start)
        made = model.artefact.sample(rows, label=label, seed=seed, start=start)
        classes = _classes(model, rows, label, seed, start) or [""] * rows
        for row, raw in enumerate(model.artefact.decode(made)):
            name = _name(start + row, count)
            write_whole(out / name, _png(raw), sync=False)
            table.append((name, classes[row]))
    if model.classes:
        text = io.StringIO()
        csv.writer(text).writerows(table)
        write_whole(out / "metadata.csv", text.getvalue().encode())


def _classes(
    model: Model, count: int, label: str | None, seed: int, start: int = 0
) -> list[str] | None:
    """The class of each sample, empty for none; or ``None`` for models without classes."""
    if not model.classes:
        return None
    told = model.artefact.conditions(count, label=label, seed=seed, start=start).vector
    return [name or "" for name in model.artefact.codecs["vector"].decode(told)]


def _one_file(model: Model, count: int, out: Path, label: str | None, seed: int) -> None:
    suffix = out.suffix.lower()
    if suffix == ".csv" and not isinstance(model.codec, VectorCodec):
        raise ConfigError(
            f"--out: pictures cannot be written to {out}", remedy="Use .png, .npz or .parquet."
        )
    raws = model.sample(count, label=label, seed=seed)
    classes = _classes(model, count, label, seed)
    packed = io.BytesIO()
    if suffix == ".csv":
        assert isinstance(model.codec, VectorCodec)
        name = model.card.data.get("label") or "label"
        packed.write(model.codec.to_csv(list(raws), {name: classes} if classes else {}))
    elif suffix == ".npz":
        arrays: dict[str, Any] = {"images" if raws.ndim == 4 else "data": raws}
        if classes is not None:
            labels = [model.classes.index(name) if name else -1 for name in classes]
            arrays |= {"labels": np.array(labels, np.int64), "classes": np.array(model.classes)}
        np.savez_compressed(packed, **arrays)
    elif suffix == ".npy":
        np.save(packed, raws)
    else:
        packed.write(_parquet(model, raws, classes))
    write_whole(out, packed.getvalue())


def _parquet(model: Model, raws: np.ndarray[Any, Any], classes: Sequence[str] | None) -> bytes:
    pyarrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    columns_: dict[str, Any] = {}
    if isinstance(model.codec, ImageCodec):
        columns_["image"] = [
            {"bytes": _png(raw), "path": f"{row:05}.png"} for row, raw in enumerate(raws)
        ]
    else:
        assert isinstance(model.codec, VectorCodec)
        columns_ |= {name: raws[:, at] for at, name in enumerate(model.codec.names)}
    if classes is not None:
        columns_["label"] = [name or None for name in classes]
    packed = io.BytesIO()
    parquet.write_table(pyarrow.table(columns_), packed)
    return packed.getvalue()


def _png(raw: np.ndarray[Any, Any]) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(raw.squeeze(2) if raw.shape[2] == 1 else raw).save(packed, "PNG")
    return packed.getvalue()


def judge_files(model: Model, files: Sequence[Path], *, label: str | None, json: bool) -> str:
    """Verdicts on files, with what is usual for reals and for fakes as the scale.

    Raises:
        DataError: if no file is given, or none can be read; single broken files are named.
    """
    names: list[str] = []
    chances: list[float] = []
    broken: list[str] = []
    for path in _expanded(files, pictures=isinstance(model.codec, ImageCodec)):
        try:
            if isinstance(model.codec, TableCodec):
                frame = read_frame(path)
                chances += model.judge(frame, label=label)
                names += [f"{path} row {frame.first + row}" for row in range(len(frame))]
            elif isinstance(model.codec, VectorCodec):
                rows = model.codec.read_rows(path)
                names += [f"{path} row {row}" for row in range(len(rows))]
                chances += model.judge(rows, label=label)
            else:
                chances += model.judge([path], label=label)
                names.append(str(path))
        except DataError as error:
            broken.append(str(error))
    if not names:
        raise DataError("no file could be judged\n" + "\n".join(broken))
    scale = model.artefact.scale(of_class=label is not None)
    if json:
        verdicts = [
            {"file": name, "real": round(chance, 4)}
            for name, chance in zip(names, chances, strict=True)
        ]
        found = {"verdicts": verdicts, "scale": scale.model_dump(), "broken": broken}
        return json_.dumps(found, indent=2)
    lines = [f"{chance:6.3f}  {name}" for name, chance in zip(names, chances, strict=True)]
    lines += [
        "",
        "probability of being real, against fakes of this very generator; as a scale, of "
        f"{scale.count} held-out reals and as many fakes:",
        "          " + "".join(f"{share:>8.0%}" for share in QUANTILES),
        "  reals   " + "".join(f"{value:8.3f}" for value in scale.real),
        "  fakes   " + "".join(f"{value:8.3f}" for value in scale.fake),
    ]
    return "\n".join(lines + [f"not judged: {each}" for each in broken])


def _expanded(files: Sequence[Path], *, pictures: bool) -> list[Path]:
    found: list[Path] = []
    for each in files:
        if each.is_dir():
            inside = sorted(part for part in each.iterdir() if part.is_file())
            # A table of classes may lie beside pictures.
            found += [p for p in inside if not pictures or p.suffix.lower() in SUFFIXES]
        else:
            found.append(each)
    if not found:
        raise DataError("no files given", remedy="Name pictures, or a folder of them.")
    return found
