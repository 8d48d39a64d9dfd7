"""One package per modality (kind of data), with everything specific to it."""
