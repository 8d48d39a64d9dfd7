"""gannet: generative adversarial networks that do not collapse, with numbers to believe."""
