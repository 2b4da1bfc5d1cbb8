"""Many projects of one account in one process: which there are, their rounds, what they show together."""
