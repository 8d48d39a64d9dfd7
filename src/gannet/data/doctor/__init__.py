"""What is wrong with data: copies, empty samples, labels, ranges, and the held-out part."""
