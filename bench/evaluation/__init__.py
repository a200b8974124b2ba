"""The evaluation of one clean image: noise, networks, scores. It needs no store and no engine, and runs in any process.

task      jobs and tasks, small enough to be sent to other processes
pending   the jobs that a store lacks, image by image
prepare   the noisy image
denoise   a network on the noisy image
score     metrics and pictures
rows      the columns of a row
pipeline  all of these in parallel, each one image ahead of the next
"""
