"""Points from noise."""

from toys.gan import gan

recipe = gan("toy_points", bounded=False)
