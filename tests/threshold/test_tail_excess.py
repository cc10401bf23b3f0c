"""The threshold that first asks whether there is anything to flag."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_deepod import AutoEncoder
from sklearn_deepod._stats import otsu_threshold, tail_excess_threshold
from sklearn_deepod._stats._tail_excess import _has_second_group
from sklearn_deepod.threshold import TailExcessThreshold
from tests.conftest import QUICK, make_table


def n_flagged(scores, **params):
    return int(np.sum(scores > TailExcessThreshold(**params).fit(scores).threshold_))


CLEAN = {
    "normal": stats.norm(),
    "uniform": stats.uniform(),
    "exponential": stats.expon(),
    "chi": stats.chi(3),
    "gumbel": stats.gumbel_r(),
    "lognormal": stats.lognorm(0.5),
}


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize(("size", "most"), [(50, 0.06), (1000, 0.01), (20_000, 0.01)])
def test_single_groups_raise_few_alarms(name, size, most):
    shares = [
        n_flagged(CLEAN[name].rvs(size=size, random_state=seed)) / size
        for seed in range(20)
    ]
    assert np.mean(shares) <= most


@pytest.mark.parametrize("name", ["normal", "exponential", "chi", "gumbel"])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.25])
def test_distant_scores_are_flagged_and_no_other(name, share):
    clean = CLEAN[name].rvs(size=2000, random_state=0)
    rng = np.random.RandomState(1)
    far = clean.max() + 20 * np.std(clean) * (1 + rng.rand(round(share * 2000)))
    cut = TailExcessThreshold().fit(np.r_[clean, far]).threshold_
    assert np.all(far > cut)
    assert np.mean(clean > cut) <= 0.01


def test_threshold_is_where_the_tail_meets_the_level():
    # Median 0 and 70 % quantile ln(5 / 3): an exponential tail of scale 1 above 0,
    # neither stretched nor shortened, as the 10 % quantile is -0.7 of the upper spread.
    spread = np.log(5 / 3)
    scores = np.r_[np.full(30, -0.7 * spread), np.zeros(30), np.full(20, spread)]
    scores = np.r_[scores, np.full(15, 0.9), np.full(5, 13.0)]
    cut = tail_excess_threshold(scores, level=0.02, groups=False)
    assert cut == pytest.approx(-np.log(0.02 * 5 / 50))


def test_the_highest_score_alone_if_none_exceeds_the_tail():
    scores = np.linspace(0.0, 1.0, 50)
    assert n_flagged(scores) == 1
    assert n_flagged(scores[1:]) == 0  # one of fewer than 50 is more than 2 %
    assert n_flagged(np.r_[scores, 1.0]) == 0


def expected_lowest(scores, level):
    """The lowest score that exceeds the tail, by a search over all of them."""
    q10, q50, q70 = np.quantile(scores, [0.1, 0.5, 0.7], method="averaged_inverted_cdf")
    lower = (q50 - q10) / (q70 - q50)
    scale = (q70 - q50) / np.log(5 / 3)
    scale *= max(1, 0.5 / lower) ** 1.5 / max(1, lower) ** 0.5
    for score in np.sort(scores[scores > q70]):
        expected = len(scores) * 0.5 * np.exp(-(score - q50) / scale)
        if expected <= level * np.sum(scores >= score):
            return score
    return np.inf


@pytest.mark.parametrize("level", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("law", [stats.norm(), stats.t(2), stats.lognorm(1.5)])
def test_agrees_with_a_search(law, level):
    for seed in range(5):
        scores = law.rvs(size=501, random_state=seed)
        lowest = min(expected_lowest(scores, level), scores.max())
        cut = tail_excess_threshold(scores, level=level, groups=False)
        np.testing.assert_array_equal(scores > cut, scores >= lowest)


def test_a_second_group_is_left_to_otsu():
    rng = np.random.RandomState(0)
    scores = np.r_[rng.gamma(4.0, size=650), 25 + rng.randn(350)]
    assert TailExcessThreshold().fit(scores).threshold_ == otsu_threshold(scores)
    assert n_flagged(scores) == 350
    # More than 30 % of outliers lie in what is taken for the bulk.
    assert n_flagged(scores, groups=False) == 1


@pytest.mark.parametrize("name", CLEAN)
def test_one_group_is_not_taken_for_two(name):
    for seed in range(5):
        scores = np.unique(CLEAN[name].rvs(size=1000, random_state=seed))
        assert not _has_second_group(scores, np.ones(len(scores)))


def test_weights_equal_repetition_in_any_order():
    rng = np.random.RandomState(0)
    weight = rng.randint(1, 5, size=300)
    for scores in (rng.gamma(0.5, size=300), rng.rand(300) + 5 * (weight == 1)):
        cut = tail_excess_threshold(scores, weight.astype(float))
        repeated = rng.permutation(np.repeat(scores, weight))
        assert tail_excess_threshold(repeated) == cut


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**40])
def test_follows_the_scale_of_the_scores(factor):
    scores = np.random.RandomState(0).standard_t(2, size=500)
    assert tail_excess_threshold(factor * scores) == factor * tail_excess_threshold(
        scores
    )


@given(
    st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=40),
    st.floats(0.1, 10.0),
)
@example([-1e-323], 1.0)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_is_finite_and_never_flags_the_lowest(scores, weight):
    scores = np.array(scores)
    cut = tail_excess_threshold(scores, np.full(len(scores), weight))
    assert np.isfinite(cut)
    assert not np.any(scores[scores == scores.min()] > cut)


@pytest.mark.parametrize("far", [1e3, 1e300])
@pytest.mark.parametrize("n_rows", [10, 100, 10_000])
def test_a_single_absurd_score_is_flagged(n_rows, far):
    rng = np.random.RandomState(0)
    for bulk in (rng.randn(n_rows), np.zeros(n_rows), rng.randint(3, size=n_rows)):
        assert n_flagged(np.r_[bulk, far]) == 1


@pytest.mark.parametrize("n_rows", [1, 2, 50])
def test_equal_scores_are_all_inliers(n_rows):
    assert n_flagged(np.full(n_rows, 0.1)) == 0


def test_is_the_rule_of_contamination_auto():
    X, _ = make_table()
    detector = AutoEncoder(**QUICK).fit(X)
    assert (
        detector.offset_
        == -TailExcessThreshold().fit(-detector.score_samples(X)).threshold_
    )
