"""Reproduction of published tables and figures, and verdicts on what the papers claim.

An experiment is a file of data, `experiments/NAME.toml`: its models, noises and data sets, the analyses and drawings
that it needs, and the published values with their source. `bench reproduce NAME` does what is missing by the commands
of `bench`, all in one run folder, and records in its manifest which weights and data sets it used. A claim is an entry
of `claims.toml`; its verdict is computed from the rows and measurements of such a run.

experiments  the data, and what can be asked for
weights      which weights stand for a model of an experiment
steps        the command lines of an experiment
record       what was reproduced in a run folder
evidence     the scores and measurements of a reproduction
values       published values beside ours
claims       the tests, and their verdicts
"""
