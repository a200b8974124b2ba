"""Training: recipes, crops, precision, one or several processes."""
