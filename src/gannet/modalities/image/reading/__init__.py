"""From files and arrays of strangers to images of one size: found, cut, paired, measured."""
