"""Rules that set a threshold, and estimators that apply one to a detector."""

from sklearn_deepod.threshold._base import BaseThreshold
from sklearn_deepod.threshold._conformal_detector import ConformalDetector
from sklearn_deepod.threshold._iqr import IQRThreshold
from sklearn_deepod.threshold._labelled import CostThreshold, FBetaThreshold
from sklearn_deepod.threshold._mad import MADThreshold
from sklearn_deepod.threshold._mixture_gap import MixtureGapThreshold
from sklearn_deepod.threshold._otsu import OtsuThreshold
from sklearn_deepod.threshold._peaks_over_threshold import PeaksOverThreshold
from sklearn_deepod.threshold._quantile import QuantileThreshold
from sklearn_deepod.threshold._standard_deviations import StandardDeviationThreshold
from sklearn_deepod.threshold._tail_excess import TailExcessThreshold
from sklearn_deepod.threshold._thresholded_detector import ThresholdedDetector

__all__ = [
    "BaseThreshold",
    "ConformalDetector",
    "CostThreshold",
    "FBetaThreshold",
    "IQRThreshold",
    "MADThreshold",
    "MixtureGapThreshold",
    "OtsuThreshold",
    "PeaksOverThreshold",
    "QuantileThreshold",
    "StandardDeviationThreshold",
    "TailExcessThreshold",
    "ThresholdedDetector",
]
