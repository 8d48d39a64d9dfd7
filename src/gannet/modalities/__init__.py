"""One package per kind of data: all that is special to it, and nothing else."""
