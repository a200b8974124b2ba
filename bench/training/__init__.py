"""Training, its images and its curves."""
