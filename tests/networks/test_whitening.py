"""Whitening as a module against numpy's covariance."""

import numpy as np
import pytest
import torch

from sklearn_deepod.networks import Whitening


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5))
    return torch.from_numpy((rng.normal(size=(2, 400, 5)) @ mixing).astype(np.float32))


def test_distances_are_mahalanobis(features):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 400)
    whitening = Whitening(2, 5)
    whitening.fit(features, weight, ridge=1e-9)
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
        whitening.fit(rows, weight, ridge=0.1, sizes=(2, 3))
        distances.append(whitening(rows))
    torch.testing.assert_close(*distances, rtol=1e-3, atol=1e-3)
    whitening = Whitening(2, 5)
    whitening.fit(scaled, weight, ridge=0.1)
    assert (whitening(scaled) - distances[0]).abs().max() > 0.1


def test_an_empty_block_does_no_harm(features):
    whitening = Whitening(2, 5)
    whitening.fit(features, np.ones(400), ridge=0.1, sizes=(0, 5))
    assert torch.isfinite(whitening(features)).all()
