"""A fifth kind, which stands in this folder alone: registered, it goes through every command."""
