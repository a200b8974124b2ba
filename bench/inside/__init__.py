"""Looking inside networks: the images, noises and models of the commands that measure features.

What is measured is in `analysis`; here it meets models, noises, data sets and the run folder.
"""
