"""Volumes under the surfaces of curves over buffer lengths, for series."""

from numbers import Integral

import numpy as np
from scipy.ndimage import distance_transform_edt
from sklearn.metrics import auc

from sklearn_deepod.metrics._labelled import precision_at_n_score
from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    require_inliers,
    require_outliers,
    runs,
    truth_and_anomaly_scores,
)
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import Interval, validate_params

_VUS_CONSTRAINTS = {
    "y_true": ["array-like"],
    "score_samples": ["array-like"],
    "max_buffer": [Interval(Integral, 0, None, closed="left")],
    "existence_reward": ["boolean"],
    "pos_label": POS_LABEL,
}


@documented_like(precision_at_n_score)
@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_roc_score(
    y_true, score_samples, *, max_buffer=100, existence_reward=False, pos_label=-1
):
    """Volume under the surface of ROC curves over buffer lengths.

    Events in a series have no sharp edges, and a detector of windows raises its score
    around them. Therefore time stamps near an event count in part as outliers, within a
    buffer; the ROC AUC is computed for each length of the buffer and averaged.

    Read more in the :ref:`User Guide <volume-under-the-surface>`.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; consecutive outliers are one event.
    score_samples : array-like of shape (n_timestamps,)
        What `score_samples` or `decision_function` of a detector returns: **higher is
        more normal**. Anomaly scores, which are higher for outliers, must be negated.
    max_buffer : int, default=100
        Longest buffer, in time stamps; half of it lies on either side of an event. The
        window of the detector, or the period of the series, is a good choice. With 0
        there are no buffers, and the score is the ROC AUC or the average precision.
    existence_reward : bool, default=False
        Whether the recall (the true positive rate) is multiplied by the share of events
        (with their buffers) of which at least one time stamp is found. True is the form
        in the paper.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the labels have another coding, or if there are no outliers or no inliers.

    See Also
    --------
    vus_pr_score : The same for curves of precision and recall.

    Notes
    -----
    For a buffer of length l, a time stamp at distance d from the nearest event
    has the label ``sqrt(1 - d / l)`` if d is at most l / 2, else 0. The number of
    positives is the mean of the sums of the labels without and with the buffer; each
    distinct score gives one point of the curve. All scores are used, after one sort, so
    the cost is the number of time stamps times `max_buffer`.

    The labels in a buffer make the measure lenient; scores need not match them. Scores
    that agree with the events alone stay below 1, and random scores reach somewhat more
    than 0.5. Compare values with the same `max_buffer` only.

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

    def area(recall, false_positive_rate, precision):
        return auc(np.r_[0.0, false_positive_rate, 1.0], np.r_[0.0, recall, 1.0])

    return _volume(area, y_true, score_samples, max_buffer, existence_reward, pos_label)


@documented_like(vus_roc_score)
@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_pr_score(
    y_true, score_samples, *, max_buffer=100, existence_reward=False, pos_label=-1
):
    """Volume under the surface of precision-recall curves over buffer lengths.

    As `vus_roc_score`, with the average precision in place of the ROC AUC, which is
    more informative where events are rare.

    Read more in the :ref:`User Guide <volume-under-the-surface>`.

    See Also
    --------
    vus_roc_score : The same for ROC curves; its notes define the buffers.

    Examples
    --------
    >>> from sklearn_deepod.metrics import vus_pr_score
    >>> y_true = [1] * 100 + [-1] * 10 + [1] * 90
    >>> late = [1.0] * 105 + [0.0] * 10 + [1.0] * 85
    >>> round(vus_pr_score(y_true, late, max_buffer=20), 3)
    0.509
    """

    def area(recall, false_positive_rate, precision):
        return np.diff(recall, prepend=0.0) @ precision

    return _volume(area, y_true, score_samples, max_buffer, existence_reward, pos_label)


def _volume(area, y_true, score_samples, max_buffer, existence_reward, pos_label):
    """Mean over the buffers of the area under a curve."""
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "VUS")
    require_inliers(truth, "VUS")
    curves = _curves(truth, anomaly, max_buffer, existence_reward)
    return float(np.mean([area(*curve) for curve in curves]))


def _curves(truth, anomaly, max_buffer, existence_reward):
    """Recall, false positive rate and precision, for each length of the buffer."""
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
