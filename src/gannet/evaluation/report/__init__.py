"""What scores mean together, in words: JSON, Markdown and HTML."""
