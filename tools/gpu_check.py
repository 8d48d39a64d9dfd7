"""Every recipe on a GPU in five minutes: trained, interrupted, resumed, used, scored, compared.

Progress goes to the screen; the last line is one JSON object with all figures and what failed. Runs
from an environment, or bare as ``PYTHONPATH=src python3 tools/gpu_check.py``. Without a GPU it says
so, and that is no failure.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
NEEDED = ("torch", "numpy", "PIL", "pydantic", "safetensors")
if missing := [each for each in NEEDED if not find_spec(each)]:
    sys.exit(f"not run: {', '.join(missing)} not installed; `make gpu-check` brings them")

import numpy as np
import torch
from PIL import Image

import gannet
from gannet.core import device as processor
from gannet.inference.editing.inversion import InversionSettings
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe
from gannet.training.session import Session
from tools.gpu.data import STEPS, cases, pictures, small_data, small_settings
from tools.gpu.findings import Check, Numbers
from tools.gpu.steps import ALIKE, SAME_CELLS, SIZES, compare_training, time_generate, without_tf32


def check_recipe(check: Check, name: str, kind: str) -> Numbers:
    """Train, interrupt, resume, sample, judge, apply, evaluate; compare with the processor."""
    recipe, case = find_recipe(name), f"{name}-{kind}"
    data = small_data(recipe, kind, check.out / "data")
    if data is None:
        check.not_checked.append(f"{case}: no small data of this kind are known here")
        return {}
    run = check.out / "runs" / case
    asked: dict[str, Any] = {"recipe": name, **small_settings(recipe)}

    def prepared() -> Session:
        return gannet.prepare(data, run, device=check.device, **asked)

    check.attempt(f"{case} train", lambda: train(check, case, prepared))
    if not (run / "card.json").exists():
        return {}
    session, used = prepared(), gannet.load(run, device=check.device)
    check.attempt(f"{case} compare", lambda: compare_product(check, case, session, run))
    for what, work in uses(used, session, data):
        check.attempt(f"{case} {what}", partial(done, work))
    check.attempt(f"{case} evaluate", lambda: evaluated(used, data, run / "report"))
    if recipe.training.fit is None:
        check.attempt(f"{case} steps", lambda: compare_training(check, case, session))
    return {}


def train(check: Check, case: str, prepared: Callable[[], Session]) -> Numbers:
    """A run that is stopped half-way, as by Ctrl-C, and taken up again."""
    session = prepared()
    fitted = find_recipe(session.plan.recipe).training.fit is not None
    if not fitted:
        left = iter(range(STEPS // 2))
        for _ in session.run(stop=lambda: next(left, 0) == STEPS // 2 - 1):
            pass
        session = prepared()
    steps = [state.result.step for state in session.run()]
    whole = session.resumed and steps[0] == STEPS // 2 + 1 and steps[-1] == STEPS
    check.expect(true=fitted or whole, said=f"{case}: resumed at {steps[0]}, ended at {steps[-1]}")
    used = gannet.load(session.out, device=check.device).artifact.model
    place = processor.device_of(used)
    empty = not [*used.parameters(), *used.buffers()]
    there = empty or place.startswith(check.device)
    check.expect(true=there, said=f"{case}: was loaded onto {place}")
    return {"precision": session.plan.config["precision"], "resumed_at": steps[0]}


def done(work: Callable[[], object]) -> Numbers:
    """Nothing to tell but that it could be done."""
    work()
    return {}


def evaluated(model: gannet.Model, data: Path, out: Path) -> Numbers:
    """How many scores there are of a few samples."""
    return {"scores": len(model.evaluate(data, count=32, out=out).scores)}


def uses(
    model: gannet.Model, session: Session, data: Path
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Whatever a user can ask of a model."""
    recipe, kind = model.artifact.recipe, session.dataset.source.kind
    fitted, conditional = recipe.training.fit is not None, recipe.inputs.conditional
    if not conditional:
        yield "sample", lambda: model.sample(8, seed=1)
    if kind == "table" and not fitted:
        yield "given", lambda: model.sample(4, given={"place": "north"})
        yield "judge", lambda: model.judge(data)
    if kind != "table" and not fitted:
        yield "judge", lambda: model.judge(_some(model, session))
    picture = pictures(1, 40, seed=3)[0]
    for name, transform in recipe.inference.transforms.items():
        given = _input(model, transform.given, data, picture)
        asked = _asked(transform.options.model_fields, data.parent)
        for draws in (1, 2):
            work = partial(model.apply, given, samples=draws, transform=name, **asked)
            yield f"{name} {draws}", work
    if kind == "image" and not conditional and not fitted:
        yield "edit", lambda: edited(model, picture)


