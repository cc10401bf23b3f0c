"""Arithmetic of scores: arrays in, arrays out."""

from sklearn_deepod.scoring._calibration import (
    RobustUnits,
    TailProbabilities,
    robust_evidence,
    robust_unit,
    tail_evidence,
)
from sklearn_deepod.scoring._cutoff import (
    MOST_OF_NORMAL,
    contamination_cutoff,
    kimber_cutoff,
    otsu_cutoff,
    tail_excess_cutoff,
    training_cutoff,
)
from sklearn_deepod.scoring._weighted import (
    likely_inliers,
    lowest_share,
    median_and_scale,
    repeated_rows,
    rounding,
    weighted_mean_and_std,
    weighted_quantile,
    without_spread,
)

__all__ = [
    "MOST_OF_NORMAL",
    "RobustUnits",
    "TailProbabilities",
    "contamination_cutoff",
    "kimber_cutoff",
    "likely_inliers",
    "lowest_share",
    "median_and_scale",
    "otsu_cutoff",
    "repeated_rows",
    "robust_evidence",
    "robust_unit",
    "rounding",
    "tail_evidence",
    "tail_excess_cutoff",
    "training_cutoff",
    "weighted_mean_and_std",
    "weighted_quantile",
    "without_spread",
]
