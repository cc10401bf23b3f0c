"""Deep outlier detection that behaves like scikit-learn."""

from sklearn_deepod.detectors import AutoEncoder, ModuleDetector

__version__ = "0.1.0"

__all__ = ["AutoEncoder", "ModuleDetector", "__version__"]
