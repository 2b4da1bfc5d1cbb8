"""A Checkpoint: what its plan is, and the export."""
