"""Precision and recall of ranges in a series."""

from numbers import Real

import numpy as np

from sklearn_deepod.metrics._labelled import false_alarm_rate
from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    require_outliers,
    runs,
    truth_and_flags,
)
from sklearn_deepod.utils._shared_docs import documented_like
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


@documented_like(false_alarm_rate)
@validate_params(_RANGE_CONSTRAINTS, prefer_skip_nested_validation=True)
def range_precision_score(
    y_true, y_pred, *, bias="flat", cardinality="reciprocal", pos_label=-1
):
    """Precision of flagged ranges in a series.

    A flagged range, which is a run of time stamps that `predict` labels -1, is credited
    with the fraction of it that events cover. The score is the mean over the flagged
    ranges. With ranges and events of one time stamp each it is the classic precision.

    Read more in the :ref:`User Guide <range-measures>`.

    Parameters
    ----------
    y_true : array-like of shape (n_timestamps,)
        True labels in the order of time; consecutive outliers are one event.
    y_pred : array-like of shape (n_timestamps,)
        What `predict` of a detector returns: +1 for inliers, -1 for outliers, whatever
        the coding of `y_true`.
    bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of a flagged range counts most: all time stamps alike, or with
        weights that fall, rise and fall, or rise linearly over the range.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        Factor for a flagged range that covers several events: "reciprocal" divides by
        their number, "one" applies no penalty.

    Returns
    -------
    float
        In [0, 1]; 0 if nothing is flagged.

    Raises
    ------
    ValueError
        If the labels or the predictions have another coding, or if there is no event.

    See Also
    --------
    range_recall_score : The same for the events.
    range_fbeta_score : Both in one number.

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


@documented_like(range_precision_score)
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

    An event, which is a run of outliers, is credited with the fraction of it that is
    flagged. The score is the mean over the events, so a long event counts no more than
    a short one. With ranges and events of one time stamp each it is the classic recall.

    Read more in the :ref:`User Guide <range-measures>`.

    Parameters
    ----------
    existence_weight : float, default=0.0
        The paper's alpha in [0, 1]: share of the score that is given for an event of
        which at least one time stamp is flagged. With 1 the score is the share of
        events that are found.
    bias : {"flat", "front", "middle", "back"}, default="flat"
        Which part of an event counts most: all time stamps alike, or with weights that
        fall, rise and fall, or rise linearly over the event. "front" rewards an early
        alarm.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        Factor for an event that is covered in pieces: "reciprocal" divides by the
        number of flagged ranges that touch it, "one" applies no penalty.

    Returns
    -------
    float
        In [0, 1].

    See Also
    --------
    range_precision_score : The same for the flagged ranges.
    range_fbeta_score : Both in one number.

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


@documented_like(range_recall_score)
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

    Read more in the :ref:`User Guide <range-measures>`.

    Parameters
    ----------
    beta : float, default=1.0
        How many times as much recall counts as precision.
    existence_weight : float, default=0.0
        Share of the recall given for an event of which any time stamp is flagged.
    recall_bias : {"flat", "front", "middle", "back"}, default="flat"
        `bias` of `range_recall_score`.
    precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        `bias` of `range_precision_score`.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        `cardinality` of both.

    See Also
    --------
    range_precision_score, range_recall_score : The two parts.

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
    """Mean share of a run of one mask that another mask covers."""
    covers = []
    for start, stop in runs(of):
        inside = by[start:stop]
        weight = _BIASES[bias](stop - start)
        cover = weight[inside].sum() / weight.sum()
        if cardinality == "reciprocal":
            cover /= max(1, len(runs(inside)))
        covers.append(cover)
    return float(np.mean(covers))
