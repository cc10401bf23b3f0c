"""Rules of thresholds: closed forms, known distributions, ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_deepod._stats import (
    contamination_threshold,
    kimber_threshold,
    tail_excess_threshold,
    training_threshold,
    weighted_quantile,
)


def flagged(scores, cut, weight=None):
    """Share of the weight above the cut."""
    return np.average(scores > cut, weights=weight)


class TestKimberThreshold:
    def test_closed_form(self):
        # Median 5, third quartile 7: the fence is 7 + 3 * 2 = 13, between 12 and 20.
        scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 12.0, 20.0])
        assert kimber_threshold(scores) == 16.0

    def test_above_all_scores_it_is_the_fence_itself(self):
        scores = np.arange(1.0, 10.0)
        median, upper = np.quantile(scores, [0.5, 0.75], method="averaged_inverted_cdf")
        assert kimber_threshold(scores) == upper + 3 * (upper - median) == 13.0

    @pytest.mark.parametrize("name", ["norm", "expon", "uniform"])
    def test_flags_the_known_share_of_a_distribution(self, name):
        law = getattr(stats, name)
        median, upper = law.ppf([0.5, 0.75])
        expected = law.sf(upper + 3 * (upper - median))
        scores = law.rvs(size=200_000, random_state=0)
        assert flagged(scores, kimber_threshold(scores)) == pytest.approx(
            expected, rel=0.1, abs=1e-9
        )

    def test_known_shares(self):
        # By hand: 2.698 deviations of a normal; ln 4 + 3 ln 2 of an exponential.
        assert stats.norm.sf(4 * stats.norm.ppf(0.75)) == pytest.approx(
            0.0035, rel=0.01
        )
        assert stats.expon.sf(5 * np.log(2)) == pytest.approx(2**-5)

    def test_cut_is_midway_between_two_scores(self):
        scores = np.random.RandomState(0).exponential(size=1000)
        cut = kimber_threshold(scores)
        below, above = scores[scores <= cut].max(), scores[scores > cut].min()
        assert cut == pytest.approx((below + above) / 2)

    def test_distant_outliers_do_not_move_it(self):
        clean = np.random.RandomState(0).exponential(size=1000)
        scores = np.r_[clean, np.full(50, 1e9)]
        found = flagged(scores, kimber_threshold(scores))
        assert 50 / 1050 < found < 100 / 1050

    def test_weights_equal_repetition(self):
        rng = np.random.RandomState(0)
        scores, weight = rng.exponential(size=200), rng.randint(1, 5, size=200)
        assert kimber_threshold(scores, weight.astype(float)) == kimber_threshold(
            np.repeat(scores, weight)
        )

    def test_equal_scores_are_all_inliers(self):
        scores = np.full(20, 0.1)
        assert flagged(scores, kimber_threshold(scores)) == 0


class TestContaminationThreshold:
    @given(
        st.integers(1, 300),
        st.floats(0.001, 0.5),
        st.integers(0, 2**31 - 1),
    )
    @settings(deadline=None, derandomize=True, max_examples=150)
    def test_marks_the_rounded_share(self, n_rows, share, seed):
        scores = np.random.RandomState(seed).permutation(n_rows).astype(float)
        cut = contamination_threshold(scores, share)
        assert (scores > cut).sum() == round(share * n_rows)

    def test_cut_is_midway(self):
        scores = np.array([5.0, 1.0, 10.0, 2.0])
        assert contamination_threshold(scores, 0.25) == 7.5
        assert contamination_threshold(scores, 0.5) == 3.5

    def test_largest_floats_do_not_overflow(self):
        scores = np.array([1.0, 1.5e308, 1.7e308, -1.7e308])
        assert contamination_threshold(scores, 0.25) == pytest.approx(1.6e308)

    @pytest.mark.parametrize(
        ("share", "n_flagged"),
        [(0.1, 0), (0.3, 4), (0.4, 4), (0.5, 5)],
    )
    def test_ties_are_not_parted(self, share, n_flagged):
        scores = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0, 9.0, 9.0, 9.0])
        assert (scores > contamination_threshold(scores, share)).sum() == n_flagged

    @pytest.mark.parametrize("start", [0.0, 1.0, -1.0, 0.1, 1e300])
    def test_neighbouring_floats_are_parted(self, start):
        scores = [start]
        for _ in range(9):
            scores.append(np.nextafter(scores[-1], np.inf))
        for n_flagged in range(1, 6):
            cut = contamination_threshold(np.array(scores), n_flagged / 10)
            assert (np.array(scores) > cut).sum() == n_flagged

    def test_equal_scores_are_all_inliers(self):
        scores = np.full(20, 0.1)
        assert (scores > contamination_threshold(scores, 0.4)).sum() == 0

    @pytest.mark.parametrize("share", [0.03, 0.1, 0.25, 0.5])
    def test_whole_weights_equal_repetition(self, share):
        rng = np.random.RandomState(0)
        scores, weight = rng.randn(60), rng.randint(1, 5, size=60)
        assert contamination_threshold(
            scores, share, weight.astype(float)
        ) == contamination_threshold(np.repeat(scores, weight), share)

    def test_fractional_weights(self):
        scores = np.arange(5.0)
        weight = np.array([0.4, 0.3, 0.1, 0.05, 0.15])
        cut = contamination_threshold(scores, 0.2, weight)
        assert cut == 2.5
        assert flagged(scores, cut, weight) == pytest.approx(0.2)

    def test_agrees_with_the_quantile(self):
        scores = np.random.RandomState(0).randn(1000)
        assert contamination_threshold(scores, 0.1) == pytest.approx(
            weighted_quantile(scores, 0.9)
        )


class TestTrainingThreshold:
    def test_rule_by_contamination_and_novelty(self):
        scores = np.random.RandomState(0).gamma(1.0, size=300)
        weight = np.random.RandomState(1).rand(300)
        assert training_threshold(scores, "auto", weight) == tail_excess_threshold(
            scores, weight
        )
        for novelty in (False, True):
            assert training_threshold(
                scores, 0.2, weight, novelty=novelty
            ) == contamination_threshold(scores, 0.2, weight)
        assert training_threshold(scores, novelty=True) == kimber_threshold(
            scores, most=0.015
        )
