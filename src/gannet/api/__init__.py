"""gannet from Python: train, load, compare."""
