"""Deep outlier detection that behaves like scikit-learn."""

from sklearn_deepod.detectors import (
    ALAD,
    LUNAR,
    AnoGAN,
    AutoEncoder,
    ContractionMatching,
    DecomposedRepresentation,
    DeepIsolationForest,
    DeepOutlierDetector,
    DeepSAD,
    DeepSVDD,
    DevNet,
    DiffusionTimeEstimation,
    GANomaly,
    InternalContrastive,
    MaskedCellModel,
    ModifiedZScore,
    ModuleDetector,
    RandomFeatures,
    ScoreMatching,
    VariationalAutoEncoder,
    ZScore,
)
from sklearn_deepod.ensemble import DetectorEnsemble
from sklearn_deepod.threshold import ConformalDetector, ThresholdedDetector
from sklearn_deepod.timeseries import WindowedDetector
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer

__version__ = "0.1.0"

__all__ = [
    "ALAD",
    "LUNAR",
    "AnoGAN",
    "AutoEncoder",
    "ConformalDetector",
    "ContractionMatching",
    "DecomposedRepresentation",
    "DeepIsolationForest",
    "DeepOutlierDetector",
    "DeepSAD",
    "DeepSVDD",
    "DetectorEnsemble",
    "DevNet",
    "DiffusionTimeEstimation",
    "GANomaly",
    "InternalContrastive",
    "MaskedCellModel",
    "ModifiedZScore",
    "ModuleDetector",
    "OutlierDropper",
    "OutlierRepairer",
    "OutlierReplacer",
    "RandomFeatures",
    "ScoreMatching",
    "ThresholdedDetector",
    "VariationalAutoEncoder",
    "WindowedDetector",
    "ZScore",
    "__version__",
]
