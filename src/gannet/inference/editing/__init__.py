"""Moving images through the noise of a generator: found, named, changed, walked."""
