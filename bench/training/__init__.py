"""Training, training images, test curves and verification of weights."""
