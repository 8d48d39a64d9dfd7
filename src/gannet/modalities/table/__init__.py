"""Tables of any columns."""
