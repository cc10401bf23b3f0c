"""Otsu's threshold between two groups of scores."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import (
    distinct_scores,
    moved_midway,
    threshold_above,
)
from sklearn_deepod._stats._weighted import median_and_scale

# Robust deviations from the median beyond which a score lies no further off.
_FARTHEST = 100.0


def otsu_threshold(anomaly_scores, sample_weight=None, *, lower=2.0, knee=16.0):
    """Cut that parts the scores in two groups (Otsu, 1979), squashed and bounded.

    Of all thresholds Otsu's is the one with the largest variance between the means of
    the two groups. One enormous score would hide all other outliers, so that the scores
    are squashed first, ``arcsinh(z / knee)``, where z counts robust deviations,
    ``MAD / 0.6745``, from the median, at most 100. And a single group would be split as
    well, through the middle if it is symmetric; so the threshold is not below
    ``z = lower``.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and their positive weights, if any.
    lower : float or None, default=2.0
        Lowest threshold, in robust deviations above the median; None sets no bound.
    knee : float or None, default=16.0
        Where the squashing turns from linear to logarithmic, in robust deviations; None
        does not squash.

    Returns
    -------
    float
        The threshold: rows above it are outliers.
    """
    scores, weight = distinct_scores(anomaly_scores, sample_weight)
    # In halves, and clipped, so that nothing leaves float64's range.
    halves = scores / 2
    center, scale = median_and_scale(halves, weight)
    with np.errstate(over="ignore"):
        z = (halves - center) / (scale or 1.0)
        bound = -np.inf if lower is None else 2 * (center + lower * scale)
    if knee is None:
        z = np.clip(z, -1e100, 1e100)
    else:
        z = np.arcsinh(np.clip(z, -_FARTHEST, _FARTHEST) / knee)
    best = _best_split(z, weight)
    if scores[best] >= bound:
        return threshold_above(scores, best)
    return moved_midway(scores, min(bound, np.finfo(np.float64).max))


def _best_split(scores, weight):
    """Index of the last score of the lower group; the last of all if there is one."""
    below = np.cumsum(weight)
    above = below[-1] - below
    sums = np.cumsum(weight * scores)
    with np.errstate(invalid="ignore"):
        between = (sums[-1] - sums) / above - sums / below
    # Nothing is above the last score, and no split is better than that of one group.
    between[-1] = 0.0
    return len(scores) - 1 - int(np.argmax((below * above * between**2)[::-1]))
