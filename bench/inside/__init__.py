"""Looking inside networks: the images, noises and models of the commands that measure features.

What is measured is in `analysis`; here it meets models, noises, data sets and the run folder. From Python:

    from bench import load_noise
    from bench.networks import models
    from bench.inside import setting, similarity
    from bench.inside.probe import probe

    chosen = setting.make("builtin", count=96, side=128)
    noise = load_noise("gaussian(sigma=15)")
    ours, baseline = (probe(models.resolve(name), (), chosen.device) for name in ("ours", "baseline"))
    sides = similarity.Side(ours, noise), similarity.Side(baseline, noise)
    *_, compared = similarity.compare(sides[0], [sides[1]], chosen, batch=16)  # before it None for each batch
    compared.frame()  # a row a pair of layers: cka, low, high
"""
