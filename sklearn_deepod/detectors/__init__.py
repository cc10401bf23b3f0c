"""Outlier detectors, one file each."""

from sklearn_deepod.detectors._alad import ALAD
from sklearn_deepod.detectors._anogan import AnoGAN
from sklearn_deepod.detectors._autoencoder import AutoEncoder
from sklearn_deepod.detectors._deep_sad import DeepSAD
from sklearn_deepod.detectors._deep_svdd import DeepSVDD
from sklearn_deepod.detectors._ganomaly import GANomaly
from sklearn_deepod.detectors._modified_z_score import ModifiedZScore
from sklearn_deepod.detectors._module_detector import ModuleDetector
from sklearn_deepod.detectors._variational_autoencoder import VariationalAutoEncoder
from sklearn_deepod.detectors._z_score import ZScore

__all__ = [
    "ALAD",
    "AnoGAN",
    "AutoEncoder",
    "DeepSAD",
    "DeepSVDD",
    "GANomaly",
    "ModifiedZScore",
    "ModuleDetector",
    "VariationalAutoEncoder",
    "ZScore",
]
