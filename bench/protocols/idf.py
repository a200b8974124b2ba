"""The convention of IDF (Kim et al., ICCV 2025), decoded from its published noisy pictures."""

from bench.protocols import FLOORED, Protocol

PROTOCOL = Protocol(
    name="idf",
    border=0,
    storage_of={"gaussian": FLOORED, "poisson": FLOORED, "correlated": FLOORED},
    rounds_scores=False,
    definition=(
        "The noisy image is clipped to [0, 1] and stored in 8 bits, truncated for gaussian, poisson and correlated "
        "noise, and rounded for speckle, salt & pepper and all other noise. The output is clipped to [0, 1] and not "
        "rounded. No border is cropped. Its noise draws are not published: noise is keyed by image and seed."
    ),
    source="Kim et al., IDF, ICCV 2025: decoded from its demo pictures",
)
