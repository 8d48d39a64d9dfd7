"""Kinds of data that claim what gannet itself uses: ``.csv``, ``.json``, ``.npz``, objects."""
