"""The detectors of the accuracy benchmark, all with ``fit`` and ``score_samples``."""

from functools import cache
from importlib import import_module
from inspect import signature

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import OneClassSVM

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
    """One of PyOD's detectors as it comes; its scores are higher for outliers."""

    def __init__(self, name, novelty, **params):
        self.module, self.name = PYOD[name]
        self.novelty = novelty
        self.params = params

    def fit(self, X):
        cls = getattr(import_module(f"pyod.models.{self.module}"), self.name)
        known = signature(cls).parameters
        shared = {"verbose": 0, "device": "cpu", "n_features": X.shape[1]}
        params = shared | self.params
        self.detector = cls(**{k: v for k, v in params.items() if k in known})
        self.detector.fit(X)

    def score_samples(self, X):
        if self.name == "KNN" and not self.novelty:
            # asked for a training row, it would count that row as a neighbour
            return -self.detector.decision_scores_
        return -self.detector.decision_function(X)


PYOD = {
    "AutoEncoder": ("auto_encoder", "AutoEncoder"),
    "VariationalAutoEncoder": ("vae", "VAE"),
    "DeepSVDD": ("deep_svdd", "DeepSVDD"),
    "ALAD": ("alad", "ALAD"),
    "AnoGAN": ("anogan", "AnoGAN"),
    "DeepIsolationForest": ("dif", "DIF"),
    "LUNAR": ("lunar", "LUNAR"),
    "KNN": ("knn", "KNN"),
    "ECOD": ("ecod", "ECOD"),
    "COPOD": ("copod", "COPOD"),
    "HBOS": ("hbos", "HBOS"),
}


class DeepOD:
    """One of DeepOD's detectors, on features scaled to [0, 1] as in its testbed."""

    def __init__(self, name, **params):
        self.name = name
        self.params = {"device": "cpu", "verbose": 0} | params
        self.scaler = MinMaxScaler()

    def fit(self, X):
        cls = getattr(import_module(PACKAGES["DeepOD"]), self.name)
        self.detector = cls(**self.params)
        self.detector.fit(self.scaler.fit_transform(X))

    def score_samples(self, X):
        return -self.detector.decision_function(self.scaler.transform(X))


# those that need no labels
DEEPOD = (
    "DeepSVDD",
    "REPEN",
    "RDP",
    "RCA",
    "GOAD",
    "NeuTraL",
    "ICL",
    "DeepIsolationForest",
    "SLAD",
)
# what the lines that begin with a package's name import
PACKAGES = {"PyOD": "pyod", "DeepOD": "deepod.models.tabular"}


def _ours(name):
    """Return a maker of one of this package's detectors."""

    def make(novelty, seed, params):
        cls = getattr(sklearn_deepod, name)
        shared = {"novelty": novelty, "device": "cpu", "random_state": seed}
        known = signature(cls).parameters
        taken = {name: value for name, value in shared.items() if name in known}
        nested = {name: value for name, value in params.items() if "__" in name}
        plain = {name: value for name, value in params.items() if "__" not in name}
        detector = cls(**(taken | plain))
        if nested and detector.get_params().get("autoencoder", 0) is None:
            detector.set_params(autoencoder=sklearn_deepod.AutoEncoder())
        return detector.set_params(**nested)

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
    "kNN-1": lambda novelty, seed, params: KNN(
        novelty, **({"n_neighbors": 1} | params)
    ),
    "LOF": lambda novelty, seed, params: LOF(novelty, **params),
    "OneClassSVM": lambda novelty, seed, params: make_pipeline(
        StandardScaler(), OneClassSVM(**params)
    ),
    "EllipticEnvelope": lambda novelty, seed, params: make_pipeline(
        StandardScaler(), EllipticEnvelope(random_state=seed, **params)
    ),
    **{
        f"PyOD-{name}": lambda novelty, seed, params, name=name: PyOD(
            name, novelty, random_state=seed, **params
        )
        for name in PYOD
    },
    **{
        f"DeepOD-{name}": lambda novelty, seed, params, name=name: DeepOD(
            name, random_state=seed, **params
        )
        for name in DEEPOD
    },
}


@cache
def warm_up(detector):
    """Fit and score once in each process: first calls import and compile much."""
    X = np.random.default_rng(0).normal(size=(99, 5))
    fitted = DETECTORS[detector](True, 0, {})
    fitted.fit(X)
    fitted.score_samples(X)


@cache
def _importable(package):
    try:
        import_module(package)
    except ImportError as error:
        print(f"left out: the detectors of {package} ({error})")
        return False
    return True


def installed(detector):
    """Say whether the package that the detector needs can be imported."""
    package, dash, _ = detector.partition("-")
    return not (dash and package in PACKAGES) or _importable(PACKAGES[package])
