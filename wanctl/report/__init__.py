"""A Plan as text, and what a run says while it goes. Reads plans, never makes or changes them."""
