"""What players minimise: adversarial losses and gradient penalties, pure."""
