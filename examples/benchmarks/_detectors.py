"""The detectors of the accuracy benchmark, all with ``fit`` and ``score_samples``."""

from functools import cache
from importlib import import_module
from inspect import signature

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_deepod
from sklearn_deepod.utils import all_detectors


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
    """One of PyOD's detectors, whose scores are higher for outliers."""

    def __init__(self, name, **params):
        self.module, self.name = PYOD[name]
        self.params = params

    def fit(self, X):
        cls = getattr(import_module(f"pyod.models.{self.module}"), self.name)
        known = signature(cls).parameters
        shared = {"verbose": 0, "device": "cpu", "n_features": X.shape[1]}
        params = shared | self.params
        self.detector = cls(**{k: v for k, v in params.items() if k in known})
        self.detector.fit(X)

    def score_samples(self, X):
        return -self.detector.decision_function(X)


PYOD = {
    "AutoEncoder": ("auto_encoder", "AutoEncoder"),
    "VariationalAutoEncoder": ("vae", "VAE"),
    "DeepSVDD": ("deep_svdd", "DeepSVDD"),
    "ALAD": ("alad", "ALAD"),
    "AnoGAN": ("anogan", "AnoGAN"),
    "DeepIsolationForest": ("dif", "DIF"),
    "LUNAR": ("lunar", "LUNAR"),
}


def _ours(name):
    """Return a maker of one of this package's detectors."""

    def make(novelty, seed, params):
        cls = getattr(sklearn_deepod, name)
        shared = {"novelty": novelty, "device": "cpu", "random_state": seed}
        known = signature(cls).parameters
        taken = {name: value for name, value in shared.items() if name in known}
        return cls(**(taken | params))

    return make


def _wrong_novelty(novelty, seed, params):
    return _ours("AutoEncoder")(not novelty, seed, params)


# name: (does the training data hold normal rows only, seed, parameters) -> detector
DETECTORS = {
    **{
        name: _ours(name)
        for name, cls in all_detectors()
        if name not in ("ModuleDetector", "DeepSAD", "DevNet")
    },
    "AutoEncoder/wrong-novelty": _wrong_novelty,
    "IsolationForest": lambda novelty, seed, params: IsolationForest(
        random_state=seed, **params
    ),
    "kNN": lambda novelty, seed, params: KNN(novelty, **params),
    "LOF": lambda novelty, seed, params: LOF(novelty, **params),
    **{
        f"PyOD-{name}": lambda novelty, seed, params, name=name: PyOD(
            name, random_state=seed, **params
        )
        for name in PYOD
    },
}


@cache
def warm_up(detector):
    """Fit once in each process: torch imports much of itself at the first step."""
    DETECTORS[detector](True, 0, {}).fit(np.random.default_rng(0).normal(size=(99, 5)))


def installed(detector):
    """Say whether the package that the detector needs can be imported."""
    try:
        import_module("pyod" if detector.startswith("PyOD-") else "sklearn")
    except ImportError as error:
        print(f"left out: {detector} ({error})")
        return False
    return True
