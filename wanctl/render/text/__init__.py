"""For terminals and logs: lines of text."""
