import numpy as np
import pytest
from scipy import stats

from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.random_mixture import RandomMixture
from noise_zoo.speckle import Speckle

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "3fb82091d4e453eda606f93d933bd2b01b742579c9ba06752f00e35235ab5827",
    "8e576d1a3fa3e2f9018f9348cd44184c4c7cbe1e9fe6d6da017db6dc8800c761",
]
DRAWS = 4000


@pytest.fixture(scope="module")
def chains():
    """The parts of many drawn chains."""
    rng = np.random.Generator(np.random.Philox(key=0))
    drawn = [RandomMixture().drawn(rng) for _ in range(DRAWS)]
    return [chain.parts if isinstance(chain, Chain) else (chain,) for chain in drawn]


def of_kind(chains, *kinds):
    return [part for parts in chains for part in parts if isinstance(part, kinds)]


def check_share(count, total, chance):
    assert count / total == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / total))


def test_what_is_drawn_how_often(chains):
    assert len(of_kind(chains, Gaussian, ColourGaussian)) == DRAWS
    check_share(len(of_kind(chains, Gaussian)), DRAWS, 0.4)
    check_share(sum(part.correlation == 1 for part in of_kind(chains, ColourGaussian)), DRAWS, 0.4)
    for kind, chance in ((Speckle, 0.5), (PoissonGaussian, 0.5), (Jpeg, 0.5), (Isp, 0.25)):
        check_share(len(of_kind(chains, kind)), DRAWS, chance)


def test_order_is_random_but_for_the_camera(chains):
    whole = [tuple(type(part).__name__[0] for part in parts if not isinstance(part, Isp)) for parts in chains]
    whole = [("G" if kind == "C" else kind for kind in kinds) for kinds in whole]
    orders, counts = np.unique(["".join(kinds) for kinds in whole], return_counts=True)
    full = counts[[len(order) == 4 for order in orders]]
    assert len(full) == 24 and stats.chisquare(full).pvalue > 1e-6
    assert all(isinstance(parts[0], Isp) for parts in chains if of_kind([parts], Isp))


def test_levels_are_those_of_the_source(chains):
    sigma = [part.sigma for part in of_kind(chains, Gaussian, ColourGaussian)]
    assert stats.kstest(sigma, stats.uniform(2, 48).cdf).pvalue > 1e-6
    speckle = [255 * part.var**0.5 for part in of_kind(chains, Speckle)]
    assert stats.kstest(speckle, stats.uniform(2, 48).cdf).pvalue > 1e-6
    peak = np.log10([part.peak for part in of_kind(chains, PoissonGaussian)])
    assert stats.kstest(peak, stats.uniform(2, 2).cdf).pvalue > 1e-6
    quality = [part.quality for part in of_kind(chains, Jpeg)]
    assert (min(quality), max(quality)) == (30, 95) and np.mean(quality) == pytest.approx(62.5, abs=2.5)
    assert {part.sigma for part in of_kind(chains, PoissonGaussian)} == {0}


def test_draws_are_independent(chains):
    present = np.array(
        [[bool(of_kind([parts], kind)) for kind in (Speckle, PoissonGaussian, Jpeg, Isp)] for parts in chains]
    )
    correlation = np.corrcoef(present.T.astype(float))
    assert np.abs(correlation - np.eye(4)).max() < 5 / np.sqrt(DRAWS)


@pytest.mark.parametrize("seed", range(8))
def test_is_the_chain_that_it_draws(seed, picture, philox):
    rng = philox(seed)
    chain = RandomMixture().drawn(rng)
    expected = chain(picture, rng)
    for ours, theirs in zip(RandomMixture()(picture, philox(seed)), expected, strict=True):
        assert np.array_equal(ours, theirs)


def test_output_never_changes(digests):
    assert digests(RandomMixture()) == HASHES
