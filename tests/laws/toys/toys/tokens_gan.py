"""Tokens from noise."""

from toys.gan import gan

recipe = gan("toy_tokens", bounded=False)
