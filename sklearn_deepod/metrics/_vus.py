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
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    StrOptions,
    validate_params,
)

# Points of a curve in the code of TSB-AD (its `thre`).
TSB_AD_THRESHOLDS = 250

_VUS_CONSTRAINTS = {
    "y_true": ["array-like"],
    "score_samples": ["array-like"],
    "max_buffer": [Interval(Integral, 0, None, closed="left")],
    "existence_reward": ["boolean"],
    "definition": [StrOptions({"paper", "tsb_ad"})],
    "pos_label": POS_LABEL,
}


@documented_like(precision_at_n_score)
@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_roc_score(
    y_true,
    score_samples,
    *,
    max_buffer=100,
    existence_reward=False,
    definition="paper",
    pos_label=-1,
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
        in the paper, and of the benchmark TSB-AD.
    definition : {"paper", "tsb_ad"}, default="paper"
        "paper" follows the formulas of the paper. "tsb_ad" follows the code of its
        authors, with which the figures of their benchmark TSB-AD were computed; use it,
        with ``existence_reward=True``, to compare with those. Values differ by a few
        hundredths, mostly where buffers are long compared with events.

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

    With ``definition="tsb_ad"``, only those labels in buffers count as positives that
    are flagged at the threshold, so the recall depends on fewer of them; labels of
    overlapping buffers are added, to at most 1; and only 250 thresholds are used, at
    equal distances in the ranking of the scores.

    The labels in a buffer make the measure lenient; scores need not match them. Scores
    that agree with the events alone stay below 1, and random scores reach somewhat more
    than 0.5. Compare values with the same `max_buffer` only.

    References
    ----------
    J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore, M. J. Franklin (2022).
    Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
    Detection. PVLDB 15(11), 2774-2787.

    Q. Liu, J. Paparrizos (2024). The Elephant in the Room: Towards A Reliable
    Time-Series Anomaly Detection Benchmark. NeurIPS.
    https://github.com/TheDatumOrg/TSB-AD

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

    curves = _CURVES[definition](max_buffer, existence_reward)
    return _volume(area, curves, y_true, score_samples, pos_label)


@documented_like(vus_roc_score)
@validate_params(_VUS_CONSTRAINTS, prefer_skip_nested_validation=True)
def vus_pr_score(
    y_true,
    score_samples,
    *,
    max_buffer=100,
    existence_reward=False,
    definition="paper",
    pos_label=-1,
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

    curves = _CURVES[definition](max_buffer, existence_reward)
    return _volume(area, curves, y_true, score_samples, pos_label)


def _volume(area, curves, y_true, score_samples, pos_label):
    """Mean over the buffers of the area under a curve."""
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "VUS")
    require_inliers(truth, "VUS")
    return float(np.mean([area(*curve) for curve in curves(truth, anomaly)]))


class _Curves:
    """Recall, false positive rate and precision, for each length of the buffer."""

    def __init__(self, max_buffer, existence_reward):
        self.max_buffer = max_buffer
        self.existence_reward = existence_reward

    def __call__(self, truth, anomaly):
        order = np.argsort(-anomaly, kind="stable")
        ranked = anomaly[order]
        last = self.thresholds(ranked)
        in_events = np.cumsum(truth[order])[last]
        for length, label in enumerate(self.soft_labels(truth)):
            # sums of terms that are not negative never fall, as the area needs it
            in_buffers = np.cumsum(np.where(truth, 0.0, label)[order])[last]
            hits = in_events + in_buffers
            n_positive = self.n_positive(truth.sum(), label.sum(), in_buffers)
            recall = np.minimum(hits / n_positive, 1.0)
            if self.existence_reward:
                ranges = self.ranges(truth, label, length)
                recall = recall * _share_found(anomaly, ranges, ranked[last])
            false_alarms = np.cumsum(1.0 - label[order])[last]
            false_rate = np.minimum(false_alarms / (len(truth) - n_positive), 1.0)
            yield recall, false_rate, hits / (last + 1.0)


class _PaperCurves(_Curves):
    """By the formulas of the paper, at all thresholds."""

    def thresholds(self, ranked):
        """Index of the last time stamp with each distinct score."""
        return np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])

    def soft_labels(self, truth):
        """Labels by the distance to the nearest event."""
        distance = distance_transform_edt(~truth)
        for length in range(self.max_buffer + 1):
            label = truth.astype(np.float64)
            near = (distance > 0) & (2 * distance <= length)
            label[near] = np.sqrt(1 - distance[near] / length)
            yield label

    def n_positive(self, n_outliers, n_labelled, in_buffers):
        return (n_outliers + n_labelled) / 2

    def ranges(self, truth, label, length):
        return runs(label > 0)


class _TSBADCurves(_Curves):
    """As `RangeAUC_volume_opt` in the code of TSB-AD computes them."""

    def thresholds(self, ranked):
        """Index of the last time stamp with the score of each threshold."""
        places = np.linspace(0, len(ranked) - 1, TSB_AD_THRESHOLDS).astype(int)
        return np.searchsorted(-ranked, -ranked[places], side="right") - 1

    def soft_labels(self, truth):
        """Labels to which each event near a time stamp adds."""
        starts, stops = runs(truth).T
        distances = np.arange(1, self.max_buffer // 2 + 1)
        near = np.c_[starts - distances[:, None], stops - 1 + distances[:, None]]
        near = np.where((near >= 0) & (near < len(truth)), near, len(truth))
        for length in range(self.max_buffer + 1):
            half = length // 2
            added = np.sqrt(1 - distances[:half] / max(length, 1))
            added = np.repeat(added, near.shape[1])
            added = np.bincount(near[:half].ravel(), added, minlength=len(truth) + 1)
            yield np.minimum(truth + added[:-1], 1.0)

    def n_positive(self, n_outliers, n_labelled, in_buffers):
        return n_outliers + in_buffers / 2

    def ranges(self, truth, label, length):
        """Events with their buffers, as one where buffers have a time stamp in common.

        Buffers that only touch remain apart, though their labels form one run.
        """
        starts, stops = runs(truth).T
        half = length // 2
        apart = stops[:-1] + half <= starts[1:] - half
        starts = np.maximum(starts[np.r_[True, apart]] - half, 0)
        stops = np.minimum(stops[np.r_[apart, True]] + half, len(truth))
        return np.c_[starts, stops]


_CURVES = {"paper": _PaperCurves, "tsb_ad": _TSBADCurves}


def _share_found(anomaly, ranges, thresholds):
    """Share of the ranges whose highest anomaly score reaches each threshold."""
    # reduceat also reduces what lies between two ranges, and wants no index behind the
    # last row
    peaks = np.maximum.reduceat(np.append(anomaly, -np.inf), ranges.ravel())[::2]
    found = np.searchsorted(np.sort(-peaks), -thresholds, side="right")
    return found / len(peaks)
