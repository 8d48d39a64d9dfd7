"""Scores of images beyond those of any kind: texture, and answers beside their targets."""
