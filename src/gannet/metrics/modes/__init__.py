"""Modes of reals: found without labels, and how wide samples are within them."""
