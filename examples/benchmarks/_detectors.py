"""The detectors of the accuracy benchmark, all with ``fit`` and ``score_samples``."""

from functools import cache

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class KNN:
    """Distance to the k-th neighbour, standardised; a training row leaves itself out.

    "auto" searches by brute force beyond 15 features, else with a tree.
    """

    def __init__(self, novelty, n_neighbors=5, algorithm="auto"):
        self.novelty = novelty
        self.scaler = StandardScaler()
        self.neighbors = NearestNeighbors(n_neighbors=n_neighbors, algorithm=algorithm)

    def fit(self, X):
        self.neighbors.fit(self.scaler.fit_transform(X))

    def score_samples(self, X):
        # kneighbors(None) answers for the training rows, each without itself
        query = self.scaler.transform(X) if self.novelty else None
        return -self.neighbors.kneighbors(query)[0][:, -1]


class LOF:
    """LocalOutlierFactor on standardised features."""

    def __init__(self, novelty, **params):
        self.novelty = novelty
        self.pipeline = make_pipeline(
            StandardScaler(),
            LocalOutlierFactor(novelty=novelty, **params),
        )

    def fit(self, X):
        self.pipeline.fit(X)

    def score_samples(self, X):
        if self.novelty:
            return self.pipeline.score_samples(X)
        return self.pipeline[-1].negative_outlier_factor_


class PyOD:
    """PyOD's AutoEncoder, whose scores are higher for outliers."""

    def __init__(self, **params):
        from pyod.models.auto_encoder import AutoEncoder

        self.detector = AutoEncoder(**params)

    def fit(self, X):
        self.detector.fit(X)

    def score_samples(self, X):
        return -self.detector.decision_function(X)


class PyODDeepSVDD(PyOD):
    """PyOD's DeepSVDD, which must be told the number of features."""

    def __init__(self, **params):
        self.params = params

    def fit(self, X):
        from pyod.models.deep_svdd import DeepSVDD

        self.detector = DeepSVDD(n_features=X.shape[1], **self.params)
        super().fit(X)


def _autoencoder(novelty, seed, params):
    from sklearn_deepod import AutoEncoder

    params = {"novelty": novelty, "device": "cpu", "random_state": seed, **params}
    return AutoEncoder(**params)


def _deep_svdd(novelty, seed, params):
    from sklearn_deepod import DeepSVDD

    params = {"novelty": novelty, "device": "cpu", "random_state": seed, **params}
    return DeepSVDD(**params)


# name: (does the training data hold normal rows only, seed, parameters) -> detector
DETECTORS = {
    "AutoEncoder": _autoencoder,
    "AutoEncoder/wrong-novelty": lambda novelty, seed, params: _autoencoder(
        not novelty, seed, params
    ),
    "DeepSVDD": _deep_svdd,
    "IsolationForest": lambda novelty, seed, params: IsolationForest(
        random_state=seed, **params
    ),
    "kNN": lambda novelty, seed, params: KNN(novelty, **params),
    "LOF": lambda novelty, seed, params: LOF(novelty, **params),
    "PyOD-AutoEncoder": lambda novelty, seed, params: PyOD(
        **{"random_state": seed, "device": "cpu", "verbose": 0, **params}
    ),
    "PyOD-DeepSVDD": lambda novelty, seed, params: PyODDeepSVDD(
        **{"random_state": seed, "verbose": 0, **params}
    ),
}
NEEDS = {
    "AutoEncoder": "sklearn_deepod",
    "AutoEncoder/wrong-novelty": "sklearn_deepod",
    "DeepSVDD": "sklearn_deepod",
    "PyOD-AutoEncoder": "pyod",
    "PyOD-DeepSVDD": "pyod",
}


@cache
def warm_up(detector):
    """Fit once in each process: torch imports much of itself at the first step."""
    DETECTORS[detector](True, 0, {}).fit(np.random.default_rng(0).normal(size=(99, 5)))


def installed(detector):
    """Say whether the package that the detector needs can be imported."""
    try:
        __import__(NEEDS.get(detector, "sklearn"))
    except ImportError as error:
        print(f"left out: {detector} ({error})")
        return False
    return True
