"""A Dataset: what its plan is, the upload, and its end."""
