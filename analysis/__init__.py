"""Analyses of denoising networks: features or outputs in, numbers out.

cka          similarity of the layers of two networks, or of one network under two noises
srga         distance of the deepest features under a noise from those under a reference noise, generalized Gaussian fit
features     densities of the deepest features under each noise, and their Wasserstein distance
brightness   histograms of output levels, and the shift of their mean
detail       fine detail kept and error, by spatial frequency
complete     PSNR where input pixels were masked
attribute    local attribution maps: which input pixels a part of the output depends on
predict      rank correlation of any of these with the PSNR drop

layers, capture   the layers of a network, and their outputs (features) while it runs
pca, jackknife    what the analyses are computed with

    features = capture(network, ["layers.0", "conv_after_body"])
    similarity = Cka(features.layers, features.layers)
    for gaussian, poisson in batches:                         # the same images, (B, 3, H, W) each
        similarity.add(features(gaussian), features(poisson))
    similarity.result().value                                 # (2, 2), with .low and .high
"""
