"""A FineTune: what its plan is, which job it is, the training, and its end."""
