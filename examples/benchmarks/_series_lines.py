"""The lines of the benchmark of series: what is compared, and at which settings.

No line is tuned to a series or a collection.
"""

from dataclasses import dataclass
from functools import partial

from _series_methods import (
    SUBSEQUENCE,
    WINDOW,
    AeonKMeans,
    MatrixProfile,
    OnItself,
    Polynomial,
    PyOD,
    Rows,
    SubKNN,
    SubPCA,
    Windows,
    ZScore,
)
from sklearn.ensemble import IsolationForest

from sklearn_deepod import AutoEncoder, DeepOutlierDetector
from sklearn_deepod.networks import TCN

LIMIT = 10.0  # standard deviations at which values are clipped, where they are


@dataclass
class Line:
    """How to make an estimator from a seed, and what to know about it."""

    make: object
    clip: bool = True
    slow: bool = False


def series_outlier_detector(seed, **params):
    from sklearn_deepod.timeseries import SeriesOutlierDetector

    return SeriesOutlierDetector(random_state=seed, **params)


def autoencoder(seed):
    network = TCN(channels=(32, 32))
    params = {"novelty": True, "preprocessor": None, "mask_rate": 0.0}
    params |= {"latent_size": 256, "max_steps": 200}
    detector = AutoEncoder(network=network, device="cpu", random_state=seed, **params)
    return Windows(detector)


def deep_outlier_detector(seed):
    return Windows(DeepOutlierDetector(novelty=True, device="cpu", random_state=seed))


def forest(seed):
    return IsolationForest(random_state=seed)


def pyod(module, name, seeded=False, **params):
    return lambda seed: PyOD(module, name, seed if seeded else None, **params)


LINES = {
    "SeriesOutlierDetector": Line(
        partial(series_outlier_detector, merge="mean"), clip=False
    ),
    "SeriesOutlierDetector/last": Line(
        partial(series_outlier_detector, merge="last"), clip=False
    ),
    "SeriesOutlierDetector/auto": Line(
        partial(series_outlier_detector, windows="auto"), clip=False, slow=True
    ),
    "Sub-PCA": Line(SubPCA),
    "Sub-PCA/tail": Line(partial(SubPCA, tail=True)),
    "Sub-KNN": Line(SubKNN),
    "Sub-KNN/tail": Line(partial(SubKNN, tail=True)),
    "IForest/windows": Line(lambda seed: Windows(forest(seed))),
    "IForest/windows-max": Line(lambda seed: Windows(forest(seed), "max")),
    "IForest/points": Line(lambda seed: Rows(forest(seed))),
    "MatrixProfile": Line(MatrixProfile, clip=False),
    "POLY": Line(lambda seed: Polynomial()),
    "z-score": Line(lambda seed: ZScore()),
    "PyOD/SpectralResidual": Line(pyod("ts_spectral_residual", "SpectralResidual")),
    "PyOD/TimeSeriesOD": Line(pyod("ts_od", "TimeSeriesOD", window_size=WINDOW)),
    "PyOD/KShape": Line(
        pyod("ts_kshape", "KShape", seeded=True, window_size=SUBSEQUENCE), slow=True
    ),
    "PyOD/LSTMAD": Line(pyod("ts_lstm", "LSTMAD", window_size=WINDOW), slow=True),
    "aeon/KMeansAD": Line(AeonKMeans),
    "DeepOutlierDetector": Line(deep_outlier_detector, slow=True),
    "AutoEncoder/tcn": Line(autoencoder, slow=True),
}
# Only in the second protocol, where figures are published.
RECOMPUTED = {
    "TSB-AD's IForest, recomputed": Line(partial(OnItself, "IForest"), clip=False),
    "TSB-AD's Sub-PCA, recomputed": Line(partial(OnItself, "Sub-PCA"), clip=False),
}
