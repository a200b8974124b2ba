"""Models: networks, weights and cards; how they are imported, checked, tiled and priced."""
