"""Distinct scores, and thresholds between two of them."""

import numpy as np


def distinct_scores(anomaly_scores, sample_weight=None):
    """Increasing distinct scores, and the weight of each.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    scores, weight : ndarray of shape (n_distinct,)
        The scores and their summed weights.
    """
    scores, inverse = np.unique(anomaly_scores, return_inverse=True)
    return scores, np.bincount(inverse, weights=sample_weight).astype(np.float64)


def threshold_above(scores, i):
    """Threshold midway between ``scores[i]`` and the next one; just above the last.

    Midway, so that rounding moves no row across it.
    """
    if i == len(scores) - 1:
        return float(np.nextafter(scores[i], np.finfo(np.float64).max))
    # The mean of two neighbouring floats may round up to the higher one.
    below_next = np.nextafter(scores[i + 1], -np.inf)
    return float(min(scores[i] / 2 + scores[i + 1] / 2, below_next))


def moved_midway(anomaly_scores, threshold):
    """The threshold, moved midway between two scores unless it exceeds them all."""
    scores = np.unique(anomaly_scores)
    below = int(np.searchsorted(scores, threshold, side="right")) - 1
    if below == len(scores) - 1:
        return float(threshold)
    return threshold_above(scores, below)
