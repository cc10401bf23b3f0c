"""Volumes under the surfaces of curves over buffer lengths, for series."""

from numbers import Integral

import numpy as np
from scipy.ndimage import distance_transform_edt
from sklearn.metrics import auc

from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    require_inliers,
    require_outliers,
    runs,
    truth_and_anomaly_scores,
)
from sklearn_deepod.utils._sklearn_compat import Interval, validate_params

_VUS_CONSTRAINTS = {
    "y_true": ["array-like"],
    "score_samples": ["array-like"],
    "max_buffer": [Interval(Integral, 0, None, closed="left")],
    "existence_reward": ["boolean"],
    "pos_label": POS_LABEL,
}


@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_roc_score(
    y_true, score_samples, *, max_buffer=100, existence_reward=False, pos_label=-1
):
    """Volume under the surface of ROC curves over buffer lengths.

    Events in a series have no sharp edges, and a detector with windows raises its score
    around them. Here time stamps near an event count as outliers in part, out to a
    buffer; the ROC AUC is taken for all buffer lengths and averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; neighbouring outliers are one event.
    score_samples : array-like of shape (n_timestamps,)
        What `score_samples` or `decision_function` of a detector gives: **higher is
        more normal**. Anomaly scores, which are higher for outliers, must be negated.
    max_buffer : int, default=100
        Longest buffer, in time stamps; half of it lies on either side of an event. The
        window of the detector, or the period of the series, is a good choice. With 0
        the score is the ROC AUC.
    existence_reward : bool, default=False
        Whether the true positive rate is multiplied by the share of events (with their
        buffers) of which any time stamp is found. True is the paper's form.
    pos_label : {-1, 1}, default=-1
        The label of outliers: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the labels are coded otherwise, or if there are no outliers or no inliers.

    See Also
    --------
    vus_pr_score : The same of curves of precision and recall.

    Notes
    -----
    For a buffer of length l, a time stamp at the distance d from the nearest event
    has the label ``sqrt(1 - d / l)`` if d is at most l / 2, else 0. With the sum of the
    labels halfway between those without and with the buffer for the number of
    positives, each distinct score gives one point of the curve. All are used, after one
    sort, so that the cost is the number of time stamps times `max_buffer`.

    The labels in a buffer are there to be lenient, not to be matched: scores that agree
    with the events alone stay below 1, and random scores reach somewhat more than 0.5.
    Compare values with the same `max_buffer` only.

    References
    ----------
    J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore, M. J. Franklin (2022).
    Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
    Detection. PVLDB 15(11), 2774-2787.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.metrics import vus_roc_score
    >>> y_true = np.ones(200, dtype=int)
    >>> y_true[100:110] = -1
    >>> late = np.ones(200)
    >>> late[105:115] = 0.0
    >>> round(vus_roc_score(y_true, late, max_buffer=0), 3)
    0.737
    >>> round(vus_roc_score(y_true, late, max_buffer=20), 3)
    0.788
    """
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "VUS")
    require_inliers(truth, "VUS")
    areas = [
        auc(np.r_[0.0, false_rate, 1.0], np.r_[0.0, true_rate, 1.0])
        for true_rate, false_rate, _ in _curves(
            truth, anomaly, max_buffer, existence_reward
        )
    ]
    return float(np.mean(areas))


@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_pr_score(
    y_true, score_samples, *, max_buffer=100, existence_reward=False, pos_label=-1
):
    """Volume under the surface of precision and recall over buffer lengths.

    As `vus_roc_score`, with the average precision in place of the ROC AUC: where events
    are rare, it tells more.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; neighbouring outliers are one event.
    score_samples : array-like of shape (n_timestamps,)
        What `score_samples` or `decision_function` of a detector gives: **higher is
        more normal**. Anomaly scores, which are higher for outliers, must be negated.
    max_buffer : int, default=100
        Longest buffer, in time stamps; half of it lies on either side of an event. With
        0 the score is the average precision.
    existence_reward : bool, default=False
        Whether the recall is multiplied by the share of events (with their buffers) of
        which any time stamp is found. True is the paper's form.
    pos_label : {-1, 1}, default=-1
        The label of outliers: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the labels are coded otherwise, or if there are no outliers or no inliers.

    See Also
    --------
    vus_roc_score : The same of ROC curves, and how the buffers are made.

    References
    ----------
    J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore, M. J. Franklin (2022).
    Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
    Detection. PVLDB 15(11), 2774-2787.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.metrics import vus_pr_score
    >>> y_true = np.ones(200, dtype=int)
    >>> y_true[100:110] = -1
    >>> late = np.ones(200)
    >>> late[105:115] = 0.0
    >>> round(vus_pr_score(y_true, late, max_buffer=0), 3)
    0.275
    >>> round(vus_pr_score(y_true, late, max_buffer=20), 3)
    0.509
    """
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "VUS")
    require_inliers(truth, "VUS")
    areas = [
        np.diff(true_rate, prepend=0.0) @ precision
        for true_rate, _, precision in _curves(
            truth, anomaly, max_buffer, existence_reward
        )
    ]
    return float(np.mean(areas))


def _curves(truth, anomaly, max_buffer, existence_reward):
    """True and false positive rates and precisions, for each length of the buffer."""
    order = np.argsort(-anomaly, kind="stable")
    ranked = anomaly[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    n_flagged = last + 1.0
    distance = distance_transform_edt(~truth)
    for length in range(max_buffer + 1):
        label = truth.astype(np.float64)
        near = (distance > 0) & (2 * distance <= length)
        label[near] = np.sqrt(1 - distance[near] / length)
        n_positive = (truth.sum() + label.sum()) / 2
        hits = np.cumsum(label[order])[last]
        false_alarms = np.cumsum(1.0 - label[order])[last]
        recall = np.minimum(hits / n_positive, 1.0)
        if existence_reward:
            peaks = [anomaly[start:stop].max() for start, stop in runs(label > 0)]
            found = np.searchsorted(np.sort(-np.array(peaks)), -ranked[last], "right")
            recall = recall * found / len(peaks)
        false_rate = np.minimum(false_alarms / (len(truth) - n_positive), 1.0)
        yield recall, false_rate, hits / n_flagged
