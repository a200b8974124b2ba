"""Features in, numbers out: why a network holds or fails on a noise.

capture         outputs of named layers, copied while a network runs
cka             how alike two networks, or two noises, look from inside
srga            how far the deepest features of a noise lie from those of the training noise
"""
