"""Golden outputs of the shipped weights, see golden/README.md."""

import numpy as np
import pytest

from bench.models import cards
from tests.baselines.golden.make import FOLDER, outputs

TOLERANCE = 2e-5  # of values in [0, 1]: kernels of other processors add in another order


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(cards.cards()))
def test_output_of_shipped_weights(name):
    made = outputs(name)
    with np.load(FOLDER / f"{name}.npz") as golden:
        assert golden["output"].std() > 0.1
        np.testing.assert_allclose(made["output"], golden["output"], rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(made["moments"], golden["moments"], rtol=0, atol=TOLERANCE / 4)
