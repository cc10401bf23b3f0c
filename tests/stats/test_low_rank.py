"""Whitening of low rank against the exact one and against numpy."""

import numpy as np
import pytest
import torch

from sklearn_deepod._stats import _whitening
from sklearn_deepod._stats._low_rank import fit_low_rank
from sklearn_deepod._stats._whitening import LowRankWhitening, Whitening


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(2, 90, 6)) @ rng.normal(size=(6, 120))
    return torch.from_numpy(spread + 0.2 * rng.normal(size=(2, 90, 120))).float()


def low_rank_plus_identity(n_rows=60, n_columns=80, rank=5, variance=0.25):
    """Rows whose covariance is that of `rank` directions plus a share of the identity.

    One direction and its opposite for each row of an orthogonal matrix, so that it is
    so exactly and not on average.
    """
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.normal(size=(n_columns, n_columns)))[0].T
    deviation = np.full(n_columns, np.sqrt(variance))
    deviation[:rank] = [9.0, 7.0, 5.0, 4.0, 3.0]
    rows = np.sqrt(n_columns) * deviation[:, None] * directions
    center = rng.normal(size=n_columns)
    covariance = directions.T @ np.diag(deviation**2) @ directions
    return np.vstack([rows, -rows]) + center, center, covariance


def test_equals_mahalanobis_where_the_covariance_is_of_that_kind():
    rows, center, covariance = low_rank_plus_identity()
    found = fit_low_rank(
        torch.from_numpy(rows)[None],
        np.ones(len(rows)),
        shrinkage=0.01,
        support_fraction=1.0,
        rank=5,
    )
    covariance += 0.01 * np.trace(covariance) / len(covariance) * np.eye(80)
    centred = np.random.default_rng(2).normal(size=(30, 80))
    along = centred @ found["directions"][0].numpy()
    rest = centred - along @ found["directions"][0].numpy().T
    squares = np.square(along / found["deviation"][0].numpy()).sum(axis=1)
    squares += np.square(rest).sum(axis=1) / found["rest"].item() ** 2
    inverse = np.linalg.inv(covariance)
    expected = np.einsum("ij,jk,ik->i", centred, inverse, centred)
    np.testing.assert_allclose(squares, expected, rtol=1e-6)
    np.testing.assert_allclose(found["mean"][0, 0], center, atol=1e-9)


@pytest.mark.parametrize("support_fraction", [1.0, 0.6])
def test_of_full_rank_is_the_exact_one(features, support_fraction, monkeypatch):
    monkeypatch.setattr(_whitening, "RANK", 90)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 90)
    exact, other = Whitening(2, 120), LowRankWhitening(2, 120)
    for whitening in (exact, other):
        whitening.fit(
            features,
            weight,
            shrinkage=0.1,
            support_fraction=support_fraction,
            sizes=(20, 100),
        )
    torch.testing.assert_close(other(features), exact(features), rtol=1e-4, atol=0)
    center = features.mean(dim=1) + 1.0
    exact.center(center)
    other.center(center)
    torch.testing.assert_close(other(features), exact(features), rtol=1e-3, atol=0)


@pytest.mark.parametrize("support_fraction", [1.0, 0.6])
def test_weights_equal_repetition(features, support_fraction):
    weight = np.random.default_rng(1).integers(1, 4, size=90)
    one, two = LowRankWhitening(2, 120), LowRankWhitening(2, 120)
    one.fit(
        features, weight.astype(float), shrinkage=0.1, support_fraction=support_fraction
    )
    repeated = features.repeat_interleave(torch.from_numpy(weight), dim=1)
    two.fit(
        repeated,
        np.ones(weight.sum()),
        shrinkage=0.1,
        support_fraction=support_fraction,
    )
    torch.testing.assert_close(one(features), two(features), rtol=1e-4, atol=0)


def test_any_number_of_threads_gives_the_same_bits(features):
    n_threads = torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            whitening = LowRankWhitening(2, 120)
            whitening.fit(features, np.ones(90), shrinkage=0.1, support_fraction=0.6)
            found.append(whitening.state_dict())
    finally:
        torch.set_num_threads(n_threads)
    for other in found[1:]:
        assert all(torch.equal(found[0][name], other[name]) for name in other)


def test_fewer_rows_than_directions(features):
    whitening = LowRankWhitening(2, 120)
    whitening.fit(features[:, :3], np.ones(3), shrinkage=0.1)
    assert whitening.whiten(features).shape == (2, 90, whitening.n_outputs)
    assert (whitening(features)[:, 3:] > whitening(features)[:, :3].amax()).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_passes_for_no_distance(features, value):
    features[1, 3, 2] = value
    whitening = LowRankWhitening(2, 120)
    whitening.fit(features, np.ones(90), shrinkage=0.1, support_fraction=0.6)
    assert not torch.isfinite(whitening(features)).any()


def test_rows_that_do_not_vary():
    features = torch.ones(2, 10, 50)
    whitening = LowRankWhitening(2, 50)
    whitening.fit(features, np.ones(10), shrinkage=0.1, support_fraction=0.6)
    np.testing.assert_allclose(whitening(features), 0.0, atol=1e-3)
    assert (whitening(features + 1.0) > 1.0).all()


def test_rebuilds_what_the_directions_reach(features):
    whitening = LowRankWhitening(2, 120)
    whitening.fit(features, np.ones(90), shrinkage=0.1)
    # As many directions as the rows have.
    torch.testing.assert_close(whitening.rebuild(features), features, atol=1e-3, rtol=0)
