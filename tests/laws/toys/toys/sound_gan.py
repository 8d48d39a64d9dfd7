"""Sound from noise."""

from toys.gan import gan

recipe = gan("toy_sound", bounded=True)
