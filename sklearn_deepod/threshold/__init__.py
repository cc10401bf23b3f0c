"""Where to cut: rules, and estimators that put one on a detector."""

from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.threshold._conformal_detector import ConformalDetector
from sklearn_deepod.threshold._iqr import IQR
from sklearn_deepod.threshold._labelled import Cost, FBeta
from sklearn_deepod.threshold._mad import MAD
from sklearn_deepod.threshold._mixture_gap import MixtureGap
from sklearn_deepod.threshold._otsu import Otsu
from sklearn_deepod.threshold._peaks_over_threshold import PeaksOverThreshold
from sklearn_deepod.threshold._quantile import Quantile
from sklearn_deepod.threshold._standard_deviations import StandardDeviations
from sklearn_deepod.threshold._tail_excess import TailExcess
from sklearn_deepod.threshold._thresholded_detector import ThresholdedDetector

__all__ = [
    "IQR",
    "MAD",
    "BaseThreshold",
    "ConformalDetector",
    "Cost",
    "FBeta",
    "MixtureGap",
    "Otsu",
    "PeaksOverThreshold",
    "Quantile",
    "StandardDeviations",
    "TailExcess",
    "ThresholdedDetector",
]
