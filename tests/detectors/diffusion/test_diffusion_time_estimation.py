"""DiffusionTimeEstimation: the posterior of the time is known around a single row."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sklearn_deepod import DiffusionTimeEstimation
from tests.conftest import make_table

N_FEATURES = 6
VARIANCE = 1 - np.cumprod(1 - np.linspace(1e-4, 1e-2, 300))


def posterior(distance):
    """Probabilities of the 300 times for a row so far from the training row."""
    log_density = -0.5 * (N_FEATURES * np.log(VARIANCE) + distance**2 / VARIANCE)
    density = np.exp(log_density - log_density.max())
    return density / density.sum()


@pytest.fixture(scope="module", params=["categorical", "inverse_gamma"])
def detector(request):
    """Fitted where all rows are the origin."""
    X = 1e-4 * np.random.RandomState(0).randn(300, N_FEATURES)
    return DiffusionTimeEstimation(
        variant=request.param,
        novelty=True,
        preprocessor=None,
        max_steps=1000,
        random_state=0,
    ).fit(X)


@pytest.fixture(scope="module")
def probes():
    """Rows with noise of known variance, and their distances from the origin."""
    rng = np.random.RandomState(1)
    times = rng.randint(300, size=400)
    X = np.sqrt(VARIANCE[times])[:, None] * rng.randn(400, N_FEATURES)
    return X, np.linalg.norm(X, axis=1), times


def test_equals_the_posterior(detector, probes):
    X, distances, _ = probes
    weights = np.array([posterior(d) for d in distances])
    if detector.variant == "categorical":
        bins = weights.reshape(len(X), 7, -1) if 300 % 7 == 0 else None
        assert bins is None
        index = np.arange(300) * 7 // 300
        centers = 300 / 7 * (index + 0.5)
        expected = weights @ centers
        np.testing.assert_allclose(-detector.score_samples(X), expected, atol=25)
        assert np.mean(np.abs(-detector.score_samples(X) - expected)) < 6
    else:
        # what minimises the mean of v / variance - log v
        expected = (weights @ (1 / VARIANCE)) ** -0.5
        scores = -detector.score_samples(X)
        assert np.mean(np.abs(scores - expected) / expected) < 0.12


def test_recovers_the_order_of_the_times(detector, probes):
    X, _, times = probes
    assert spearmanr(-detector.score_samples(X), times).statistic > 0.75


def test_no_two_softmaxes():
    """A second one would hold the expected time near the middle."""
    X = 1e-4 * np.random.RandomState(0).randn(300, N_FEATURES)
    detector = DiffusionTimeEstimation(novelty=True, preprocessor=None, random_state=0)
    scores = -detector.fit(X).score_samples([[0.0] * N_FEATURES, [3.0] * N_FEATURES])
    assert scores[0] < 30
    assert scores[1] > 270


def test_bins():
    X, _ = make_table()
    with pytest.raises(ValueError, match="n_bins=7 is more than n_timesteps=5"):
        DiffusionTimeEstimation(n_timesteps=5).fit(X)
    one_each = DiffusionTimeEstimation(n_timesteps=7, max_steps=5, random_state=0)
    scores = -one_each.fit(X).score_samples(X)
    assert 0.5 <= scores.min() <= scores.max() <= 6.5
