"""What is arranged to go wrong: rules for calls, and quirks and endings of the service."""
