"""Weighted statistics, calibration and thresholds, from arrays to arrays."""

from sklearn_deepod._stats._calibration import (
    RobustZScores,
    TailProbabilities,
    asinh_z_score,
    negative_log_tail_probability,
    robust_location_and_scale,
)
from sklearn_deepod._stats._otsu import otsu_threshold
from sklearn_deepod._stats._tail_excess import tail_excess_threshold
from sklearn_deepod._stats._thresholds import (
    MOST_OF_NORMAL,
    contamination_threshold,
    kimber_threshold,
    training_threshold,
)
from sklearn_deepod._stats._weighted import (
    likely_inliers,
    lowest_share,
    median_and_scale,
    repeated_rows,
    rounding,
    weighted_mean_and_std,
    weighted_quantile,
    without_spread,
)
from sklearn_deepod._stats._whitening import LowRankWhitening, make_whitening

__all__ = [
    "MOST_OF_NORMAL",
    "LowRankWhitening",
    "RobustZScores",
    "TailProbabilities",
    "asinh_z_score",
    "contamination_threshold",
    "kimber_threshold",
    "likely_inliers",
    "lowest_share",
    "make_whitening",
    "median_and_scale",
    "negative_log_tail_probability",
    "otsu_threshold",
    "repeated_rows",
    "robust_location_and_scale",
    "rounding",
    "tail_excess_threshold",
    "training_threshold",
    "weighted_mean_and_std",
    "weighted_quantile",
    "without_spread",
]