def _input(model: gannet.Model, role: str, data: Path, picture: Any) -> Any:
    """An input for a transform: the data themselves, a picture, or an example of another kind."""
    codecs = model.artifact.codecs
    kind = codecs.get(role, codecs["sample"]).kind
    if kind == "table":
        return data
    make = find_modality(kind).examples
    return picture if kind == "image" or make is None else make(1, np.random.default_rng(3))[0]


def _some(model: gannet.Model, session: Session) -> Any:
    raws = model.artifact.decode(session.dataset.held_out.take(range(8)).real)
    return np.stack(raws)


def _asked(known: Iterable[str], folder: Path) -> dict[str, Any]:
    """What a transform must be told."""
    asked: dict[str, Any] = {"domain": "bright"} if "domain" in known else {}
    if "mask" in known:
        hole = np.zeros((40, 40), np.uint8)
        hole[10:20, 10:20] = 255
        asked["mask"] = folder / "mask.png"
        Image.fromarray(hole).save(asked["mask"])
    return asked


def edited(model: gannet.Model, picture: Any) -> object:
    """A picture that was found in the noise, and changed."""
    editor, search = model.editor(), InversionSettings(starts=64, tries=2, steps=10, tuning=5)
    found = editor.find([picture], search)[0]
    return editor.edited(found, {"brightness": 1.0}).image()


def compare_product(check: Check, case: str, session: Session, run: Path) -> Numbers:
    """The same weights and noise on processor and GPU: samples, and verdicts of the judge."""
    here, there = (gannet.load(run, device=each).artifact for each in ("cpu", check.device))
    held_out = session.dataset.held_out.take(range(min(32, len(session.dataset.held_out))))
    usual = (there.fakes_like(held_out, seed=5) - here.fakes_like(held_out, seed=5)).abs()
    with without_tf32():
        apart = (there.fakes_like(held_out, seed=5) - here.fakes_like(held_out, seed=5)).abs()
        told = here.recipe.with_evaluation_condition(held_out, here.card.spec)
        usual_verdicts, verdicts = (
            each.logits(told.real, told.condition) for each in (here, there)
        )
    off, same = float(apart.max()), float((apart < ALIKE).float().mean())
    judged = float(((verdicts - usual_verdicts) / (1 + usual_verdicts.abs())).abs().max())
    symbols = session.dataset.source.kind == "table" or here.recipe.training.fit is not None
    alike = same >= SAME_CELLS if symbols else off <= ALIKE
    check.expect(true=alike, said=f"{case}: samples differ by {off:.2g}, {same:.1%} are the same")
    check.expect(true=judged <= ALIKE, said=f"{case}: verdicts differ by {judged:.2g}")
    return {"samples_apart": off, "samples_same": same, "samples_apart_tf32": float(usual.max()),
            "verdicts_apart": judged}  # fmt: skip


def run_all(check: Check, only: Sequence[str], kinds: Sequence[str]) -> None:
    """All parts, the measured ones first."""
    sizes = SIZES if check.gpu else SIZES[:1]
    for side in () if only else sizes:
        for precision in ("bfloat16", "float32"):
            work = partial(time_generate, check, side, precision, 64, 32)
            check.attempt(f"generate {side}px {precision}", work)
    for name, kind in cases(only, kinds):
        check.attempt(f"{name}-{kind}", partial(check_recipe, check, name, kind))


def main(arguments: list[str] | None = None) -> int:
    """Check, print what was found, and say whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for data, runs and figures")
    parser.add_argument(
        "--seconds", type=float, default=280, help="begin nothing new after so many"
    )
    parser.add_argument("--recipe", action="append", default=[], help="these only")
    parser.add_argument("--kind", action="append", default=[], help="these kinds of data only")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)  # cpu: a rehearsal
    asked = parser.parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("not run: no GPU at hand")
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as spare:
        out = asked.out or Path(spare)
        check = Check(asked.device, out, began + asked.seconds)
        run_all(check, asked.recipe, asked.kind)
        found = {
            "hardware": processor.hardware(asked.device), "torch": torch.__version__,
            "seconds": round(time.monotonic() - began, 1), "figures": check.figures,
            "not_checked": check.not_checked, "failures": check.failures,
        }  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        (out / "gpu_check.json").write_text(json.dumps(found, indent=1))
    for failure in check.failures:
        print(f"FAILED {failure}", file=sys.stderr)
    print(json.dumps(found))
    return int(bool(check.failures))


if __name__ == "__main__":
    raise SystemExit(main())
