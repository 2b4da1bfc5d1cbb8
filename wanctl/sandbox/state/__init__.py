"""The state of an account: its store, its clock, and how a training goes through time."""
