"""The detectors that the benchmark of series compares with, for one series each.

Each has ``fit(X)`` and ``score_samples(X)`` (higher is more normal) for a series with
standardised channels.
"""

import math
import warnings
from importlib import import_module

import numpy as np
from _series_data import period
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import savgol_filter
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances, pairwise_distances_argmin_min
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import WindowedDetector

WINDOW = 32  # of WindowedDetector
SUBSEQUENCE = 64  # of the detectors that treat the channels one by one
MANY = 3000  # from so many training rows on, windows of WindowedDetector start at
STRIDE = 4  # every fourth time stamp
SMOOTHING = 16  # time stamps in the moving average of residuals


class Rows:
    """A detector of single time stamps."""

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X):
        self.detector.fit(X)
        return self

    def score_samples(self, X):
        return self.detector.score_samples(X)


class Windows(Rows):
    """A detector in WindowedDetector, with a stride on long series."""

    def __init__(self, detector, merge="mean", window=WINDOW):
        super().__init__(detector)
        self.params = {"merge": merge, "window": window}

    def fit(self, X):
        stride = STRIDE if len(X) > MANY else 1
        self.detector = WindowedDetector(self.detector, stride=stride, **self.params)
        return super().fit(X)


class ZScore:
    """Mean absolute value of the standardised channels."""

    def fit(self, X):
        return self

    def score_samples(self, X):
        return -np.abs(X).mean(axis=1)


class Polynomial(ZScore):
    """Mean residual from a local polynomial, smoothed; after POLY in TSB-AD."""

    def score_samples(self, X):
        length = min(2 * SUBSEQUENCE + 1, len(X) - 1 + len(X) % 2)
        residual = np.abs(X - savgol_filter(X, length, polyorder=3, axis=0))
        kernel = np.ones(SMOOTHING) / SMOOTHING
        return -np.convolve(residual.mean(axis=1), kernel, mode="same")


class Subsequences:
    """Scores of the windows of each channel, as the RMS over the channels.

    A time stamp gets the mean over the windows that hold it. ``tail`` calibrates each
    channel by the tail of its training scores.
    """

    def __init__(self, seed=0, tail=False):
        self.seed = seed
        self.tail = tail

    def fit(self, X):
        self.window = min(SUBSEQUENCE, len(X) // 3)
        self.stride = max(self.window // 16, 1)
        rng = np.random.RandomState(self.seed)
        self.models = [self.fit_channel(self.windows(x), rng) for x in X.T]
        if self.tail:
            self.sorted = np.sort(self.channel_scores(X), axis=0)
        return self

    def windows(self, x):
        return sliding_window_view(x, self.window)[:: self.stride]

    def channel_scores(self, X):
        return np.transpose(
            [
                self.merged(self.score_channel(model, self.windows(x)), len(X))
                for model, x in zip(self.models, X.T, strict=True)
            ]
        )

    def merged(self, scores, n_rows):
        """Mean over the windows that hold a time stamp; those between count as well."""
        scores = np.repeat(scores, self.stride)[: n_rows - self.window + 1]
        kernel = np.ones(self.window)
        counts = np.convolve(np.ones(len(scores)), kernel)
        return np.convolve(scores, kernel) / counts

    def score_samples(self, X):
        scores = self.channel_scores(X)
        if self.tail:
            columns = zip(self.sorted.T, scores.T, strict=True)
            scores = np.transpose([_log_tail(*column) for column in columns])
        return -np.sqrt(np.mean(scores**2, axis=1))


def _log_tail(reference, scores):
    """-log of the share of higher reference scores; beyond 10 % as if exponential."""
    start = np.quantile(reference, 0.9)
    excess = reference[reference > start] - start
    scale = max(excess.mean() if len(excess) else 0.0, 0.05 * abs(start), 1e-12)
    higher = 1 - np.searchsorted(reference, scores) / len(reference)
    body = -np.log(np.maximum(higher, 0.1))
    return np.where(scores > start, math.log(10) + (scores - start) / scale, body)


class SubPCA(Subsequences):
    """Mahalanobis distance of a channel's windows, regularised."""

    def fit_channel(self, windows, rng):
        mean = windows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(windows.T))
        scale = np.sqrt(np.maximum(values, 0) + 0.01 * values.mean() + 1e-12)
        return mean, vectors / scale

    def score_channel(self, model, windows):
        mean, projection = model
        return np.sqrt(np.mean(((windows - mean) @ projection) ** 2, axis=1))


class SubKNN(Subsequences):
    """Distance of a channel's windows to the nearest of 128 centres."""

    def fit_channel(self, windows, rng):
        chosen = rng.permutation(len(windows))[:1000]
        centres = KMeans(min(128, len(chosen)), n_init=1, max_iter=2, random_state=rng)
        with warnings.catch_warnings():  # it is stopped early; constant channels
            warnings.simplefilter("ignore", ConvergenceWarning)
            return centres.fit(windows[chosen]).cluster_centers_

    def score_channel(self, model, windows):
        return pairwise_distances_argmin_min(windows, model)[1]


class MatrixProfile(Subsequences):
    """Distance of a channel's z-normalised windows to the nearest training window."""

    def __init__(self, seed):
        from stumpy import stump

        super().__init__(seed)
        self.stump = stump

    def fit(self, X):
        self.window, self.stride = min(SUBSEQUENCE, len(X) // 3), 1
        self.models = [*np.ascontiguousarray(X.T)]
        return self

    def windows(self, x):
        return np.ascontiguousarray(x)

    def score_channel(self, model, windows):
        profile = self.stump(windows, self.window, model, ignore_trivial=False)
        return np.nan_to_num(profile[:, 0].astype(float), posinf=0.0)


class PyOD(Rows):
    """A detector of PyOD for series."""

    def __init__(self, module, name, seed=None, **params):
        detector = getattr(import_module(f"pyod.models.{module}"), name)
        if seed is not None:
            params["random_state"] = seed
        super().__init__(detector(**params))

    def score_samples(self, X):
        return -self.detector.decision_function(X)


class AeonKMeans(Rows):
    """aeon's k-means detector, fitted on one series and applied to another."""

    def __init__(self, seed):
        from aeon.anomaly_detection.series.distance_based import KMeansAD

        super().__init__(KMeansAD(window_size=WINDOW, random_state=seed))

    def fit(self, X):
        self.detector.fit(X, axis=0)
        return self

    def score_samples(self, X):
        return -self.detector.predict(X, axis=0)


class OnItself:
    """IsolationForest and Sub-PCA as TSB-AD runs them, on the series that is scored.

    They check the measure and the data against published figures.
    """

    def __init__(self, method, seed):
        self.method = method
        self.seed = seed

    def fit(self, X):
        return self

    def score_samples(self, X):
        if self.method == "IForest":
            forest = IsolationForest(
                n_estimators=200, max_features=1, random_state=self.seed
            )
            return forest.fit(X).score_samples(X)
        window = period(X[:, 0])
        windows = sliding_window_view(X[:, 0], window)
        windows = StandardScaler().fit_transform(windows)
        pca = PCA(random_state=self.seed).fit(windows)
        distances = pairwise_distances(windows, pca.components_)
        scores = (distances / pca.explained_variance_ratio_).sum(axis=1)
        margins = math.ceil((window - 1) / 2), (window - 1) // 2
        return -np.pad(scores, margins, mode="edge")
