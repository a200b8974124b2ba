"""Figures for papers from the rows and pictures of a run."""
