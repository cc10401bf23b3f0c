"""Measures that compare with labels, row by row."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn import metrics

from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    require_inliers,
    require_outliers,
    truth_and_anomaly_scores,
    truth_and_flags,
)
from sklearn_deepod.utils._shared_docs import documented_like
from sklearn_deepod.utils._sklearn_compat import (
    Interval,
    _check_sample_weight,
    validate_params,
)


def _of_flags(function, measure, y_true, y_pred, *, pos_label=-1, sample_weight=None):
    """One of scikit-learn's measures, with the outliers as the positive class."""
    truth, flagged = truth_and_flags(y_true, y_pred, pos_label)
    require_outliers(truth, measure)
    return function(truth, flagged, sample_weight=sample_weight, zero_division=0.0)


#: Share of outliers among the flagged rows; 0 if no row is flagged.
precision = partial(_of_flags, metrics.precision_score, "Precision")
#: Share of the outliers that are flagged.
recall = partial(_of_flags, metrics.recall_score, "Recall")
#: Harmonic mean of precision and recall.
f1 = partial(_of_flags, metrics.f1_score, "F1")


def accuracy(y_true, y_pred, *, pos_label=-1, sample_weight=None):
    """Share of the rows that are labelled correctly."""
    truth, flagged = truth_and_flags(y_true, y_pred, pos_label)
    return metrics.accuracy_score(truth, flagged, sample_weight=sample_weight)


def roc_auc(y_true, score_samples, *, pos_label=-1, sample_weight=None):
    """Probability that an outlier scores lower than an inlier."""
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "ROC AUC")
    require_inliers(truth, "ROC AUC")
    return metrics.roc_auc_score(truth, anomaly, sample_weight=sample_weight)


def average_precision(y_true, score_samples, *, pos_label=-1, sample_weight=None):
    """Mean of the precisions at the ranks of the outliers."""
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    require_outliers(truth, "Average precision")
    return metrics.average_precision_score(truth, anomaly, sample_weight=sample_weight)


@validate_params(
    {
        "y_true": ["array-like"],
        "score_samples": ["array-like"],
        "n": [Interval(Integral, 1, None, closed="left"), None],
        "pos_label": POS_LABEL,
    },
    prefer_skip_nested_validation=True,
)
def precision_at_n_score(y_true, score_samples, *, n=None, pos_label=-1):
    """Share of outliers among the `n` rows that score lowest.

    It answers "if I look at the n most unusual rows, how many of them are outliers?".
    The detector's threshold plays no part.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    score_samples : array-like of shape (n_samples,)
        What `score_samples` or `decision_function` of a detector returns: **higher is
        more normal**. Anomaly scores, which are higher for outliers, must be negated.
    n : int or None, default=None
        Number of rows looked at. None takes the number of outliers in `y_true`, at
        which precision equals recall.
    pos_label : {-1, 1}, default=-1
        The label of outliers: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1]. Rows that tie for the last ranks count with their share of outliers:
        the mean over all orders of the tied rows.

    Raises
    ------
    ValueError
        If the labels have another coding, if `n` is greater than the number of rows, or
        if `n` is None and there is no outlier.

    Examples
    --------
    >>> from sklearn_deepod.metrics import precision_at_n_score
    >>> y_true = [1, 1, 1, -1, -1]
    >>> precision_at_n_score(y_true, [0.9, 0.8, 0.3, 0.2, 0.7])
    0.5
    >>> precision_at_n_score(y_true, [0.9, 0.8, 0.3, 0.2, 0.7], n=1)
    1.0
    """
    truth, anomaly = truth_and_anomaly_scores(y_true, score_samples, pos_label)
    if n is None:
        require_outliers(truth, "Precision at n with n=None")
        n = int(truth.sum())
    if n > len(truth):
        raise ValueError(f"n={n} is more than the {len(truth)} rows there are.")
    last = -np.partition(-anomaly, n - 1)[n - 1]
    above, tied = anomaly > last, anomaly == last
    found = truth[above].sum() + (n - above.sum()) * truth[tied].mean()
    return float(found / n)


@documented_like(precision_at_n_score)
@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "per": [Interval(Real, 0, None, closed="neither")],
        "pos_label": POS_LABEL,
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def false_alarm_rate(y_true, y_pred, *, per=1000, pos_label=-1, sample_weight=None):
    """Number of inliers that are flagged, per `per` rows.

    Unlike the false positive rate, it is relative to all rows and not to the inliers:
    it counts the alarms that somebody has to look at.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Parameters
    ----------
    y_pred : array-like of shape (n_samples,)
        What `predict` of a detector returns: +1 for inliers, -1 for outliers, whatever
        the coding of `y_true`.
    per : float, default=1000
        Number of rows to which the alarms are scaled. With the number of rows that
        arrive in a day, 1440 for one a minute, the result is false alarms per day.
    sample_weight : array-like of shape (n_samples,), default=None
        A row of weight 2 counts as two rows.

    Returns
    -------
    float
        In [0, `per`]; lower is better.

    Raises
    ------
    ValueError
        If the labels or the predictions have another coding.

    Examples
    --------
    >>> from sklearn_deepod.metrics import false_alarm_rate
    >>> y_true, y_pred = [1, 1, 1, -1, -1], [1, 1, -1, -1, 1]
    >>> false_alarm_rate(y_true, y_pred)
    200.0
    >>> false_alarm_rate(y_true, y_pred, per=24)  # hourly rows: per day
    4.8
    """
    truth, flagged = truth_and_flags(y_true, y_pred, pos_label)
    weight = _check_sample_weight(sample_weight, truth, dtype=np.float64)
    return float(per * weight[flagged & ~truth].sum() / weight.sum())
