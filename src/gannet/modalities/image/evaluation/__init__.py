"""Scores of images beyond the generic ones: texture, and outputs against targets."""
