"""The contracts that every other package shares; imports nothing of gannet."""
