"""Whitened distances against scipy's and scikit-learn's covariance estimators."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as one_distance
from sklearn.covariance import MinCovDet

from sklearn_deepod.scoring import fit_whitening, lowest_share, mahalanobis


def make_features(n_members=3, n_rows=80, n_columns=4, seed=0):
    rng = np.random.RandomState(seed)
    mixing = rng.randn(n_members, n_columns, n_columns)
    return rng.randn(n_members, n_rows, n_columns) @ mixing + rng.randn(n_columns)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_columns", [1, 4])
def test_equals_scipy(n_members, n_columns):
    features = make_features(n_members, n_columns=n_columns)
    weight = np.random.RandomState(1).rand(80) + 0.1
    mean, matrix = fit_whitening(features, weight, ridge=1e-12)
    found = mahalanobis(features, mean, matrix)
    assert found.shape == (n_members, 80)
    for member, distances in zip(features, found, strict=True):
        center = np.average(member, axis=0, weights=weight)
        covariance = np.cov(member, rowvar=False, aweights=weight, ddof=0)
        inverse = np.linalg.inv(np.atleast_2d(covariance))
        expected = [one_distance(row, center, inverse) for row in member]
        np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_members_are_independent():
    features = make_features()
    together = fit_whitening(features, np.ones(80), ridge=0.1)
    for i in range(3):
        alone = fit_whitening(features[i : i + 1], np.ones(80), ridge=0.1)
        np.testing.assert_allclose(alone[0][0], together[0][i])
        np.testing.assert_allclose(alone[1][0], together[1][i])


def test_ridge_is_a_share_of_the_mean_eigenvalue():
    features = make_features(n_members=1)
    mean, matrix = fit_whitening(features, np.ones(80), ridge=0.5)
    covariance = np.cov(features[0], rowvar=False, ddof=0)
    covariance += 0.5 * np.trace(covariance) / 4 * np.eye(4)
    np.testing.assert_allclose(
        np.linalg.inv(matrix[0] @ matrix[0].T), covariance, rtol=1e-9
    )


@pytest.mark.parametrize("keep", [1.0, 0.6])
def test_weights_equal_repetition(keep):
    features = make_features()
    weight = np.random.RandomState(1).randint(1, 4, size=80)
    found = fit_whitening(features, weight.astype(float), ridge=0.1)
    repeated = np.repeat(features, weight, axis=1)
    expected = fit_whitening(repeated, np.ones(weight.sum()), ridge=0.1)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_keeping_few_rows_resists_outliers():
    rng = np.random.RandomState(0)
    features = rng.randn(2, 300, 3)
    features[:, :60] = 8 + 0.3 * rng.randn(2, 60, 3)
    plain = mahalanobis(features, *fit_whitening(features, np.ones(300), ridge=1e-6))
    trimmed = mahalanobis(
        features, *fit_whitening(features, np.ones(300), ridge=1e-6, keep=0.6)
    )
    assert (plain[:, :60].mean(axis=1) < plain[:, 60:].max(axis=1)).all()
    assert (trimmed[:, :60].min(axis=1) > 2 * trimmed[:, 60:].max(axis=1)).all()


def test_rows_kept_are_common_to_all_members():
    # The outliers hide among the inliers of the first member.
    features = np.random.RandomState(0).randn(2, 300, 3)
    features[1, :60] += 6
    whitening = fit_whitening(features, np.ones(300), ridge=1e-6, keep=0.6)
    second = mahalanobis(features, *whitening)[1]
    assert second[:60].min() > second[60:].max()
    assert np.abs(whitening[0]).max() < 0.3


def test_agrees_with_minimum_covariance_determinant():
    rng = np.random.RandomState(0)
    features = rng.randn(1, 400, 3) @ np.array([[2, 0, 0], [1, 1, 0], [0.5, 0, 0.5]])
    features[:, :40] += 15
    mean, matrix = fit_whitening(features, np.ones(400), ridge=1e-9, keep=0.6)
    reference = MinCovDet(support_fraction=0.6, random_state=0).fit(features[0])
    # Neither location depends on how the trimmed covariance is rescaled.
    np.testing.assert_allclose(mean[0], reference.location_, atol=0.3)
    found = mahalanobis(features, mean, matrix)[0]
    expected = np.sqrt(reference.mahalanobis(features[0]))
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert set(np.argsort(found)[-40:]) == set(np.argsort(expected)[-40:])


def test_features_without_variation():
    features = np.ones((2, 10, 3))
    for keep in (1.0, 0.5):
        whitening = fit_whitening(features, np.ones(10), ridge=1e-3, keep=keep)
        np.testing.assert_array_equal(mahalanobis(features, *whitening), 0.0)


def test_float32_stays_float32():
    features = make_features().astype(np.float32)
    mean, matrix = fit_whitening(features, np.ones(80), ridge=0.01, keep=0.8)
    assert mean.dtype == matrix.dtype == np.float32
    distances = mahalanobis(features, mean, matrix)
    expected = mahalanobis(
        features.astype(float),
        *fit_whitening(features.astype(float), np.ones(80), ridge=0.01, keep=0.8),
    )
    np.testing.assert_allclose(distances, expected, rtol=1e-4)


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
