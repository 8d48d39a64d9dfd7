"""Containers on disk, read as rows of cells: folders, archives, tables, arrays, pairs."""
