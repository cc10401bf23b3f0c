"""Scores of different detectors in one unit: how unusual they are in training."""

import numpy as np
from scipy.special import ndtri

from sklearn_deepod._stats._weighted import median_and_scale, weighted_quantile

# Where most scores are all but equal, as those of categories may be, the median
# absolute deviation is no unit. Quantiles of 0.6 to 0.7 gave DeepOutlierDetector the
# same accuracy on ADBench, KEEL and macrOData, 0.75 and more less.
_UPPER = 0.65
_UPPER_DEVIATION = ndtri(_UPPER)


class TailProbabilities:
    """Negative log tail probabilities of several scores.

    See `negative_log_tail_probability`.

    Parameters
    ----------
    training_scores : ndarray of shape (n_samples, n_scores)
        Scores of training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.
    """

    def __init__(self, training_scores, sample_weight=None):
        if sample_weight is None:
            sample_weight = np.ones(len(training_scores))
        order = np.argsort(training_scores, axis=0)
        self._ranked = np.take_along_axis(training_scores, order, axis=0).T.copy()
        below = np.cumsum(sample_weight[order.T], axis=1)
        total = below[:, -1:]
        below = np.concatenate([np.zeros_like(total), below], axis=1)
        self._evidence = -np.log((total - below + 0.5) / (total + 1.0))
        _, self._spread = RobustZScores(training_scores, sample_weight).units

    def of(self, anomaly_scores):
        """Evidence of scores (n_rows, n_scores), in the same shape."""
        columns = []
        parts = anomaly_scores.T, self._ranked, self._evidence, self._spread
        for scores, ranked, tail, spread in zip(*parts, strict=True):
            below = np.searchsorted(ranked, scores, side="left")
            excess = np.maximum(scores - ranked[-1], 0.0) / spread
            columns.append(np.log1p(excess) + tail[below])
        return np.stack(columns, axis=1)


class RobustZScores:
    """Robust z-scores of several scores, as `asinh_z_score` defines them.

    Parameters
    ----------
    training_scores : ndarray of shape (n_samples, n_scores)
        Scores of training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.
    """

    def __init__(self, training_scores, sample_weight=None):
        units = [
            robust_location_and_scale(scores, sample_weight)
            for scores in training_scores.T
        ]
        self.units = np.transpose(units)

    def z_scores(self, anomaly_scores):
        """Distances of scores (n_rows, n_scores) from the medians."""
        center, spread = self.units
        return (anomaly_scores - center) / spread

    def of(self, anomaly_scores):
        """Evidence of scores (n_rows, n_scores), with a knee of 1."""
        return np.arcsinh(self.z_scores(anomaly_scores))


def negative_log_tail_probability(anomaly_scores, training_scores, sample_weight=None):
    """Minus the logarithm of the tail probability of scores among training scores.

    With n training scores, of which m are at least as high, it is
    ``-log((m + 1/2) / (n + 1))``. All that lies beyond the highest would get the same
    value; so ``log(1 + excess)`` is added there, the excess over the highest in units
    of the spread of the training scores. An outlier thus counts the more, the further
    out it is, but no detector's scores drown those of others.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_scores,)
        Scores to put in the unit, higher is more anomalous.
    training_scores : ndarray of shape (n_samples,)
        The same detector's scores of training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.

    Returns
    -------
    ndarray of shape (n_scores,)
        From about 0 for the most normal rows.
    """
    units = TailProbabilities(training_scores[:, None], sample_weight)
    return units.of(anomaly_scores[:, None])[:, 0]


def asinh_z_score(anomaly_scores, training_scores, sample_weight=None, *, knee=4.0):
    """Robust z-scores of scores among training scores, squashed beyond a knee.

    It is ``arcsinh(z / knee)`` of the distance z from the median in robust deviations,
    and so does not depend on how high the highest training scores are, which may be
    those of outliers.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_scores,)
        Scores to put in the unit, higher is more anomalous.
    training_scores : ndarray of shape (n_samples,)
        The same detector's scores of training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.
    knee : float, default=4.0
        Where the function turns from linear to logarithmic, in robust deviations.

    Returns
    -------
    ndarray of shape (n_scores,)
        0 at the median.
    """
    units = RobustZScores(training_scores[:, None], sample_weight)
    return np.arcsinh(units.z_scores(anomaly_scores[:, None])[:, 0] / knee)


def robust_location_and_scale(training_scores, sample_weight=None):
    """What makes scores robust z-scores: ``(scores - center) / spread``.

    Parameters
    ----------
    training_scores : ndarray of shape (n_samples,)
        A detector's scores of training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights of the training rows.

    Returns
    -------
    center, spread : float
        Median, and a robust deviation that is never 0: the median absolute deviation
        or the distance of an upper quantile from the median, whichever is larger, over
        what it is for a standard normal distribution.
    """
    center, scale = median_and_scale(training_scores, sample_weight)
    upper = weighted_quantile(training_scores, _UPPER, sample_weight)
    spread = max(scale, (upper - center) / _UPPER_DEVIATION)
    smallest = max(np.abs(training_scores).max(), 1.0) * np.finfo(np.float64).eps
    return center, spread or smallest
