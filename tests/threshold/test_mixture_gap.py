"""Two normal distributions, whose crossing is known."""

import numpy as np
import pytest

from sklearn_deepod.threshold import MixtureGapThreshold


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_cuts_where_the_densities_cross(share):
    rng = np.random.RandomState(0)
    n = int(share * 20_000)
    scores = np.r_[rng.normal(0, 1, 20_000 - n), rng.normal(6, 1, n)]
    # Equal variances: halfway, moved towards the smaller group.
    expected = 3 + np.log((1 - share) / share) / 6
    cut = MixtureGapThreshold(random_state=0).fit(scores).threshold_
    assert cut == pytest.approx(expected, abs=0.15)


def test_one_group_is_left_whole():
    scores = np.random.RandomState(0).randn(2000)
    rule = MixtureGapThreshold(random_state=0).fit(scores)
    assert rule.mixture_.n_components == 1
    assert rule.threshold_ == scores.max()


def test_same_seed_same_cut():
    scores = np.random.RandomState(0).gamma(1.0, size=500)
    before = np.random.get_state()[1].copy()
    cuts = {
        MixtureGapThreshold(random_state=3).fit(scores).threshold_ for _ in range(3)
    }
    assert len(cuts) == 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)
