"""Features in, numbers out: why a network holds or fails on a noise.

layers             which layers a network has, and how they are named
capture            outputs of named layers, copied while a network runs
cka                how alike two networks, or two noises, look from inside
srga               how far the deepest features of a noise lie from those of the training noise
distributions      where deep features lie under each noise, and how far apart
brightness         which levels outputs have, and how far their mean is off
frequency          how much fine detail outputs keep
attribution        which input pixels a part of the output comes from
rank_correlation   whether any of this orders models and noises as their scores do
pca, jackknife     what these are computed with

    features = capture(network, ["layers.0", "conv_after_body"])
    similarity = Cka(features.layers, features.layers)
    for gaussian, poisson in batches:                         # the same images, (B, 3, H, W) each
        similarity.add(features(gaussian), features(poisson))
    similarity.result().value                                 # (2, 2), with .low and .high
"""
