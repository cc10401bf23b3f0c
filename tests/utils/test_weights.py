"""Sample weights are checked in one place."""

import numpy as np
import pytest

from sklearn_deepod.utils._weights import check_weights

X = np.zeros((3, 2))


def test_weights_become_floats():
    weight = check_weights([1, 0, 2], X)
    assert weight.dtype == np.float64
    assert weight.tolist() == [1.0, 0.0, 2.0]
    assert check_weights(None, X) is None


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([0, 0, 0], "[Zz]ero"),
        ([1, -1, 1], "[Nn]egative"),
        ([1, 1], "shape|inconsistent"),
        ([1, np.nan, 1], "NaN"),
    ],
)
def test_weights_that_cannot_be_used(weight, message):
    with pytest.raises(ValueError, match=message):
        check_weights(weight, X)
