"""What a person looks at to choose a checkpoint: the preview videos that a training made."""
