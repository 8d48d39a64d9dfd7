"""Safe reading and writing of image files."""
