"""ModifiedZScore: median and median absolute deviation."""

import numpy as np
import pytest
import scipy.stats

from sklearn_deepod import ModifiedZScore


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return rng.gamma(2.0, size=(150, 4)) * [1e-3, 1.0, 50.0, 1e6] + [
        0.0,
        -5.0,
        1e3,
        0.0,
    ]


def test_equals_the_formula(X):
    detector = ModifiedZScore().fit(X)
    median = np.median(X, axis=0)
    mad = np.median(np.abs(X - median), axis=0)
    np.testing.assert_allclose(detector.center_, median)
    np.testing.assert_allclose(detector.scale_, mad / 0.6745)
    new = X[::-1] * 1.5
    np.testing.assert_allclose(
        detector.z_scores(new), 0.6745 * (new - median) / mad, atol=1e-12
    )


def test_scale_is_scipys(X):
    X[3, 1] = np.nan
    detector = ModifiedZScore().fit(X)
    expected = scipy.stats.median_abs_deviation(X, scale="normal", nan_policy="omit")
    # The textbook's 0.6745 is the normal quantile in four digits.
    np.testing.assert_allclose(detector.scale_, expected, rtol=2e-5)
    np.testing.assert_allclose(detector.center_, np.nanmedian(X, axis=0))


def mad_scores(column):
    """What PyOD's MAD computes."""
    deviation = np.abs(column - np.median(column))
    return 0.6745 * deviation / np.median(deviation)


@pytest.mark.parametrize("j", range(4))
@pytest.mark.parametrize("combine", ["max", "mean", "euclidean"])
def test_one_feature_is_the_mad_of_pyod_derived(X, j, combine):
    column = X[:, [j]]
    scores = -ModifiedZScore(combine=combine).fit(column).score_samples(column)
    np.testing.assert_allclose(scores, mad_scores(column[:, 0]), atol=1e-12)


@pytest.mark.parametrize("j", range(4))
def test_one_feature_is_the_mad_of_pyod(X, j):
    mad = pytest.importorskip("pyod.models.mad").MAD(threshold=3.5)
    column = X[:, [j]]
    detector = ModifiedZScore(contamination="auto").fit(column)
    scores = mad.fit(column).decision_function(column)
    np.testing.assert_allclose(-detector.score_samples(column), scores, atol=1e-12)
    np.testing.assert_array_equal(
        np.argsort(-detector.score_samples(column)), np.argsort(scores)
    )
    np.testing.assert_array_equal(detector.predict(column) == -1, mad.labels_ == 1)


def test_weighted_median_and_mad():
    X = np.array([[1.0], [2.0], [3.0], [10.0]])
    detector = ModifiedZScore().fit(X, sample_weight=[1.0, 4.0, 2.0, 2.0])
    # 1 2 2 2 2 3 3 10 10: median 2, deviations 0 0 0 0 1 1 1 8 8.
    assert detector.center_.item() == 2.0
    assert detector.scale_.item() == pytest.approx(1 / 0.6745)


class TestZeroMad:
    def test_mean_deviation_takes_its_place(self):
        X = np.array([10.0] * 7 + [100.0])[:, None]
        detector = ModifiedZScore(contamination="auto").fit(X)
        mean_deviation = 90.0 / 8
        assert detector.scale_.item() == pytest.approx(1.253314 * mean_deviation)
        expected = 90.0 / (1.253314 * mean_deviation)
        assert detector.z_scores([[100.0]]).item() == pytest.approx(expected)
        assert detector.predict(X).tolist() == [1] * 7 + [-1]

    def test_only_in_the_features_concerned(self, X):
        expected = ModifiedZScore().fit(X)
        Z = X.copy()
        Z[:80, 2] = 4.0
        detector = ModifiedZScore().fit(Z)
        others = [0, 1, 3]
        np.testing.assert_array_equal(detector.scale_[others], expected.scale_[others])
        mean_deviation = np.abs(Z[:, 2] - 4.0).mean()
        assert detector.scale_[2] == pytest.approx(1.253314 * mean_deviation)

    def test_weights(self):
        X = np.array([[0.0], [1.0], [5.0]])
        detector = ModifiedZScore().fit(X, sample_weight=[6.0, 1.0, 3.0])
        assert detector.scale_.item() == pytest.approx(1.253314 * 16 / 10)

    def test_missing_cells(self):
        X = np.array([0.0, 0.0, 0.0, np.nan, 4.0, np.nan])[:, None]
        assert ModifiedZScore().fit(X).scale_.item() == pytest.approx(1.253314)

    def test_mad_of_rounding_errors(self):
        # 0.1 + 0.2 is one float above 0.3: equal but for rounding.
        X = np.r_[np.full(20, 0.3), np.full(40, 0.1 + 0.2), np.linspace(0, 1, 39)]
        detector = ModifiedZScore().fit(X[:, None])
        mean_deviation = np.abs(X - np.median(X)).mean()
        assert detector.scale_.item() == pytest.approx(1.253314 * mean_deviation)

    def test_half_of_the_values_equal(self):
        X = np.array([0.0, 0.0, 0.0, 2.0, 4.0, 6.0])[:, None]
        detector = ModifiedZScore().fit(X)
        assert detector.center_.item() == 1.0
        assert detector.scale_.item() == pytest.approx(1.0 / 0.6745)


def test_outliers_hardly_move_it():
    rng = np.random.RandomState(0)
    clean = rng.randn(60)
    X = np.r_[clean, np.full(40, 1e6)][:, None]
    detector = ModifiedZScore(contamination="auto").fit(X)
    assert abs(detector.center_.item()) < 2
    assert detector.scale_.item() < 5
    assert (detector.predict(X[60:]) == -1).all()
    assert (detector.predict(X[:60]) == 1).all()


def test_normal_feature():
    X = np.random.RandomState(0).normal(5.0, 3.0, size=(200_000, 1))
    detector = ModifiedZScore(contamination="auto").fit(X)
    assert detector.center_.item() == pytest.approx(5.0, abs=0.05)
    assert detector.scale_.item() == pytest.approx(3.0, rel=0.02)
    share = np.mean(detector.predict(X) == -1)
    assert share == pytest.approx(2 * scipy.stats.norm.sf(3.5), rel=0.25)
