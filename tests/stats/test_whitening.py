"""Whitened distances against scipy's and scikit-learn's covariance estimators."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis as one_distance
from sklearn.covariance import MinCovDet

from sklearn_deepod._stats._whitening import Whitening, fit_whitening, mahalanobis


def make_features(n_members=3, n_rows=80, n_columns=4, seed=0):
    rng = np.random.RandomState(seed)
    mixing = rng.randn(n_members, n_columns, n_columns)
    rows = rng.randn(n_members, n_rows, n_columns) @ mixing + rng.randn(n_columns)
    return torch.from_numpy(rows)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_columns", [1, 4])
def test_equals_scipy(n_members, n_columns):
    features = make_features(n_members, n_columns=n_columns)
    weight = np.random.RandomState(1).rand(80) + 0.1
    mean, matrix = fit_whitening(features, weight, shrinkage=1e-12)
    found = mahalanobis(features, mean, matrix)
    assert found.shape == (n_members, 80)
    for member, distances in zip(features.numpy(), found, strict=True):
        center = np.average(member, axis=0, weights=weight)
        covariance = np.cov(member, rowvar=False, aweights=weight, ddof=0)
        inverse = np.linalg.inv(np.atleast_2d(covariance))
        expected = [one_distance(row, center, inverse) for row in member]
        np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_members_are_independent():
    features = make_features()
    together = fit_whitening(features, np.ones(80), shrinkage=0.1)
    for i in range(3):
        alone = fit_whitening(features[i : i + 1], np.ones(80), shrinkage=0.1)
        torch.testing.assert_close(alone[0][0], together[0][i])
        torch.testing.assert_close(alone[1][0], together[1][i])


def test_ridge_is_a_share_of_the_mean_eigenvalue():
    features = make_features(n_members=1)
    mean, matrix = fit_whitening(features, np.ones(80), shrinkage=0.5)
    covariance = np.cov(features[0].numpy(), rowvar=False, ddof=0)
    covariance += 0.5 * np.trace(covariance) / 4 * np.eye(4)
    np.testing.assert_allclose(
        np.linalg.inv(matrix[0] @ matrix[0].T), covariance, rtol=1e-9
    )


def test_a_ridge_for_each_feature():
    features = make_features(n_members=1).float()
    shrinkage = torch.tensor([0.01, 0.5, 0.01, 0.2])
    whitening = Whitening(1, 4)
    whitening.fit(features, np.ones(80), shrinkage=shrinkage)
    covariance = np.cov(features[0].numpy(), rowvar=False, ddof=0)
    covariance += np.trace(covariance) / 4 * np.diag(shrinkage)
    center = features[0].numpy().mean(axis=0)
    inverse = np.linalg.inv(covariance)
    expected = [one_distance(row, center, inverse) for row in features[0].numpy()]
    np.testing.assert_allclose(whitening(features)[0], expected, rtol=1e-4)


@pytest.mark.parametrize("support_fraction", [1.0, 0.6])
def test_weights_equal_repetition(support_fraction):
    features = make_features()
    weight = np.random.RandomState(1).randint(1, 4, size=80)
    found = fit_whitening(features, weight.astype(float), shrinkage=0.1)
    repeated = features.repeat_interleave(torch.from_numpy(weight), dim=1)
    expected = fit_whitening(repeated, np.ones(weight.sum()), shrinkage=0.1)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_keeping_few_rows_resists_outliers():
    rng = np.random.RandomState(0)
    features = rng.randn(2, 300, 3)
    features[:, :60] = 8 + 0.3 * rng.randn(2, 60, 3)
    features = torch.from_numpy(features)
    plain = mahalanobis(
        features, *fit_whitening(features, np.ones(300), shrinkage=1e-6)
    )
    trimmed = mahalanobis(
        features,
        *fit_whitening(features, np.ones(300), shrinkage=1e-6, support_fraction=0.6),
    )
    assert (plain[:, :60].mean(dim=1) < plain[:, 60:].amax(dim=1)).all()
    assert (trimmed[:, :60].amin(dim=1) > 2 * trimmed[:, 60:].amax(dim=1)).all()


def test_rows_kept_are_common_to_all_members():
    # The outliers hide among the inliers of the first member.
    features = torch.from_numpy(np.random.RandomState(0).randn(2, 300, 3))
    features[1, :60] += 6
    whitening = fit_whitening(
        features, np.ones(300), shrinkage=1e-6, support_fraction=0.6
    )
    second = mahalanobis(features, *whitening)[1]
    assert second[:60].min() > second[60:].max()
    assert whitening[0].abs().max() < 0.3


def test_agrees_with_minimum_covariance_determinant():
    rng = np.random.RandomState(0)
    features = rng.randn(1, 400, 3) @ np.array([[2, 0, 0], [1, 1, 0], [0.5, 0, 0.5]])
    features[:, :40] += 15
    features = torch.from_numpy(features)
    mean, matrix = fit_whitening(
        features, np.ones(400), shrinkage=1e-9, support_fraction=0.6
    )
    rows = features[0].numpy()
    reference = MinCovDet(support_fraction=0.6, random_state=0).fit(rows)
    # Neither location depends on how the trimmed covariance is rescaled.
    np.testing.assert_allclose(mean[0], reference.location_, atol=0.3)
    found = mahalanobis(features, mean, matrix)[0].numpy()
    expected = np.sqrt(reference.mahalanobis(rows))
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert set(np.argsort(found)[-40:]) == set(np.argsort(expected)[-40:])


def test_features_without_variation():
    features = torch.ones(2, 10, 3, dtype=torch.float64)
    for support_fraction in (1.0, 0.5):
        whitening = fit_whitening(
            features, np.ones(10), shrinkage=1e-3, support_fraction=support_fraction
        )
        found = mahalanobis(features, *whitening)
        np.testing.assert_allclose(found, 0.0, atol=1e-9)


@pytest.mark.parametrize("support_fraction", [1.0, 0.5])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_is_not_finite_raises_nothing_but_passes_for_no_distance(
    value, support_fraction
):
    features = make_features()
    features[1, 3, 2] = value
    whitening = fit_whitening(
        features, np.ones(80), shrinkage=0.1, support_fraction=support_fraction
    )
    assert not torch.isfinite(mahalanobis(features, *whitening)).all()


def test_float32_stays_float32():
    features = make_features().float()
    mean, matrix = fit_whitening(
        features, np.ones(80), shrinkage=0.01, support_fraction=0.8
    )
    assert mean.dtype == matrix.dtype == torch.float32
    distances = mahalanobis(features, mean, matrix)
    expected = mahalanobis(
        features.double(),
        *fit_whitening(
            features.double(), np.ones(80), shrinkage=0.01, support_fraction=0.8
        ),
    )
    np.testing.assert_allclose(distances, expected, rtol=1e-4)


@pytest.mark.parametrize("n_columns", [3, 17, 60])
def test_any_number_of_threads_gives_the_same_bits(n_columns):
    features = make_features(n_rows=500, n_columns=n_columns).float()
    n_threads = torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3, 8):
            torch.set_num_threads(n)
            found.append(
                fit_whitening(
                    features, np.ones(500), shrinkage=0.1, support_fraction=0.6
                )
            )
    finally:
        torch.set_num_threads(n_threads)
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5))
    return torch.from_numpy((rng.normal(size=(2, 400, 5)) @ mixing).astype(np.float32))


def test_distances_are_mahalanobis(features):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 400)
    whitening = Whitening(2, 5)
    whitening.fit(features, weight, shrinkage=1e-9)
    found = whitening(features)
    for rows, distances in zip(features.double().numpy(), found, strict=True):
        centred = rows - np.average(rows, axis=0, weights=weight)
        covariance = np.cov(rows.T, aweights=weight, bias=True)
        inverse = np.linalg.inv(covariance)
        expected = np.sqrt(np.einsum("ij,jk,ik->i", centred, inverse, centred))
        np.testing.assert_allclose(distances, expected, rtol=1e-3)


def test_blocks_are_made_alike_before_the_ridge(features):
    weight = np.ones(400)
    scaled = features * torch.tensor([1.0, 1.0, 1e4, 1e4, 1e4])
    distances = []
    for rows in (features, scaled):
        whitening = Whitening(2, 5)
        whitening.fit(rows, weight, shrinkage=0.1, sizes=(2, 3))
        distances.append(whitening(rows))
    torch.testing.assert_close(*distances, rtol=1e-3, atol=1e-3)
    whitening = Whitening(2, 5)
    whitening.fit(scaled, weight, shrinkage=0.1)
    assert (whitening(scaled) - distances[0]).abs().max() > 0.1


def test_an_empty_block_does_no_harm(features):
    whitening = Whitening(2, 5)
    whitening.fit(features, np.ones(400), shrinkage=0.1, sizes=(0, 5))
    assert torch.isfinite(whitening(features)).all()
