"""Kinds of data and recipes as another package would bring them: see ``test_a_new_kind.py``."""
