"""Outlier detectors, one file each."""

from sklearn_deepod.detectors._autoencoder import AutoEncoder
from sklearn_deepod.detectors._module_detector import ModuleDetector

__all__ = ["AutoEncoder", "ModuleDetector"]
