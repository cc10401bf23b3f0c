# Written by `python -m sklearn_deepod.utils._stubs`.
from collections.abc import Callable
from typing import Any, Literal, Self

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn_deepod.detectors import ALAD as ALAD
from sklearn_deepod.detectors import AnoGAN as AnoGAN
from sklearn_deepod.detectors import AutoEncoder as AutoEncoder
from sklearn_deepod.detectors import ContractionMatching as ContractionMatching
from sklearn_deepod.detectors import DecomposedRepresentation as DecomposedRepresentation
from sklearn_deepod.detectors import DeepIsolationForest as DeepIsolationForest
from sklearn_deepod.detectors import DeepOutlierDetector as DeepOutlierDetector
from sklearn_deepod.detectors import DeepSAD as DeepSAD
from sklearn_deepod.detectors import DeepSVDD as DeepSVDD
from sklearn_deepod.detectors import DevNet as DevNet
from sklearn_deepod.detectors import DiffusionTimeEstimation as DiffusionTimeEstimation
from sklearn_deepod.detectors import GANomaly as GANomaly
from sklearn_deepod.detectors import InternalContrastive as InternalContrastive
from sklearn_deepod.detectors import LUNAR as LUNAR
from sklearn_deepod.detectors import MaskedCellModel as MaskedCellModel
from sklearn_deepod.detectors import ModifiedZScore as ModifiedZScore
from sklearn_deepod.detectors import ModuleDetector as ModuleDetector
from sklearn_deepod.detectors import RandomFeatures as RandomFeatures
from sklearn_deepod.detectors import ScoreMatching as ScoreMatching
from sklearn_deepod.detectors import VariationalAutoEncoder as VariationalAutoEncoder
from sklearn_deepod.detectors import ZScore as ZScore
from sklearn_deepod.ensemble import DetectorEnsemble as DetectorEnsemble
from sklearn_deepod.threshold import ConformalDetector as ConformalDetector
from sklearn_deepod.threshold import ThresholdedDetector as ThresholdedDetector
from sklearn_deepod.timeseries import SeriesOutlierDetector as SeriesOutlierDetector
from sklearn_deepod.timeseries import WindowedDetector as WindowedDetector
from sklearn_deepod.treatment import OutlierDropper as OutlierDropper
from sklearn_deepod.treatment import OutlierRepairer as OutlierRepairer
from sklearn_deepod.treatment import OutlierReplacer as OutlierReplacer

__version__: str

__all__ = ["ALAD", "AnoGAN", "AutoEncoder", "ConformalDetector", "ContractionMatching", "DecomposedRepresentation", "DeepIsolationForest", "DeepOutlierDetector", "DeepSAD", "DeepSVDD", "DetectorEnsemble", "DevNet", "DiffusionTimeEstimation", "GANomaly", "InternalContrastive", "LUNAR", "MaskedCellModel", "ModifiedZScore", "ModuleDetector", "OutlierDropper", "OutlierRepairer", "OutlierReplacer", "RandomFeatures", "ScoreMatching", "SeriesOutlierDetector", "ThresholdedDetector", "VariationalAutoEncoder", "WindowedDetector", "ZScore", "__version__"]
