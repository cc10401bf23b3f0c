"""Scores of different detectors on a common scale, by their training scores."""

import numpy as np
from scipy.special import ndtri

from sklearn_deepod._stats._weighted import median_and_scale, weighted_quantile

# Where most scores are almost equal, as those of categories may be, the median absolute
# deviation is no measure of scale. With quantiles from 0.6 to 0.7, DeepOutlierDetector
# had the same accuracy on ADBench, KEEL and macrOData, with 0.75 and more a lower one.
_UPPER = 0.65
_UPPER_DEVIATION = ndtri(_UPPER)


class TailProbabilities:
    """`negative_log_tail_probability` of several scores, a column for each.

    It is fitted on the scores (n_samples, n_scores) of training rows and, optionally,
    their positive weights.
    """

    def __init__(self, training_scores, sample_weight=None):
        if sample_weight is None:
            sample_weight = np.ones(len(training_scores))
        order = np.argsort(training_scores, axis=0)
        self._ranked = np.take_along_axis(training_scores, order, axis=0).T.copy()
        below = np.cumsum(sample_weight[order.T], axis=1)
        total = below[:, -1:]
        below = np.concatenate([np.zeros_like(total), below], axis=1)
        self._tail = -np.log((total - below + 0.5) / (total + 1.0))
        _, self._scale = RobustZScores(training_scores, sample_weight).units

    def of(self, anomaly_scores):
        """Calibrate scores (n_rows, n_scores)."""
        columns = []
        parts = anomaly_scores.T, self._ranked, self._tail, self._scale
        for scores, ranked, tail, scale in zip(*parts, strict=True):
            below = np.searchsorted(ranked, scores, side="left")
            excess = np.maximum(scores - ranked[-1], 0.0) / scale
            columns.append(np.log1p(excess) + tail[below])
        return np.stack(columns, axis=1)


class RobustZScores:
    """Robust z-scores of several scores, a column for each.

    It is fitted as `TailProbabilities` is. `units` holds the location and the scale of
    each score.
    """

    def __init__(self, training_scores, sample_weight=None):
        units = [
            robust_location_and_scale(scores, sample_weight)
            for scores in training_scores.T
        ]
        self.units = np.transpose(units)

    def z_scores(self, anomaly_scores):
        """Standardise scores (n_rows, n_scores)."""
        center, scale = self.units
        return (anomaly_scores - center) / scale

    def of(self, anomaly_scores):
        """Calibrate scores (n_rows, n_scores): the arcsinh of their z-scores."""
        return np.arcsinh(self.z_scores(anomaly_scores))


def negative_log_tail_probability(anomaly_scores, training_scores, sample_weight=None):
    """Negative logarithm of the tail probability of scores among training scores.

    With n training scores, m of which are at least as high, it is
    ``-log((m + 1/2) / (n + 1))``. This is the same for all scores beyond the highest
    training score, so ``log(1 + excess)`` is added there: the excess over the highest,
    divided by the robust scale of the training scores. More extreme outliers thus score
    higher, but no detector dominates the others.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_scores,)
        Scores to calibrate, higher is more anomalous.
    training_scores : ndarray of shape (n_samples,)
        Scores of training rows by the same detector.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.

    Returns
    -------
    ndarray of shape (n_scores,)
        About 0 for the most normal rows.
    """
    calibration = TailProbabilities(training_scores[:, None], sample_weight)
    return calibration.of(anomaly_scores[:, None])[:, 0]


def asinh_z_score(
    anomaly_scores, training_scores, sample_weight=None, *, linear_width=4.0
):
    """Robust z-scores of scores among training scores, compressed in the tails.

    It is ``arcsinh(z / linear_width)`` of the robust z-score z. It does not depend on
    how high the highest training scores are, which may be those of outliers.

    Parameters
    ----------
    anomaly_scores, training_scores, sample_weight
        As in `negative_log_tail_probability`.
    linear_width : float, default=4.0
        Z-score up to which the function is about linear; beyond, it is logarithmic.

    Returns
    -------
    ndarray of shape (n_scores,)
        0 at the median.
    """
    calibration = RobustZScores(training_scores[:, None], sample_weight)
    z = calibration.z_scores(anomaly_scores[:, None])[:, 0]
    return np.arcsinh(z / linear_width)


def robust_location_and_scale(training_scores, sample_weight=None):
    """Estimate location and scale robustly; the scale is never 0.

    Parameters
    ----------
    training_scores, sample_weight
        As in `negative_log_tail_probability`.

    Returns
    -------
    center, scale : float
        The median, and the larger of the median absolute deviation and the distance of
        an upper quantile from the median, each divided by its value for a standard
        normal distribution.
    """
    center, scale = median_and_scale(training_scores, sample_weight)
    upper = weighted_quantile(training_scores, _UPPER, sample_weight)
    scale = max(scale, (upper - center) / _UPPER_DEVIATION)
    smallest = max(np.abs(training_scores).max(), 1.0) * np.finfo(np.float64).eps
    return center, scale or smallest
