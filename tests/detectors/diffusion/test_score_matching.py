"""ScoreMatching: the gradient of a normal distribution's log-density is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sklearn_deepod import ScoreMatching
from tests.conftest import QUICK, make_table

COVARIANCE = np.array([[4.0, 1.2, 0.0], [1.2, 1.0, -0.3], [0.0, -0.3, 0.5]])
MEAN = np.array([1.0, -2.0, 0.5])


@pytest.fixture(scope="module")
def detector():
    X = np.random.RandomState(0).multivariate_normal(MEAN, COVARIANCE, size=4000)
    return ScoreMatching(
        novelty=True,
        preprocessor=None,
        noise_levels=(0.3, 0.6, 1.0),
        max_steps=2000,
        random_state=0,
    ).fit(X)


@pytest.mark.parametrize("level", [0.3, 0.6, 1.0])
def test_gradient_is_that_of_the_noisy_density(detector, level):
    X = np.random.RandomState(1).multivariate_normal(MEAN, COVARIANCE, size=300)
    # noise has the unit of each feature's standard deviation
    noisy = COVARIANCE + np.diag(level**2 * np.diag(COVARIANCE))
    expected = -(X - MEAN) @ np.linalg.inv(noisy)
    found = detector.log_density_gradient(X, noise_level=level)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error < 0.1


def test_score_is_the_weighted_length_of_the_gradients(detector):
    X = np.random.RandomState(2).multivariate_normal(MEAN, COVARIANCE, size=50)
    squares = 0.0
    detector_scale = detector.noise_scale_
    # of a single member, the mean over members would not commute with the square
    alone = ScoreMatching(
        novelty=True, n_estimators=1, preprocessor=None, max_steps=100, random_state=0
    ).fit(np.random.RandomState(0).multivariate_normal(MEAN, COVARIANCE, size=500))
    for level in alone.noise_levels:
        noise = -level * alone.noise_scale_ * alone.log_density_gradient(X, level)
        squares = squares + np.mean(noise**2, axis=1) / len(alone.noise_levels)
    np.testing.assert_allclose(-alone.score_samples(X), np.sqrt(squares), rtol=1e-4)
    np.testing.assert_allclose(detector_scale, np.sqrt(np.diag(COVARIANCE)), rtol=0.05)


def test_finds_broken_correlations():
    X, y = make_table(seed=3)
    detector = ScoreMatching(novelty=True, random_state=0).fit(X[y == 1])
    assert roc_auc_score(y, detector.score_samples(X)) > 0.95


def test_default_level_is_the_lowest(detector):
    X = np.zeros((3, 3))
    np.testing.assert_array_equal(
        detector.log_density_gradient(X), detector.log_density_gradient(X, 0.3)
    )
    with pytest.raises(ValueError, match=r"noise_level=0.5 was not fitted. Take one"):
        detector.log_density_gradient(X, 0.5)


@pytest.mark.parametrize("levels", [(), (0.1, 0.1), (0.0, 1.0), (-1.0,), ("a",)])
def test_bad_levels(levels):
    X, _ = make_table()
    with pytest.raises(ValueError, match="distinct positive numbers"):
        ScoreMatching(noise_levels=levels, **QUICK).fit(X)


def test_constant_feature():
    X = np.c_[np.random.RandomState(0).randn(100, 2), np.ones(100)]
    detector = ScoreMatching(**QUICK).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert detector.noise_scale_[2] == 1.0
