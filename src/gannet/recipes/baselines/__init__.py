"""Simple methods that every score stands beside; named ``baseline_<file>``."""
