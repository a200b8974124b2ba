"""Drawings: plain numbers in, an SVG out that follows the page's theme."""
