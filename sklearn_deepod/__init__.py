"""Deep outlier detection that behaves like scikit-learn."""

from sklearn_deepod.detectors import (
    ALAD,
    AnoGAN,
    AutoEncoder,
    ContractionMatching,
    DeepSAD,
    DeepSVDD,
    DiffusionTimeEstimation,
    GANomaly,
    ModifiedZScore,
    ModuleDetector,
    ScoreMatching,
    VariationalAutoEncoder,
    ZScore,
)
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.sequence import WindowedDetector
from sklearn_deepod.threshold import ConformalDetector, ThresholdedDetector
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer

__version__ = "0.1.0"

__all__ = [
    "ALAD",
    "AnoGAN",
    "AutoEncoder",
    "ConformalDetector",
    "ContractionMatching",
    "DeepSAD",
    "DeepSVDD",
    "DetectorEnsemble",
    "DiffusionTimeEstimation",
    "GANomaly",
    "ModifiedZScore",
    "ModuleDetector",
    "OutlierDropper",
    "OutlierRepairer",
    "OutlierReplacer",
    "ScoreMatching",
    "ThresholdedDetector",
    "VariationalAutoEncoder",
    "WindowedDetector",
    "ZScore",
    "__version__",
]
