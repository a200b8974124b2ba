"""Inputs that break programs, each run against the command line; `python -m tests.hostile` runs all of them."""
