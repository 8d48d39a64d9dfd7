"""Simple methods that scores are compared with; named ``baseline_<file>``."""
