"""A Deployment: how it is planned, replaced, found again and ended, and the calls that do it."""
