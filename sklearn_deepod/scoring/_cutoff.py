"""Rules that turn training scores into a cut."""

import numpy as np

from sklearn_deepod.scoring._weighted import weighted_quantile


def kimber_cutoff(anomaly_scores, sample_weight=None):
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

    Returns
    -------
    float
        The cut: rows above it are outliers.

    References
    ----------
    A. C. Kimber (1990). Exploratory data analysis for possibly censored data from
    skewed distributions. Applied Statistics 39(1), 21-30.
    """
    median, upper = weighted_quantile(anomaly_scores, [0.5, 0.75], sample_weight)
    return _midway(anomaly_scores, upper + 3.0 * (upper - median))


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
