"""One package per modality (kind of data), with everything specific to it."""

DEFAULT_RECIPE = "generate"
"""Recipe of kinds of data that name no other."""
