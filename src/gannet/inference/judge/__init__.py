"""The judge of a run: fitted at its end, it tells reals from many kinds of fakes and strangers."""
