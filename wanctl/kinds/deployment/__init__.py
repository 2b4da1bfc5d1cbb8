"""A Deployment: what its plan is, what serves, what it was told, and its end."""
