"""The command-line interface: one function per command."""
