"""Sampling rows from a trained model, with conditions, stratification and constraints."""
