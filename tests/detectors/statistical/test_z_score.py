"""ZScore: mean and standard deviation."""

import numpy as np
import pytest
import scipy.stats
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import ZScore


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
    detector = ZScore().fit(X)
    np.testing.assert_allclose(detector.center_, X.mean(axis=0))
    np.testing.assert_allclose(detector.scale_, X.std(axis=0))
    new = X[::-1] * 1.5
    expected = (new - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(detector.z_scores(new), expected, atol=1e-12)


def test_equals_scipy_and_standard_scaler(X):
    X[3, 1] = np.nan
    z = ZScore().fit(X).z_scores(X)
    np.testing.assert_allclose(
        z, scipy.stats.zscore(X, nan_policy="omit"), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(
        z, StandardScaler().fit_transform(X), rtol=1e-10, atol=1e-12
    )


def test_weighted_moments(X):
    weight = np.random.RandomState(1).rand(150)
    detector = ZScore().fit(X, sample_weight=weight)
    mean = np.average(X, axis=0, weights=weight)
    std = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(detector.center_, mean)
    np.testing.assert_allclose(detector.scale_, std)


@pytest.mark.parametrize("n_rows", [9, 10, 11, 12])
def test_few_rows_cannot_be_far_out(n_rows):
    X = np.zeros((n_rows, 1))
    X[0] = 1e6
    detector = ZScore(contamination="auto")
    labels = detector.fit_predict(X)
    assert -detector.score_samples(X)[0] == pytest.approx(np.sqrt(n_rows - 1))
    assert labels[0] == (1 if n_rows <= 10 else -1)


def test_textbook_share_of_a_normal_feature():
    X = np.random.RandomState(0).randn(200_000, 1)
    share = np.mean(ZScore(contamination="auto").fit_predict(X) == -1)
    assert share == pytest.approx(2 * scipy.stats.norm.sf(3), rel=0.1)


def test_outliers_mask_one_another():
    # What the median does better, see test_modified_z_score.
    X = np.r_[np.random.RandomState(0).randn(80), np.full(20, 8.0)][:, None]
    assert (ZScore(contamination="auto").fit_predict(X) == 1).all()
