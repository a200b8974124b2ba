"""Models: networks, weights and cards; import, checks, tiling and complexity."""
