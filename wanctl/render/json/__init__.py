"""For programs: JSON, and its schema."""
