"""What an account keeps: its store, its clock, and how a training goes through time."""
