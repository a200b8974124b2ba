"""Noises by spec, and what shows, applies and describes them."""
