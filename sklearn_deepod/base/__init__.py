"""Base classes of the detectors."""

from sklearn_deepod._training import LossStep
from sklearn_deepod.base._deep import BaseDeepDetector
from sklearn_deepod.base._detector import BaseDetector
from sklearn_deepod.base._torch import BaseTorchDetector

__all__ = ["BaseDeepDetector", "BaseDetector", "BaseTorchDetector", "LossStep"]
