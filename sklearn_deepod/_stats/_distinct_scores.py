"""Distinct scores, and thresholds between them."""

import numpy as np


def distinct_scores(anomaly_scores, sample_weight=None):
    """Sort distinct scores, and sum the weights of each.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    scores, weight : ndarray of shape (n_distinct,)
        The scores in increasing order, and their summed weights.
    """
    scores, inverse = np.unique(anomaly_scores, return_inverse=True)
    return scores, np.bincount(inverse, weights=sample_weight).astype(np.float64)


def threshold_above(scores, i):
    """Set a threshold midway between ``scores[i]`` and the next; just above the last.

    Midway, so that rounding errors move no row across the threshold.
    """
    if i == len(scores) - 1:
        return float(np.nextafter(scores[i], np.finfo(np.float64).max))
    # The mean of two adjacent floats may be rounded to the higher one.
    below_next = np.nextafter(scores[i + 1], -np.inf)
    return float(min(scores[i] / 2 + scores[i + 1] / 2, below_next))


def moved_midway(anomaly_scores, threshold):
    """Move a threshold midway between two scores, unless it exceeds all scores."""
    scores = np.unique(anomaly_scores)
    below = int(np.searchsorted(scores, threshold, side="right")) - 1
    if below == len(scores) - 1:
        return float(threshold)
    return threshold_above(scores, below)
