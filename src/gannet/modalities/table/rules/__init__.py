"""Rules that every sampled row obeys: a small language of comparisons, read and never run."""

from gannet.modalities.table.rules.binder import bind
from gannet.modalities.table.rules.bounds import Bounds, Source, bounds_of
from gannet.modalities.table.rules.clause import Clause, Seen
from gannet.modalities.table.rules.discovery import Found, Search

__all__ = ["Bounds", "Clause", "Found", "Search", "Seen", "Source", "bind", "bounds_of"]
