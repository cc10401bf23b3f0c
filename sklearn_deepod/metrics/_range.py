"""Precision and recall of ranges in a series."""

from numbers import Real

import numpy as np

from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    require_outliers,
    runs,
    truth_and_flags,
)
from sklearn_deepod.utils._sklearn_compat import Interval, StrOptions, validate_params

_BIASES = {
    "flat": lambda n: np.ones(n),
    "front": lambda n: np.arange(n, 0.0, -1.0),
    "middle": lambda n: np.minimum(np.arange(1.0, n + 1), np.arange(n, 0.0, -1.0)),
    "back": lambda n: np.arange(1.0, n + 1),
}
_RANGE_CONSTRAINTS = {
    "y_true": ["array-like"],
    "y_pred": ["array-like"],
    "bias": [StrOptions(set(_BIASES))],
    "cardinality": [StrOptions({"one", "reciprocal"})],
    "pos_label": POS_LABEL,
}
_WEIGHT = [Interval(Real, 0, 1, closed="both")]


@validate_params(_RANGE_CONSTRAINTS, prefer_skip_nested_validation=True)
def range_precision_score(
    y_true, y_pred, *, bias="flat", cardinality="reciprocal", pos_label=-1
):
    """Precision of flagged ranges in a series.

    A flagged range, a run of time stamps that `predict` gives -1, is right in so far as
    events cover it; the score is the mean over the flagged ranges.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; neighbouring outliers are one event.
    y_pred : array-like of shape (n_timestamps,)
        What `predict` of a detector gives: +1 for inliers, -1 for outliers, whatever
        the coding of `y_true`.
    bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of a flagged range counts most: all alike, or with weights that
        fall, rise and fall, or rise by the same amount with every time stamp.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        What it costs if a flagged range covers several events: "reciprocal" divides by
        their number, "one" asks nothing.
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y_true`: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1]; 0 if nothing is flagged.

    Raises
    ------
    ValueError
        If the labels or the predictions are coded otherwise, or if there is no event.

    See Also
    --------
    range_recall_score : The same of the events.
    range_fbeta_score : Both in one number.

    Notes
    -----
    With ranges and events of one time stamp each it is the classic precision.

    References
    ----------
    N. Tatbul, T. J. Lee, S. Zdonik, M. Alam, J. Gottschlich (2018). Precision and
    Recall for Time Series. NeurIPS.

    Examples
    --------
    >>> from sklearn_deepod.metrics import range_precision_score
    >>> y_true = [1, -1, -1, 1, 1, 1, 1]
    >>> y_pred = [1, 1, -1, -1, 1, -1, 1]
    >>> range_precision_score(y_true, y_pred)  # mean of 1/2 and 0
    0.25
    """
    truth, flagged = truth_and_flags(y_true, y_pred, pos_label)
    require_outliers(truth, "Range-based precision")
    if not flagged.any():
        return 0.0
    return _mean_cover(flagged, truth, bias, cardinality)


