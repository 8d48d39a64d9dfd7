"""Automatic training control: remedies, each of them a trial that must prove that it helps.

A change of settings, weights or start is compared with what was before it, on held-out data. What
does not help is undone and not tried again; where nothing helps, the run is left alone.
"""

from __future__ import annotations

from gannet.training.controller.action import Action, MonitorEvaluation
from gannet.training.controller.controller import Controller

__all__ = ["Action", "Controller", "MonitorEvaluation"]
