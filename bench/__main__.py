"""`python -m bench` runs the command `bench`."""

from bench.cli import main

if __name__ == "__main__":  # spawned processes import this file without running it
    main()
