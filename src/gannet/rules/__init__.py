"""Rules that every sampled row obeys: a small language of comparisons, read and never run."""

from gannet.rules.bind import Clause, Seen, bind
from gannet.rules.bounds import Bounds, Source, bounds_of
from gannet.rules.found import Found, Search

__all__ = ["Bounds", "Clause", "Found", "Search", "Seen", "Source", "bind", "bounds_of"]
