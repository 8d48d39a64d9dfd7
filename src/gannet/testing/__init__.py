"""Laws that every recipe, codec and metric must satisfy, including those of other packages.

In a test: ``check_recipe(recipe, batch)``, ``check_codec(codec, raws, folder, ".png")``,
``check_metric(metric, "low")``. Each takes seconds, and raises an ``AssertionError`` that begins
with the name of the broken law.
"""

from gannet.testing.codecs import check_codec
from gannet.testing.metrics import check_metric
from gannet.testing.recipes import changed, check_recipe

__all__ = ["changed", "check_codec", "check_metric", "check_recipe"]
