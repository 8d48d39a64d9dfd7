"""From data and settings to a trained artifact: plan, loop, monitor, checkpoint."""
