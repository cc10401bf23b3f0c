"""Data and detectors that the tests of the measures share."""

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod import ZScore

FOREST = IsolationForest(n_estimators=10, random_state=0)
DETECTORS = [
    FOREST,
    LocalOutlierFactor(novelty=True),
    OneClassSVM(),
    EllipticEnvelope(random_state=0),
    ZScore(),
    make_pipeline(StandardScaler(), FOREST),
]


def name_of(detector):
    """A test's id."""
    return type(detector).__name__


def make_data(n_features=2, n_samples=200, seed=0):
    """Normal rows, one in ten of them far out; y is -1 for these."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n_samples, n_features)
    y = np.ones(n_samples, dtype=int)
    y[::10] = -1
    X[y == -1] *= 3.0
    return X, y


class GivenScores(OutlierMixin, BaseEstimator):
    """The first feature is the score; what is below `offset` is an outlier."""

    def __init__(self, *, offset=0.0):
        self.offset = offset

    def fit(self, X, y=None):
        self.n_calls_ = 0
        return self

    def score_samples(self, X):
        self.n_calls_ += 1
        return np.asarray(X, dtype=float)[:, 0]

    def predict(self, X):
        return np.where(np.asarray(X)[:, 0] < self.offset, -1, 1)


def mass_volume_of_gaussian():
    """Of a standard normal in two dimensions, for masses of 0.9 to 0.999.

    A disc of radius r holds 1 - exp(-r**2 / 2), hence MV(a) = -2 pi log(1 - a).
    """

    def antiderivative(a):
        return 2 * np.pi * ((1 - a) * np.log(1 - a) - (1 - a))

    return antiderivative(0.999) - antiderivative(0.9)


def excess_mass_of_gaussian():
    """Of a standard normal in two dimensions, down to an excess mass of 0.9.

    The density exceeds t within r**2 = -2 log v, v = 2 pi t; so the excess mass is
    1 - v + v log v.
    """

    def curve(v):
        return 1 - v + v * np.log(v)

    end = brentq(lambda v: curve(v) - 0.9, 1e-9, 0.5)
    return quad(curve, 0, end)[0] / (2 * np.pi)
