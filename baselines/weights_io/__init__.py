"""Read and write weights: file formats, and which network a set of tensors belongs to."""
