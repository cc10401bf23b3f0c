"""Otsu's cut, by a search over all cuts."""

import numpy as np
import pytest

from sklearn_deepod.threshold import OtsuThreshold


def smallest_variance_within(scores):
    """The scores of the lower group that leaves the smallest variance in both."""
    ranked = np.sort(scores)
    within = [
        i * np.var(ranked[:i]) + (len(ranked) - i) * np.var(ranked[i:])
        for i in range(1, len(ranked))
    ]
    return ranked[: 1 + int(np.argmin(within))]


@pytest.mark.parametrize("seed", range(5))
def test_leaves_the_smallest_variance_within(seed):
    scores = np.random.RandomState(seed).gamma(0.7, size=301)
    cut = OtsuThreshold(lower=None, linear_range=None).fit(scores).threshold_
    assert np.sum(scores <= cut) == len(smallest_variance_within(scores))


def test_cut_is_midway():
    assert OtsuThreshold().fit([1.0, 1.1, 1.2, 1.3, 1.4, 4.0, 4.4]).threshold_ == 2.7


def test_one_group_is_not_parted_through_the_middle():
    scores = np.random.RandomState(0).randn(20_000)
    assert (
        0.4 < np.mean(scores > OtsuThreshold(lower=None).fit(scores).threshold_) < 0.6
    )
    assert np.mean(scores > OtsuThreshold().fit(scores).threshold_) == pytest.approx(
        0.0228, rel=0.1
    )


def test_one_enormous_score_hides_no_other():
    rng = np.random.RandomState(0)
    scores = np.r_[rng.rand(90), 30 + rng.rand(9), 1e12]
    assert np.sum(scores > OtsuThreshold(linear_range=None).fit(scores).threshold_) == 1
    assert np.sum(scores > OtsuThreshold().fit(scores).threshold_) == 10


@pytest.mark.parametrize("largest", [1e300, 1.7e308])
def test_stays_in_the_range_of_floats(largest):
    scores = np.r_[np.linspace(-1.0, 1.0, 50), largest, -largest]
    cut = OtsuThreshold().fit(scores).threshold_
    assert np.isfinite(cut)
    assert np.sum(scores > cut) == 1
