"""Does it learn, how well, how fast: one file per question, each with a function ``run``."""
