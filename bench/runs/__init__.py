"""A run: its plan, its store, which of its rows count, its status and its tables."""
