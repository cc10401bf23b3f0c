"""Otsu's method for a threshold between two groups of scores."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import (
    distinct_scores,
    moved_midway,
    threshold_above,
)
from sklearn_deepod._stats._weighted import median_and_scale

# Distances from the median are clipped at so many robust standard deviations.
_FARTHEST = 100.0


def otsu_threshold(anomaly_scores, sample_weight=None, *, lower=2.0, linear_range=16.0):
    """Separate scores into two groups by Otsu's method (1979) on compressed scores.

    The threshold has the largest variance between the means of the two groups. A single
    huge score would hide all other outliers, so scores are first compressed to
    ``arcsinh(z / linear_range)``, where z is the distance from the median in robust
    standard deviations (``MAD / 0.6745``), clipped at 100. The method also splits a
    single group (in the middle if it is symmetric), so the threshold is bounded below
    by ``z = lower``.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and optional positive weights.
    lower : float or None, default=2.0
        Lower bound, in robust standard deviations above the median; None means none.
    linear_range : float or None, default=16.0
        Where the compression changes from linear to logarithmic, in robust standard
        deviations; None means no compression.

    Returns
    -------
    float
        The threshold. Rows above it are outliers.
    """
    scores, weight = distinct_scores(anomaly_scores, sample_weight)
    # Halved and clipped, so that nothing overflows.
    halves = scores / 2
    center, scale = median_and_scale(halves, weight)
    with np.errstate(over="ignore"):
        z = (halves - center) / (scale or 1.0)
        bound = -np.inf if lower is None else 2 * (center + lower * scale)
    if linear_range is None:
        z = np.clip(z, -1e100, 1e100)
    else:
        z = np.arcsinh(np.clip(z, -_FARTHEST, _FARTHEST) / linear_range)
    best = _best_split(z, weight)
    if scores[best] >= bound:
        return threshold_above(scores, best)
    return moved_midway(scores, min(bound, np.finfo(np.float64).max))


def _best_split(scores, weight):
    """Find the last score of the lower group; the last of all if there is one group."""
    below = np.cumsum(weight)
    above = below[-1] - below
    sums = np.cumsum(weight * scores)
    with np.errstate(invalid="ignore"):
        between = (sums[-1] - sums) / above - sums / below
    # No score is above the last one: a single group, with no variance between groups.
    between[-1] = 0.0
    return len(scores) - 1 - int(np.argmax((below * above * between**2)[::-1]))
