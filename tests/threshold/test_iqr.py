"""Fences of a boxplot, by scipy's and numpy's quartiles."""

import numpy as np
import pytest
from scipy import stats

from sklearn_deepod import AutoEncoder
from sklearn_deepod.threshold import IQRThreshold
from tests.conftest import QUICK


@pytest.mark.parametrize("factor", [1.5, 3.0])
def test_tukey(factor):
    scores = np.random.RandomState(0).gamma(2.0, size=500)
    rule = {"method": "averaged_inverted_cdf"}
    upper = np.quantile(scores, 0.75, **rule)
    whisker = factor * (upper - np.quantile(scores, 0.25, **rule))
    assert IQRThreshold(factor=factor).fit(scores).threshold_ == pytest.approx(
        upper + whisker
    )


def test_known_shares():
    scores = stats.norm.rvs(size=200_000, random_state=0)
    # 2.698 standard deviations
    for skewed in (False, True):
        cut = IQRThreshold(skewed=skewed).fit(scores).threshold_
        assert np.mean(scores > cut) == pytest.approx(0.0035, rel=0.1)
    scores = stats.expon.rvs(size=200_000, random_state=0)
    # Tukey: ln 4 + 1.5 ln 3; Kimber: ln 4 + 3 ln 2
    for skewed, share in [(False, 0.25 / 3**1.5), (True, 2**-5)]:
        cut = IQRThreshold(skewed=skewed).fit(scores).threshold_
        assert np.mean(scores > cut) == pytest.approx(share, rel=0.05)


def test_kimbers_is_the_rule_of_normal_training_rows():
    X = np.random.RandomState(0).randn(200, 3)
    detector = AutoEncoder(novelty=True, **QUICK).fit(X)
    rule = IQRThreshold(skewed=True, most=0.015).fit(-detector.score_samples(X))
    assert rule.threshold_ == -detector.offset_


@pytest.mark.parametrize("skewed", [False, True])
def test_at_most_a_share_lies_beyond(skewed):
    scores = stats.expon.rvs(size=10_000, random_state=0)
    free = IQRThreshold(skewed=skewed).fit(scores).threshold_
    bound = IQRThreshold(skewed=skewed, most=0.01).fit(scores).threshold_
    assert np.sum(scores > free) > 200
    assert np.sum(scores > bound) == 100
    assert IQRThreshold(skewed=skewed, most=0.5).fit(scores).threshold_ == free
