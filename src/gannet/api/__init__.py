"""The Python API: train, load, compare."""
