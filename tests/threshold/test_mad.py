"""The modified z-score of scores."""

import numpy as np
import pytest
from scipy import stats

from sklearn_deepod.threshold import MADThreshold


@pytest.mark.parametrize("factor", [2.0, 3.5])
def test_equals_scipy(factor):
    scores = np.random.RandomState(0).gamma(2.0, size=501)
    mad = stats.median_abs_deviation(scores)
    expected = np.median(scores) + factor * mad / 0.6745
    assert MADThreshold(factor=factor).fit(scores).threshold_ == pytest.approx(expected)


def test_without_a_median_deviation():
    scores = np.r_[np.zeros(8), 1.0, 3.0]
    expected = 3.5 * 1.253314 * np.abs(scores).mean()
    assert MADThreshold().fit(scores).threshold_ == pytest.approx(expected)


def test_half_of_outliers_do_not_carry_it_away():
    scores = np.r_[np.random.RandomState(0).rand(60), np.full(40, 1e9)]
    assert MADThreshold().fit(scores).threshold_ < 10


def test_impossible_factor():
    with pytest.raises(ValueError, match="'factor'"):
        MADThreshold(factor=0.0).fit([1.0, 2.0])
