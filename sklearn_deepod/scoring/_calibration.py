"""Scores of different detectors in one unit: how unusual they are in training."""

import numpy as np

from sklearn_deepod.scoring._weighted import median_and_scale, weighted_quantile


def tail_evidence(anomaly_scores, training_scores, sample_weight=None):
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
    order = np.argsort(training_scores)
    ranked = training_scores[order]
    if sample_weight is None:
        sample_weight = np.ones(len(ranked))
    cumulated = np.r_[0.0, np.cumsum(sample_weight[order])]
    below = cumulated[np.searchsorted(ranked, anomaly_scores, side="left")]
    tail = (cumulated[-1] - below + 0.5) / (cumulated[-1] + 1.0)
    spread = _spread(training_scores, sample_weight)
    excess = np.maximum(anomaly_scores - ranked[-1], 0.0) / spread
    return np.log1p(excess) - np.log(tail)


def robust_evidence(anomaly_scores, training_scores, sample_weight=None, *, knee=4.0):
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
    center, spread = robust_unit(training_scores, sample_weight)
    return np.arcsinh((anomaly_scores - center) / spread / knee)


def robust_unit(training_scores, sample_weight=None):
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
        Median, and a robust deviation that is never 0.
    """
    center = weighted_quantile(training_scores, 0.5, sample_weight)
    return center, _spread(training_scores, sample_weight)


def _spread(scores, sample_weight):
    """A robust deviation that is never 0."""
    spread = median_and_scale(scores, sample_weight)[1]
    return spread or max(np.abs(scores).max(), 1.0) * np.finfo(np.float64).eps
