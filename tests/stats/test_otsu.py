"""Otsu's threshold; the rule itself is tested in tests/threshold/test_otsu.py."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_deepod._stats import otsu_threshold


def test_weights_equal_repetition():
    rng = np.random.RandomState(0)
    scores, weight = rng.gamma(1.0, size=200), rng.randint(1, 5, size=200)
    assert otsu_threshold(scores, weight.astype(float)) == otsu_threshold(
        np.repeat(scores, weight)
    )


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40),
    st.floats(0.1, 10.0),
)
@settings(deadline=None, derandomize=True, max_examples=200)
def test_never_flags_the_lowest_and_is_finite(scores, weight):
    scores = np.array(scores)
    threshold = otsu_threshold(scores, np.full(len(scores), weight))
    assert np.isfinite(threshold)
    assert not np.any(scores[scores == scores.min()] > threshold)
