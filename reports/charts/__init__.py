"""Charts: plain numbers in, SVG out that follows the page's theme."""
