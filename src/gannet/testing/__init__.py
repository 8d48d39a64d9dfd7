"""The laws that every recipe, codec and metric must keep, ours or yours.

In a test: ``check_recipe(recipe, batch)``, ``check_codec(codec, raws, folder, ".png")``,
``check_metric(metric, "low")``. Each trains or computes a little, takes seconds, and raises an
``AssertionError`` that begins with the name of the law that is broken.
"""

from gannet.testing.codecs import check_codec
from gannet.testing.metrics import check_metric
from gannet.testing.recipes import changed, check_recipe

__all__ = ["changed", "check_codec", "check_metric", "check_recipe"]
