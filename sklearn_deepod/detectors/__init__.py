"""Outlier detectors, one file each."""

from sklearn_deepod.detectors._alad import ALAD
from sklearn_deepod.detectors._anogan import AnoGAN
from sklearn_deepod.detectors._autoencoder import AutoEncoder
from sklearn_deepod.detectors._contraction_matching import ContractionMatching
from sklearn_deepod.detectors._decomposed_representation import (
    DecomposedRepresentation,
)
from sklearn_deepod.detectors._deep_isolation_forest import DeepIsolationForest
from sklearn_deepod.detectors._deep_outlier_detector import DeepOutlierDetector
from sklearn_deepod.detectors._deep_sad import DeepSAD
from sklearn_deepod.detectors._deep_svdd import DeepSVDD
from sklearn_deepod.detectors._dev_net import DevNet
from sklearn_deepod.detectors._diffusion_time_estimation import (
    DiffusionTimeEstimation,
)
from sklearn_deepod.detectors._ganomaly import GANomaly
from sklearn_deepod.detectors._internal_contrastive import InternalContrastive
from sklearn_deepod.detectors._lunar import LUNAR
from sklearn_deepod.detectors._masked_cell_model import MaskedCellModel
from sklearn_deepod.detectors._modified_z_score import ModifiedZScore
from sklearn_deepod.detectors._module_detector import ModuleDetector
from sklearn_deepod.detectors._random_features import RandomFeatures
from sklearn_deepod.detectors._score_matching import ScoreMatching
from sklearn_deepod.detectors._variational_autoencoder import VariationalAutoEncoder
from sklearn_deepod.detectors._z_score import ZScore

__all__ = [
    "ALAD",
    "LUNAR",
    "AnoGAN",
    "AutoEncoder",
    "ContractionMatching",
    "DecomposedRepresentation",
    "DeepIsolationForest",
    "DeepOutlierDetector",
    "DeepSAD",
    "DeepSVDD",
    "DevNet",
    "DiffusionTimeEstimation",
    "GANomaly",
    "InternalContrastive",
    "MaskedCellModel",
    "ModifiedZScore",
    "ModuleDetector",
    "RandomFeatures",
    "ScoreMatching",
    "VariationalAutoEncoder",
    "ZScore",
]
