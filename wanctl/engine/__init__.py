"""Observe the account, plan from what was seen, and converge: read, decide, act, in that order."""
