"""Latent editing: GAN inversion, latent directions and their names, interpolation."""
