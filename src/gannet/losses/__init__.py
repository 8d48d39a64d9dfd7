"""What players minimise: adversarial, feature-matching and perceptual losses, penalties; pure."""
