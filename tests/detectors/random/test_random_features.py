"""Random features: their distance against scikit-learn's covariance."""

import numpy as np
import pytest
import torch
from sklearn.covariance import ShrunkCovariance
from sklearn.metrics import roc_auc_score

from sklearn_deepod import RandomFeatures
from tests.conftest import make_table


def features_of(detector, X):
    """Features of each member, from the weights and in float64."""
    Z = detector._preprocess(X.copy()).flatten(1).double().numpy()
    weight = detector.module_.layer.weight.detach().double().numpy()
    bias = detector.module_.layer.bias.detach().double().numpy()
    return np.maximum(Z @ weight + bias, 0.0)


@pytest.mark.parametrize("n_components", [10, 80])
def test_score_is_the_distance_under_a_shrunk_covariance(n_components):
    X, _ = make_table()
    detector = RandomFeatures(
        n_components=n_components, n_estimators=3, novelty=True, random_state=0
    ).fit(X)
    ridge, total = 1e-3, 0.0
    for features in features_of(detector, X):
        shrunk = ShrunkCovariance(shrinkage=ridge / (1 + ridge)).fit(features)
        total = total + np.sqrt(shrunk.mahalanobis(features) / (1 + ridge))
    np.testing.assert_allclose(detector.score_samples(X), -total / 3, rtol=2e-3)


def test_units_read_few_features_and_bend_at_training_rows():
    X, _ = make_table()
    detector = RandomFeatures(n_estimators=2, novelty=True, random_state=0).fit(X)
    weight = detector.module_.layer.weight
    assert weight.shape == (2, 5, 200)
    assert set((weight != 0).sum(dim=1).flatten().tolist()) == {1, 2, 3, 4}
    Z = detector._preprocess(X.copy())
    bends = (Z @ weight + detector.module_.layer.bias).abs().amin(dim=1)
    assert bends.max() < 1e-4


def test_distance_sees_more_than_the_covariance():
    # On a ring, the mean is where no row is, and the covariance does not tell.
    angle = np.random.RandomState(0).uniform(0, 2 * np.pi, 500)
    X = np.c_[np.cos(angle), np.sin(angle)]
    detector = RandomFeatures(novelty=True, random_state=0).fit(X)
    middle, on = detector.score_samples([[0.0, 0.0], [1.0, 0.0]])
    assert middle < np.quantile(detector.score_samples(X), 0.01) < on


def test_cleaning_finds_a_group_among_the_training_rows():
    rng = np.random.RandomState(0)
    X = np.r_[rng.randn(170, 4), rng.randn(30, 4) + 4.0]
    y = np.repeat([1, -1], [170, 30])
    auc = [
        roc_auc_score(
            y, RandomFeatures(novelty=novelty, random_state=0).fit(X).score_samples(X)
        )
        for novelty in (False, True)
    ]
    assert auc[0] > 0.98
    assert auc[1] < 0.9


def test_ridge_by_novelty():
    X, _ = make_table()
    fits = [
        RandomFeatures(novelty=n, n_estimators=1, random_state=0).fit(X)
        for n in (True, False)
    ]
    smallest = [
        1 / torch.linalg.matrix_norm(f.module_.whitening.matrix, ord=2) for f in fits
    ]
    assert smallest[1] > 3 * smallest[0]


@pytest.mark.parametrize("shape", [(6, 3), (2, 5, 4)])
def test_images_and_sequences_are_read_flat(shape):
    X = np.random.RandomState(0).randn(80, *shape)
    X[:3] *= 6
    scores = RandomFeatures(random_state=0).fit(X).score_samples(X)
    assert scores[:3].max() < scores[3:].min()
