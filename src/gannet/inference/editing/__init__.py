"""Moving pictures through the noise of a generator: found, named, changed, walked."""
