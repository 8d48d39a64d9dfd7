"""Layouts of the files below a path, each read by one small reader."""
