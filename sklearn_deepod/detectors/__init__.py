"""Outlier detectors, one file each."""

from sklearn_deepod.detectors._adversarial._alad import ALAD
from sklearn_deepod.detectors._adversarial._anogan import AnoGAN
from sklearn_deepod.detectors._adversarial._ganomaly import GANomaly
from sklearn_deepod.detectors._diffusion._contraction_matching import (
    ContractionMatching,
)
from sklearn_deepod.detectors._diffusion._diffusion_time_estimation import (
    DiffusionTimeEstimation,
)
from sklearn_deepod.detectors._diffusion._score_matching import ScoreMatching
from sklearn_deepod.detectors._module_detector import ModuleDetector
from sklearn_deepod.detectors._neighbors._deep_outlier_detector import (
    DeepOutlierDetector,
)
from sklearn_deepod.detectors._neighbors._lunar import LUNAR
from sklearn_deepod.detectors._one_class._deep_sad import DeepSAD
from sklearn_deepod.detectors._one_class._deep_svdd import DeepSVDD
from sklearn_deepod.detectors._random._deep_isolation_forest import DeepIsolationForest
from sklearn_deepod.detectors._random._random_features import RandomFeatures
from sklearn_deepod.detectors._reconstruction._autoencoder import AutoEncoder
from sklearn_deepod.detectors._reconstruction._variational_autoencoder import (
    VariationalAutoEncoder,
)
from sklearn_deepod.detectors._self_supervised._decomposed_representation import (
    DecomposedRepresentation,
)
from sklearn_deepod.detectors._self_supervised._internal_contrastive import (
    InternalContrastive,
)
from sklearn_deepod.detectors._self_supervised._masked_cell_model import MaskedCellModel
from sklearn_deepod.detectors._semi_supervised._dev_net import DevNet
from sklearn_deepod.detectors._statistical._modified_z_score import ModifiedZScore
from sklearn_deepod.detectors._statistical._z_score import ZScore

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
