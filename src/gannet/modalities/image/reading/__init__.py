"""Reading images from files and arrays: size, crops, pairs, checks."""
