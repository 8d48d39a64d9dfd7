"""Atomic writes, flat files of rows, prefetching."""
