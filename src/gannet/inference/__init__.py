"""What a trained artifact does: sample, apply, judge, edit."""
