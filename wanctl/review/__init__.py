"""The preview videos of a training, by which a person chooses a checkpoint."""
