"""Features in, numbers out: why a network holds or fails on a noise. Empty so far; scores come from `bench`."""
