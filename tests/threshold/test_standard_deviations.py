"""The z-score of scores."""

import numpy as np
import pytest

from sklearn_deepod.threshold import StandardDeviationThreshold


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_equals_numpy(factor):
    scores = np.random.RandomState(0).gamma(2.0, size=500)
    expected = scores.mean() + factor * scores.std()
    assert StandardDeviationThreshold(factor=factor).fit(
        scores
    ).threshold_ == pytest.approx(expected)


def test_ten_scores_cannot_exceed_three():
    scores = np.r_[np.zeros(9), 1e9]
    assert not np.any(scores > StandardDeviationThreshold().fit(scores).threshold_)
    scores = np.r_[np.zeros(11), 1e9]
    assert np.any(scores > StandardDeviationThreshold().fit(scores).threshold_)
