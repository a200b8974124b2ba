"""The site of a run: building, comparing with other runs, previewing and publishing it."""
