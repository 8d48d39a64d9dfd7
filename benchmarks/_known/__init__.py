"""The cases of the known-answer table; see ``benchmarks.known_answers``."""
