"""Outputs of code outside MaskBench, as files, scored into the rows of a run.

noisy_set  the noisy images that outputs belong to: a manifest of `bench noise apply`, or pairs
matching   output files by name; `bench.datasets.output_files` reads them
checks     what is wrong with outputs, or doubtful: sizes, shifts, channel order, copies
model      outputs under a name, as a model of a run
engine     the engine that takes outputs from files instead of networks
scoring    all of these: `bench score`, `bench.score_folder`
"""
