"""Rules that every sampled row obeys: a small language of comparisons, read and never run."""

from gannet.modalities.table.rules.binder import bind
from gannet.modalities.table.rules.bounds import Bounds, BoundSource, bounds_of
from gannet.modalities.table.rules.clause import Clause, CooccurrenceLookup
from gannet.modalities.table.rules.discovery import DiscoveredRule, RuleSearch
from gannet.modalities.table.rules.violations import rules_of, violations

__all__ = [
    "BoundSource",
    "Bounds",
    "Clause",
    "CooccurrenceLookup",
    "DiscoveredRule",
    "RuleSearch",
    "bind",
    "bounds_of",
    "rules_of",
    "violations",
]
