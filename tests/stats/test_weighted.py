"""Weighted quantiles and moments against numpy's on repeated rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_deepod._stats import (
    likely_inliers,
    lowest_share,
    median_and_scale,
    repeated_rows,
    weighted_mean_and_std,
    weighted_quantile,
)

METHOD = "averaged_inverted_cdf"
EXAMPLES = settings(deadline=None, derandomize=True, max_examples=150)
#: Halves and eighths: numpy's arithmetic on them is exact.
SHARES = [0.0, 0.125, 0.25, 0.5, 0.625, 0.75, 1.0]


@st.composite
def weighted_values(draw):
    """Values in few distinct levels, so that ties are common, and whole weights."""
    size = draw(st.integers(1, 24))
    values = draw(st.lists(st.integers(-6, 6), min_size=size, max_size=size))
    weight = draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
    return np.array(values) / 4, np.array(weight, dtype=float)


class TestWeightedQuantile:
    @given(weighted_values(), st.lists(st.sampled_from(SHARES), min_size=1))
    @EXAMPLES
    def test_equals_numpy_on_repeated_rows(self, case, q):
        values, weight = case
        repeated = np.repeat(values, weight.astype(int))
        np.testing.assert_array_equal(
            weighted_quantile(values, q, weight),
            np.quantile(repeated, q, method=METHOD),
        )

    @given(weighted_values(), st.sampled_from([1e-6, 1e-3, 1 / 3, 7.0, 1e12]))
    @EXAMPLES
    def test_scale_of_the_weights_does_not_matter(self, case, factor):
        values, weight = case
        np.testing.assert_array_equal(
            weighted_quantile(values, SHARES, weight * factor),
            weighted_quantile(values, SHARES, weight),
        )

    @given(weighted_values(), st.randoms(use_true_random=False))
    @EXAMPLES
    def test_order_of_the_rows_does_not_matter(self, case, random):
        values, weight = case
        order = list(range(len(values)))
        random.shuffle(order)
        np.testing.assert_array_equal(
            weighted_quantile(values[order], SHARES, weight[order]),
            weighted_quantile(values, SHARES, weight),
        )

    @pytest.mark.parametrize("n_rows", [1, 2, 9, 10, 1000])
    def test_equals_numpy_without_weights(self, n_rows):
        values = np.random.RandomState(n_rows).randn(n_rows, 3)
        np.testing.assert_allclose(
            weighted_quantile(values, SHARES),
            np.quantile(values, SHARES, axis=0, method=METHOD),
            rtol=1e-15,
        )

    def test_missing_cells_are_left_out(self):
        rng = np.random.RandomState(0)
        values = rng.randint(-5, 5, size=(40, 4)).astype(float)
        values[rng.rand(40, 4) < 0.3] = np.nan
        values[:, 3] = np.nan
        weight = rng.randint(1, 4, size=40)
        expected = [
            np.quantile(
                np.repeat(column, weight)[~np.isnan(np.repeat(column, weight))],
                SHARES,
                method=METHOD,
            )
            for column in values.T[:3]
        ]
        found = weighted_quantile(values, SHARES, weight.astype(float))
        np.testing.assert_array_equal(found[:, :3], np.transpose(expected))
        assert np.isnan(found[:, 3]).all()

    def test_missing_cells_without_weights(self):
        values = np.array([np.nan, 3.0, 1.0, np.nan, 2.0])
        assert weighted_quantile(values, 0.5) == 2.0

    def test_rounding_of_the_share_does_not_decide(self):
        # 0.7 * 10 is a little above 7 in floating point, 0.1 * 3 above 0.3.
        assert weighted_quantile(np.arange(10.0), 0.7) == 6.5
        weight = np.full(10, 0.1)
        weight[0] = 0.1 + 1e-17
        assert weighted_quantile(np.arange(10.0), 0.3, weight) == 2.5

    def test_ties_part_by_their_summed_weight(self):
        values = np.array([1.0, 2.0, 2.0, 2.0, 3.0])
        weight = np.array([2.0, 1.0, 0.5, 0.5, 4.0])
        found = weighted_quantile(values, [0.25, 0.3, 0.5, 0.51], weight)
        assert found.tolist() == [1.5, 2.0, 2.5, 3.0]

    @pytest.mark.parametrize("weight", [None, np.array([3.0, 2.0, 3.0])])
    def test_largest_floats_do_not_overflow(self, weight):
        values = np.array([1.7e308, 1.5e308, -1.7e308])
        found = weighted_quantile(values, [0.0, 0.5, 1.0], weight)
        np.testing.assert_allclose(found, [-1.7e308, 1.5e308, 1.7e308], rtol=1e-15)
        between = weighted_quantile(values[:2], 0.5)
        assert between == pytest.approx(1.6e308)

    @pytest.mark.parametrize(
        ("values", "q", "shape"),
        [
            (np.zeros(5), 0.5, ()),
            (np.zeros(5), [0.5, 0.6], (2,)),
            (np.zeros((5, 3)), 0.5, (3,)),
            (np.zeros((5, 3)), [0.5, 0.6], (2, 3)),
        ],
    )
    def test_shape(self, values, q, shape):
        assert np.shape(weighted_quantile(values, q)) == shape


class TestWeightedMeanAndStd:
    @given(weighted_values())
    @EXAMPLES
    def test_equals_numpy_on_repeated_rows(self, case):
        values, weight = case
        repeated = np.repeat(values, weight.astype(int))
        mean, std = weighted_mean_and_std(values[:, None], weight)
        np.testing.assert_allclose(mean, [repeated.mean()], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(std, [repeated.std()], rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("magnitude", [1e-300, 1e-30, 1.0, 1e30, 1e300])
    def test_any_magnitude(self, magnitude):
        rng = np.random.RandomState(0)
        values, weight = rng.randn(50, 3), rng.rand(50) + 0.1
        mean, std = weighted_mean_and_std(values * magnitude, weight)
        expected = np.average(values, axis=0, weights=weight)
        variance = np.average((values - expected) ** 2, axis=0, weights=weight)
        np.testing.assert_allclose(mean / magnitude, expected, rtol=1e-10)
        np.testing.assert_allclose(std / magnitude, np.sqrt(variance), rtol=1e-10)

    def test_without_weights(self):
        values = np.random.RandomState(0).randn(30, 2) + 100
        mean, std = weighted_mean_and_std(values)
        np.testing.assert_allclose(mean, values.mean(axis=0))
        np.testing.assert_allclose(std, values.std(axis=0))

    def test_missing_cells_are_left_out(self):
        values = np.array([[1.0, np.nan], [np.nan, np.nan], [4.0, np.nan]])
        mean, std = weighted_mean_and_std(values, np.array([1.0, 5.0, 2.0]))
        np.testing.assert_allclose(mean, [3.0, np.nan])
        np.testing.assert_allclose(std, [np.sqrt(2.0), np.nan])


class TestMedianAndScale:
    @pytest.mark.parametrize("shape", [(301,), (301, 3)])
    def test_equals_scipy(self, shape):
        values = np.random.RandomState(0).standard_t(3, size=shape)
        center, scale = median_and_scale(values)
        mad = stats.median_abs_deviation(values)
        np.testing.assert_allclose(center, np.median(values, axis=0))
        np.testing.assert_allclose(scale, mad / 0.6745)
        assert np.shape(center) == np.shape(scale) == shape[1:]

    def test_without_a_median_deviation(self):
        values = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0], [4.1, 4.0]])
        center, scale = median_and_scale(values)
        assert center.tolist() == [0.1, 2.5]
        np.testing.assert_allclose(scale, [1.253314, 1.0 / 0.6745])

    def test_missing_cells_and_weights(self):
        values = np.random.RandomState(0).randn(40, 2)
        values[::5, 0] = np.nan
        weight = np.random.RandomState(1).randint(1, 4, size=40)
        weighted = median_and_scale(values, weight.astype(float))
        repeated = median_and_scale(np.repeat(values, weight, axis=0))
        np.testing.assert_array_equal(weighted, repeated)
        assert np.isfinite(weighted).all()


class TestRepeatedRows:
    def test_whole_weights_are_met(self):
        weight = np.array([1.0, 3.0, 2.0, 1.0])
        assert repeated_rows(weight).tolist() == [0, 1, 1, 1, 2, 2, 3]

    def test_light_rows_come_up_once(self):
        assert repeated_rows(np.full(5, 0.01)).tolist() == list(range(5))

    def test_heavy_rows_come_up_in_proportion(self):
        weight = np.array([1000.0, 3000.0, *np.ones(98)])
        index = repeated_rows(weight)
        assert len(index) == 400
        count = np.bincount(index, minlength=100)
        np.testing.assert_allclose(count, 400 * weight / weight.sum(), atol=1.0)


class TestLowestShare:
    def test_equal_weights(self):
        scores = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
        assert lowest_share(scores, np.ones(5), 0.6).tolist() == [0, 1, 2]
        assert lowest_share(scores, np.ones(5), 0.61).tolist() == [0, 1, 2, 4]
        assert lowest_share(scores, np.ones(5), 1.0).tolist() == [0, 1, 2, 3, 4]
        assert lowest_share(scores, np.ones(5), 0.01).tolist() == [1]

    def test_holds_the_share_and_not_a_row_more(self):
        rng = np.random.RandomState(0)
        scores, weight = rng.randn(100), rng.rand(100) + 0.01
        for share in (0.1, 0.5, 0.9):
            kept = lowest_share(scores, weight, share)
            held = weight[kept].sum() / weight.sum()
            highest = kept[np.argmax(scores[kept])]
            assert held >= share > held - weight[highest] / weight.sum()
            assert scores[kept].max() < np.delete(scores, kept).min()

    def test_weights_equal_repetition(self):
        rng = np.random.RandomState(0)
        scores, weight = rng.randn(50), rng.randint(1, 5, size=50)
        kept = lowest_share(scores, weight.astype(float), 0.7)
        repeated = np.repeat(np.arange(50), weight)
        of_repeated = lowest_share(scores[repeated], np.ones(len(repeated)), 0.7)
        assert set(kept) == set(repeated[of_repeated])

    def test_rounding_of_the_share_does_not_decide(self):
        # The cumulated weights reach the share only up to rounding.
        assert len(lowest_share(np.arange(5.0), np.full(5, 0.3), 0.2)) == 1
        assert len(lowest_share(np.arange(10.0), np.full(10, 0.1), 0.7)) == 7


class TestLikelyInliers:
    def test_lowest_scores(self):
        scores = np.arange(10.0)[::-1]
        assert likely_inliers(scores, np.ones(10), 0.7).tolist() == [*range(3, 10)]

    def test_a_frequent_row_is_one_whatever_it_scores(self):
        scores, weight = np.arange(100.0), np.ones(100)
        weight[[95, 98]] = 20.0, 4.0
        kept = likely_inliers(scores, weight, 0.5)
        assert 95 in kept
        assert kept.max() == 95

    def test_rows_of_small_tables_are_not_frequent(self):
        assert len(likely_inliers(np.arange(10.0), np.full(10, 3.0), 0.7)) == 7
