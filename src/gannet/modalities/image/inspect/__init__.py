"""Dataset report of images: sizes, duplicates, broken files."""
