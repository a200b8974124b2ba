"""A run: its plan, its store, what is done and what is to do."""
