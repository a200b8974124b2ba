"""What every part needs: errors, files, paths, locks, signals, the terminal, and isolation of user-defined code."""
