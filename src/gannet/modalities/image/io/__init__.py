"""Strangers' image files, opened and written with care."""