@validate_params(
    {**_RANGE_CONSTRAINTS, "existence_weight": _WEIGHT},
    prefer_skip_nested_validation=True,
)
def range_recall_score(
    y_true,
    y_pred,
    *,
    existence_weight=0.0,
    bias="flat",
    cardinality="reciprocal",
    pos_label=-1,
):
    """Recall of events in a series.

    An event, a run of outliers, is found in so far as flagged time stamps cover it; the
    score is the mean over the events, so that a long event counts no more than a short
    one.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; neighbouring outliers are one event.
    y_pred : array-like of shape (n_timestamps,)
        What `predict` of a detector gives: +1 for inliers, -1 for outliers, whatever
        the coding of `y_true`.
    existence_weight : float, default=0.0
        The paper's alpha in [0, 1]: the share of the score given for an event of which
        any time stamp is flagged. With 1 it is the share of events that are found.
    bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of an event counts most: all alike, or with weights that fall, rise
        and fall, or rise by the same amount with every time stamp. "front" rewards an
        early alarm.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        What it costs if an event is covered in pieces: "reciprocal" divides by the
        number of flagged ranges that touch it, "one" asks nothing.
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y_true`: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the labels or the predictions are coded otherwise, or if there is no event.

    See Also
    --------
    range_precision_score : The same of the flagged ranges.
    range_fbeta_score : Both in one number.

    Notes
    -----
    With ranges and events of one time stamp each it is the classic recall.

    References
    ----------
    N. Tatbul, T. J. Lee, S. Zdonik, M. Alam, J. Gottschlich (2018). Precision and
    Recall for Time Series. NeurIPS.

    Examples
    --------
    >>> from sklearn_deepod.metrics import range_recall_score
    >>> y_true = [1, -1, -1, -1, -1, 1, 1]
    >>> y_pred = [1, -1, 1, -1, -1, 1, 1]
    >>> range_recall_score(y_true, y_pred)  # 3/4, in two pieces
    0.375
    >>> range_recall_score(y_true, y_pred, cardinality="one", bias="front")
    0.7
    >>> range_recall_score(y_true, y_pred, existence_weight=1.0)
    1.0
    """
    truth, flagged = truth_and_flags(y_true, y_pred, pos_label)
    require_outliers(truth, "Range-based recall")
    cover = _mean_cover(truth, flagged, bias, cardinality)
    exists = np.mean([flagged[start:stop].any() for start, stop in runs(truth)])
    return float(existence_weight * exists + (1 - existence_weight) * cover)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "existence_weight": _WEIGHT,
        "recall_bias": _RANGE_CONSTRAINTS["bias"],
        "precision_bias": _RANGE_CONSTRAINTS["bias"],
        "cardinality": _RANGE_CONSTRAINTS["cardinality"],
        "pos_label": POS_LABEL,
    },
    prefer_skip_nested_validation=True,
)
def range_fbeta_score(
    y_true,
    y_pred,
    *,
    beta=1.0,
    existence_weight=0.0,
    recall_bias="flat",
    precision_bias="flat",
    cardinality="reciprocal",
    pos_label=-1,
):
    """F-beta of range-based precision and recall.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; neighbouring outliers are one event.
    y_pred : array-like of shape (n_timestamps,)
        What `predict` of a detector gives: +1 for inliers, -1 for outliers, whatever
        the coding of `y_true`.
    beta : float, default=1.0
        How many times as much recall counts as precision.
    existence_weight : float, default=0.0
        Share of the recall given for an event of which any time stamp is flagged.
    recall_bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of an event counts most.
    precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of a flagged range counts most.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        Whether what is covered in pieces is divided by their number.
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y_true`: -1 if inliers are +1, 1 if inliers are 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the labels or the predictions are coded otherwise, or if there is no event.

    See Also
    --------
    range_precision_score, range_recall_score : The two parts.

    References
    ----------
    N. Tatbul, T. J. Lee, S. Zdonik, M. Alam, J. Gottschlich (2018). Precision and
    Recall for Time Series. NeurIPS.

    Examples
    --------
    >>> from sklearn_deepod.metrics import range_fbeta_score
    >>> y_true = [1, -1, -1, 1, 1, 1]
    >>> y_pred = [1, 1, -1, -1, 1, 1]
    >>> range_fbeta_score(y_true, y_pred)
    0.5
    """
    shared = {"cardinality": cardinality, "pos_label": pos_label}
    precision = range_precision_score(y_true, y_pred, bias=precision_bias, **shared)
    recall = range_recall_score(
        y_true, y_pred, existence_weight=existence_weight, bias=recall_bias, **shared
    )
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def _mean_cover(of, by, bias, cardinality):
    """How far the runs of one mask are covered by another mask, in the mean."""
    covers = []
    for start, stop in runs(of):
        inside = by[start:stop]
        weight = _BIASES[bias](stop - start)
        cover = weight[inside].sum() / weight.sum()
        if cardinality == "reciprocal":
            cover /= max(1, len(runs(inside)))
        covers.append(cover)
    return float(np.mean(covers))
