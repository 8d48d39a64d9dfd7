"""Resuming runs: their plan is read again, and the new command must agree with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gannet.core.config import flag
from gannet.core.errors import ConfigError, GannetError, no_permission
from gannet.core.io.checksum import checked_json
from gannet.core.io.regular import read_text
from gannet.core.io.training_log import PLAN
from gannet.modalities.registry import codec_of
from gannet.training.plan import FORMAT, Plan

FLAGS = {"label_column": "label", "column_types": "column"}
"""Fields of a plan whose flag has another name."""

STEPS = "steps"
"""The setting that bounds a run without a time budget."""


def read_plan(out: Path) -> Plan | None:
    """The plan of an existing run, if there is one.

    Raises:
        GannetError: if the file is damaged, or may not be read.
    """
    path = out / PLAN
    try:
        if not path.exists():
            return None
        content: Any = json.loads(read_text(path))
        _check_format(content, path)
        plan = Plan.model_validate(checked_json(content))
        for codec in plan.codecs.values():
            codec_of(**codec)
    except PermissionError:
        raise no_permission(path) from None
    except (ConfigError, OSError, TypeError, ValueError, RecursionError) as error:
        raise GannetError(
            f"the plan is damaged or from another version of gannet: {str(error).splitlines()[0]}",
            where=str(path),
            remedy="Undo what was changed in it by hand, or copy it again; or train into another "
            "folder.",
        ) from None
    return plan


def _check_format(content: Any, path: Path) -> None:
    """Refuse a plan of another format.

    Raises:
        GannetError: naming both formats.
    """
    # A file that is no plan at all is refused by ``Plan`` itself.
    plan_format = content.get("format", 1) if "recipe" in content else FORMAT
    if plan_format != FORMAT:
        raise GannetError(
            f"the plan has format {plan_format}, this gannet reads and writes format {FORMAT}",
            where=str(path),
            remedy="Train again, into another folder.",
        )


def check_same_run(plan: Plan, requested: Mapping[str, Any]) -> None:
    """Refuse to resume a run with settings that differ from those it was started with.

    Args:
        plan: Of the existing run.
        requested: Values of the new command, by the names of the plan's fields.

    Raises:
        ConfigError: listing every difference.
    """
    before = plan.model_dump(mode="json")
    differing: list[str] = []
    for name, now in requested.items():
        if name in ("user_settings", "options"):
            for setting in sorted(before[name].keys() | now.keys()):
                differing += _difference(setting, before[name].get(setting), now.get(setting))
        elif name == "digest" and before[name] != now:
            differing.append("the data, or how they are read: changed since the run was started")
        elif name == "budget_seconds":
            minutes = (f"{before[name] / 60:g}" if before[name] else None, f"{now / 60:g}")
            differing += _difference("minutes", minutes[0], minutes[1] if now else None)
        else:
            differing += _difference(FLAGS.get(name, name), before[name], now)
    if differing:
        more = to_train_on(plan)
        longer = f", with {more} to train on," if more else ""
        raise ConfigError(
            "this folder holds a run that was started differently\n  " + "\n  ".join(differing),
            remedy=f"Give the same command to resume{longer} or another --out to start over.",
        )


def to_train_on(plan: Plan) -> str:
    """What the same command may be given more of, so that a run trains on; empty for nothing."""
    if plan.budget_seconds:
        return "more --minutes"
    return "more --steps" if _given_steps(plan) else ""


def extended(plan: Plan, minutes: float | None, steps: int | None = None) -> Plan:
    """The plan with more time, or with more steps if it is bounded by steps; else the same.

    Everything else stays as it was planned: the run trains on from where it ended, with as many
    steps as the new budget allows, or until the new number of steps.

    Args:
        plan: Of the existing run.
        minutes: Time that the new command gives, if any.
        steps: Steps that the new command gives, if any.
    """
    return _extended(plan, 60 * (minutes or 0.0), steps or 0)


def _extended(plan: Plan, seconds: float, steps: int) -> Plan:
    """The plan with a larger budget, if the one that bounds it is larger; else the same."""
    if 0 < plan.budget_seconds < seconds:
        line = f"trains on until it has had {seconds / 60:g} minutes; it was given "
        line += f"{plan.budget_seconds / 60:g} before"
        return plan.model_copy(update={"budget_seconds": seconds, "forecast": (line,)})
    before = _given_steps(plan)
    if 0 < before < steps:
        more = {STEPS: steps}
        line = f"trains on until it has done {steps:,} steps; it was given {before:,} before"
        update = {"config": plan.config | more, "user_settings": plan.user_settings | more}
        return plan.model_copy(update=update | {"forecast": (line,)})
    return plan


def _given_steps(plan: Plan) -> int:
    """The steps that bound a run; 0 for one that time bounds, or that is fitted at once."""
    return 0 if plan.budget_seconds else int(plan.user_settings.get(STEPS, 0))


def is_longer(plan: Plan, seconds: float, steps: int) -> bool:
    """Whether a plan gives more time, or more steps, than a run has been trained with."""
    return plan.budget_seconds > seconds or _given_steps(plan) > steps


def may_replace(existing: Plan | None, plan: Plan) -> bool:
    """Whether a plan may be written over another: the same, or one with more time or steps."""
    if existing is None:
        return True
    return plan in (existing, _extended(existing, plan.budget_seconds, _given_steps(plan)))


def _difference(name: str, before: object, now: object) -> list[str]:
    if before == now:
        return []
    values = ["not given" if each is None else str(each) or "''" for each in (before, now)]
    return [f"{flag(name)}: started with {values[0]}, now {values[1]}"]
