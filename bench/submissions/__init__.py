"""Submissions: the results of one model as a folder that can be merged with those of others.

    submission.toml   the model, its training, cost and files, and hashes; filled in by its authors
    rows.parquet      its rows, one per image, noise and seed, as `bench export --per image` writes them
    environment.json  versions of packages and the machine that wrote the folder
    manifest.json     the plans of the run that have the model, without its other models

schema  the fields of submission.toml, and the reader of such folders with all of its checks
make    a folder from a run
"""
