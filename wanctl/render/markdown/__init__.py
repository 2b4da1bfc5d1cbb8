"""For pull requests: Markdown."""
