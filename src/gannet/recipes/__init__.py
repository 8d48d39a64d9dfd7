"""Each file here is one task and ends in ``recipe = Recipe(...)``; ``registry`` finds it."""
