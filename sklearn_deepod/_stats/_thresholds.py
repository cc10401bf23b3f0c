"""The threshold of a detector by its `contamination`, and two plain rules."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import (
    distinct_scores,
    moved_midway,
    threshold_above,
)
from sklearn_deepod._stats._tail_excess import tail_excess_threshold
from sklearn_deepod._stats._weighted import weighted_quantile

# Of training rows that are all normal, every row flagged is a false alarm.
MOST_OF_NORMAL = 0.015


def training_threshold(
    anomaly_scores, contamination="auto", sample_weight=None, *, novelty=False
):
    """Threshold by a detector's ``contamination``.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and their positive weights, if any.
    contamination : "auto" or float, default="auto"
        A float in (0, 0.5] is the share to flag (`contamination_threshold`). "auto"
        flags what exceeds the tail of the bulk of the scores (`tail_excess_threshold`).
    novelty : bool, default=False
        Whether all training rows are known to be normal. "auto" then is the fence of
        `kimber_threshold`, beyond which at most 1.5 % of them lie.

    Returns
    -------
    float
        The threshold: rows above it are outliers.
    """
    if contamination != "auto":
        return contamination_threshold(anomaly_scores, contamination, sample_weight)
    if novelty:
        return kimber_threshold(anomaly_scores, sample_weight, most=MOST_OF_NORMAL)
    return tail_excess_threshold(anomaly_scores, sample_weight)


def kimber_threshold(anomaly_scores, sample_weight=None, *, factor=3.0, most=None):
    """Upper boxplot fence for skewed data, Q3 + 3 (Q3 - Q2) (Kimber, 1990).

    Tukey's fence Q3 + 1.5 (Q3 - Q1) assumes symmetry and flags too much of a
    right-skewed distribution, which anomaly scores have. Kimber replaces the
    interquartile range by twice the upper half of it. The fence needs no guess of the
    share of outliers and stays where it is as long as they are less than a quarter.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and their positive weights, if any.
    factor : float, default=3.0
        Distance of the fence from Q3 in units of Q3 - Q2.
    most : float or None, default=None
        Share of the scores that lies beyond at most; a fence below that quantile is
        moved there. None sets no bound.

    Returns
    -------
    float
        The threshold: rows above it are outliers. It is the fence, moved midway between
        the scores beside it.
    """
    median, upper = weighted_quantile(anomaly_scores, [0.5, 0.75], sample_weight)
    with np.errstate(over="ignore"):
        fence = upper + factor * (upper - median)
    fence = moved_midway(anomaly_scores, min(fence, np.finfo(np.float64).max))
    if most is None:
        return fence
    return max(fence, contamination_threshold(anomaly_scores, most, sample_weight))


def contamination_threshold(anomaly_scores, contamination, sample_weight=None):
    """Cut that leaves the given share of the training weight above it.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and their positive weights, if any.
    contamination : float
        Share of outliers in (0, 0.5].

    Returns
    -------
    float
        A threshold midway between two scores, so that rounding moves no row across it.
        Tied scores cannot be split: the threshold nearest to the share is taken.
    """
    scores, weight = distinct_scores(anomaly_scores, sample_weight)
    above = weight.sum() - np.cumsum(weight)
    wanted = contamination * weight.sum()
    if sample_weight is None or np.all(sample_weight == np.round(sample_weight)):
        wanted = np.round(wanted)
    return threshold_above(scores, int(np.argmin(np.abs(above - wanted))))
