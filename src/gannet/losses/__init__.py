"""Adversarial, feature-matching and perceptual losses and gradient penalties; pure functions."""
