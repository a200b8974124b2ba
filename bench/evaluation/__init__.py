"""What is done with one clean image: noise, networks, scores. No store and no engine: it runs in any process.

task      what is to be done, small enough to travel
pending   which of it a store lacks, image by image
prepare   the noisy image
denoise   a network on it
score     metrics, pictures
rows      the columns of a row
pipeline  all of these at once, each a step ahead of the next
"""
