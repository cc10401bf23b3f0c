"""Deep outlier detection that behaves like scikit-learn."""

from sklearn_deepod import detectors
from sklearn_deepod.detectors import *
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.threshold import ConformalDetector, ThresholdedDetector
from sklearn_deepod.timeseries import SeriesOutlierDetector, WindowedDetector
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer

__version__ = "0.1.0"

__all__ = [
    *detectors.__all__,
    "ConformalDetector",
    "DetectorEnsemble",
    "OutlierDropper",
    "OutlierRepairer",
    "OutlierReplacer",
    "SeriesOutlierDetector",
    "ThresholdedDetector",
    "WindowedDetector",
    "__version__",
]
