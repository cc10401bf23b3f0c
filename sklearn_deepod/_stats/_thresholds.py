"""Threshold of a detector by its `contamination`, and the rules behind it."""

import numpy as np

from sklearn_deepod._stats._distinct_scores import (
    distinct_scores,
    moved_midway,
    threshold_above,
)
from sklearn_deepod._stats._tail_excess import tail_excess_threshold
from sklearn_deepod._stats._weighted import weighted_quantile

# If all training rows are normal, at most this proportion of them is flagged: all of
# these are false alarms.
MOST_OF_NORMAL = 0.015


def training_threshold(
    anomaly_scores, contamination="auto", sample_weight=None, *, novelty=False
):
    """Set the threshold of a detector by its ``contamination``.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and optional positive weights.
    contamination : "auto" or float, default="auto"
        With a float in (0, 0.5], that proportion of the rows is flagged
        (`contamination_threshold`). "auto" uses `tail_excess_threshold`.
    novelty : bool, default=False
        Whether all training rows are known to be normal. "auto" then uses
        `kimber_threshold`, which flags at most 1.5 % of them.

    Returns
    -------
    float
        The threshold. Rows above it are outliers.
    """
    if contamination != "auto":
        return contamination_threshold(anomaly_scores, contamination, sample_weight)
    if novelty:
        return kimber_threshold(anomaly_scores, sample_weight, most=MOST_OF_NORMAL)
    return tail_excess_threshold(anomaly_scores, sample_weight)


def kimber_threshold(anomaly_scores, sample_weight=None, *, factor=3.0, most=None):
    """Compute the upper boxplot fence for skewed data, Q3 + 3 (Q3 - Q2).

    Tukey's fence Q3 + 1.5 (Q3 - Q1) assumes symmetry, and flags too many rows if the
    scores are skewed to the right, as anomaly scores are. Kimber (1990) replaces the
    interquartile range by twice its upper half. The fence needs no guess of the
    proportion of outliers, and tolerates up to a quarter of them.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and optional positive weights.
    factor : float, default=3.0
        Distance of the fence from Q3, in units of Q3 - Q2.
    most : float or None, default=None
        Largest proportion of the scores above the threshold. A lower fence is moved up
        to that quantile. None means no limit.

    Returns
    -------
    float
        The fence, moved midway between the two nearest scores.
    """
    median, upper = weighted_quantile(anomaly_scores, [0.5, 0.75], sample_weight)
    with np.errstate(over="ignore"):
        fence = upper + factor * (upper - median)
    fence = moved_midway(anomaly_scores, min(fence, np.finfo(np.float64).max))
    if most is None:
        return fence
    return max(fence, contamination_threshold(anomaly_scores, most, sample_weight))


def contamination_threshold(anomaly_scores, contamination, sample_weight=None):
    """Set the threshold above which a proportion of the training weight lies.

    Parameters
    ----------
    anomaly_scores, sample_weight : ndarray of shape (n_samples,)
        Training scores, higher is more anomalous, and optional positive weights.
    contamination : float
        Proportion of outliers, in (0, 0.5].

    Returns
    -------
    float
        A threshold midway between two scores. Since it cannot separate equal scores, it
        is the one with the nearest possible proportion.
    """
    scores, weight = distinct_scores(anomaly_scores, sample_weight)
    above = weight.sum() - np.cumsum(weight)
    wanted = contamination * weight.sum()
    if sample_weight is None or np.all(sample_weight == np.round(sample_weight)):
        wanted = np.round(wanted)
    return threshold_above(scores, int(np.argmin(np.abs(above - wanted))))
