"""Rules that turn training scores into a cut."""

import numpy as np

from sklearn_deepod.scoring._weighted import median_and_scale, weighted_quantile

# Robust deviations from the median beyond which a score lies no further off.
_FARTHEST = 100.0


def training_cutoff(
    anomaly_scores, contamination="auto", sample_weight=None, *, novelty=False
):
    """Cut by a detector's ``contamination``.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    contamination : "auto" or float, default="auto"
        A float in (0, 0.5] is the share to cut off (`contamination_cutoff`). "auto"
        parts the scores in two groups (`otsu_cutoff`), which is the rule of highest F1
        in ``examples/benchmarks/thresholds.py``; but among rows that are all normal
        there are no two groups, and the fence of `kimber_cutoff` is taken.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    novelty : bool, default=False
        Whether all training rows are known to be normal.

    Returns
    -------
    float
        The cut: rows above it are outliers.
    """
    if contamination != "auto":
        return contamination_cutoff(anomaly_scores, contamination, sample_weight)
    rule = kimber_cutoff if novelty else otsu_cutoff
    return rule(anomaly_scores, sample_weight)


def otsu_cutoff(anomaly_scores, sample_weight=None, *, lower=2.0, knee=16.0):
    """Cut that parts the scores in two groups (Otsu, 1979), squashed and bounded.

    Of all cuts Otsu's is the one with the largest variance between the means of the two
    groups. One enormous score would hide all other outliers, so that the scores are
    squashed first, ``arcsinh(z / knee)``, where z counts robust deviations,
    ``MAD / 0.6745``, from the median, at most 100. And a single group would be parted
    as well, through the middle if it is symmetric; so the cut is not below
    ``z = lower``.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    lower : float or None, default=2.0
        Lowest cut, in robust deviations above the median; None sets no bound.
    knee : float or None, default=16.0
        Where the squashing turns from linear to logarithmic, in robust deviations; None
        does not squash.

    Returns
    -------
    float
        The cut: rows above it are outliers.

    References
    ----------
    N. Otsu (1979). A threshold selection method from gray-level histograms. IEEE
    Transactions on Systems, Man, and Cybernetics 9(1), 62-66.
    """
    scores, inverse = np.unique(anomaly_scores, return_inverse=True)
    weight = np.bincount(inverse, weights=sample_weight)
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
        return _after(scores, best)
    return _midway(scores, min(bound, np.finfo(np.float64).max))


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


def kimber_cutoff(anomaly_scores, sample_weight=None, *, factor=3.0):
    """Upper boxplot fence for skewed data, Q3 + 3 (Q3 - Q2) (Kimber, 1990).

    Tukey's fence Q3 + 1.5 (Q3 - Q1) assumes symmetry and flags too much of a
    right-skewed distribution, which anomaly scores have. Kimber replaces the
    interquartile range by twice the upper half of it. The fence needs no guess of the
    share of outliers and stays where it is as long as they are less than a quarter.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    factor : float, default=3.0
        Distance of the fence from Q3 in units of Q3 - Q2.

    Returns
    -------
    float
        The cut: rows above it are outliers. It is the fence, moved midway between the
        scores beside it.

    References
    ----------
    A. C. Kimber (1990). Exploratory data analysis for possibly censored data from
    skewed distributions. Applied Statistics 39(1), 21-30.
    """
    median, upper = weighted_quantile(anomaly_scores, [0.5, 0.75], sample_weight)
    return _midway(anomaly_scores, upper + factor * (upper - median))


def contamination_cutoff(anomaly_scores, contamination, sample_weight=None):
    """Cut that leaves the given share of the training weight above it.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous.
    contamination : float
        Share of outliers in (0, 0.5].
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.

    Returns
    -------
    float
        A cut midway between two scores, so that rounding moves no row across it.
        Tied scores cannot be parted: the cut nearest to the share is taken.
    """
    scores, inverse = np.unique(anomaly_scores, return_inverse=True)
    weight = np.bincount(inverse, weights=sample_weight)
    above = weight.sum() - np.cumsum(weight)
    wanted = contamination * weight.sum()
    if sample_weight is None or np.all(sample_weight == np.round(sample_weight)):
        wanted = np.round(wanted)
    return _after(scores, int(np.argmin(np.abs(above - wanted))))


def _midway(anomaly_scores, cut):
    scores = np.unique(anomaly_scores)
    below = int(np.searchsorted(scores, cut, side="right")) - 1
    return float(cut) if below == len(scores) - 1 else _after(scores, below)


def _after(scores, i):
    if i == len(scores) - 1:
        return float(np.nextafter(scores[i], np.inf))
    # The mean of two neighbouring floats may round up to the higher one.
    below_next = np.nextafter(scores[i + 1], -np.inf)
    return float(min(scores[i] / 2 + scores[i + 1] / 2, below_next))
