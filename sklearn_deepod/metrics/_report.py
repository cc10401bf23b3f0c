"""A report of all measures of a detector."""

from numbers import Integral, Real

import numpy as np
from sklearn.metrics import confusion_matrix

from sklearn_deepod.metrics import _labelled
from sklearn_deepod.metrics._validation import (
    POS_LABEL,
    check_predicts,
    score_rows,
    truth_and_flags,
)
from sklearn_deepod.utils._sklearn_compat import HasMethods, Interval, validate_params


@validate_params(
    {
        "estimator": [HasMethods("fit")],
        "y": ["array-like"],
        "pos_label": POS_LABEL,
        "n": [Interval(Integral, 1, None, closed="left"), None],
        "rows_per_day": [Interval(Real, 0, None, closed="neither"), None],
        "digits": [Interval(Integral, 0, None, closed="left")],
        "output_dict": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def outlier_report(
    estimator,
    X,
    y,
    *,
    pos_label=-1,
    n=None,
    rows_per_day=None,
    digits=3,
    output_dict=False,
):
    """Report how well a fitted detector finds labelled outliers, as text or as a dict.

    Read more in the :ref:`User Guide <measures-with-labels>`.

    Parameters
    ----------
    estimator : estimator
        A fitted outlier detector with `predict`, and `score_samples` or
        `decision_function`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to evaluate it on.
    y : array-like of shape (n_samples,)
        True labels.
    pos_label : {-1, 1}, default=-1
        The label of outliers in `y`: -1 if inliers are +1, 1 if inliers are 0.
    n : int or None, default=None
        Number of rows for precision at n; None takes the number of outliers.
    rows_per_day : float or None, default=None
        Number of rows that arrive in a day; if given, the report has the false alarms
        per day.
    digits : int, default=3
        Number of decimal places in the text.
    output_dict : bool, default=False
        Whether to return a dict instead of a text.

    Returns
    -------
    str or dict
        The dict has the keys "n_samples", "n_outliers", "n_flagged", "outlier_share",
        "flagged_share", the counts "true_positives", "false_positives",
        "false_negatives" and "true_negatives" with outliers as the positive class,
        "accuracy", "precision", "recall", "f1", "roc_auc", "average_precision",
        "precision_at_n", "n", "false_alarms_per_1000_rows" and, if `rows_per_day` is
        given, "false_alarms_per_day". Measures that are undefined, because `y` has only
        inliers or only outliers, are NaN, and a dash in the text.

    Raises
    ------
    AttributeError
        If the detector cannot label or score rows.
    ValueError
        If the labels have another coding, or if `n` is greater than the number of rows.

    See Also
    --------
    get_outlier_scorer : The measures as scorers.
    sklearn.metrics.classification_report : The corresponding report of classifiers.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_deepod.metrics import outlier_report
    >>> X, y = make_blobs([190, 10], centers=[[0, 0], [3, 3]], random_state=0)
    >>> detector = IsolationForest(random_state=0).fit(X)
    >>> report = outlier_report(detector, X, y, pos_label=1, output_dict=True)
    >>> report["n_outliers"], report["recall"]
    (10, 1.0)
    """
    check_predicts(estimator)
    scores = score_rows(estimator, X)
    y_pred = estimator.predict(X)
    truth, flagged = truth_and_flags(y, y_pred, pos_label)
    (tn, fp), (fn, tp) = confusion_matrix(truth, flagged, labels=[False, True]).tolist()
    labels = np.where(truth, -1, 1)

    def measure(function, values, *, needs_inliers=False, **params):
        if not truth.any() or (needs_inliers and truth.all()):
            return float("nan")
        return float(function(labels, values, **params))

    n = n or int(truth.sum())
    report = {
        "n_samples": len(truth),
        "n_outliers": tp + fn,
        "n_flagged": tp + fp,
        "outlier_share": float(truth.mean()),
        "flagged_share": float(flagged.mean()),
        "true_positives": tp,
        "false_positives": fp,
        "false_negatives": fn,
        "true_negatives": tn,
        "accuracy": float(_labelled.accuracy(labels, y_pred)),
        "precision": measure(_labelled.precision, y_pred),
        "recall": measure(_labelled.recall, y_pred),
        "f1": measure(_labelled.f1, y_pred),
        "roc_auc": measure(_labelled.roc_auc, scores, needs_inliers=True),
        "average_precision": measure(_labelled.average_precision, scores),
        "precision_at_n": measure(_labelled.precision_at_n_score, scores, n=n),
        "n": n,
        "false_alarms_per_1000_rows": _labelled.false_alarm_rate(labels, y_pred),
    }
    if rows_per_day is not None:
        report["false_alarms_per_day"] = _labelled.false_alarm_rate(
            labels, y_pred, per=rows_per_day
        )
    return report if output_dict else _as_text(report, digits)


def _as_text(report, digits):
    def number(key):
        return "-" if np.isnan(report[key]) else f"{report[key]:,.{digits}f}"

    def count(key):
        return f"{report[key]:,}"

    chance = number("outlier_share")
    rows = [
        ("rows", count("n_samples"), ""),
        ("outliers", count("n_outliers"), f"{report['outlier_share']:.1%}"),
        ("flagged", count("n_flagged"), f"{report['flagged_share']:.1%}"),
        ("", "", ""),
        ("", "flagged", "not flagged"),
        ("outliers", count("true_positives"), count("false_negatives")),
        ("inliers", count("false_positives"), count("true_negatives")),
        ("", "", ""),
        ("precision", number("precision"), ""),
        ("recall", number("recall"), ""),
        ("F1", number("f1"), ""),
        ("accuracy", number("accuracy"), ""),
        ("", "", ""),
        ("", "", "by chance"),
        ("ROC AUC", number("roc_auc"), f"{0.5:.{digits}f}"),
        ("average precision", number("average_precision"), chance),
        (f"precision at {report['n']:,}", number("precision_at_n"), chance),
        ("", "", ""),
        ("false alarms per 1,000 rows", number("false_alarms_per_1000_rows"), ""),
    ]
    if "false_alarms_per_day" in report:
        rows.append(("false alarms per day", number("false_alarms_per_day"), ""))
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        f"{a:<{first}}  {b:>{second}}  {c:>{third}}".rstrip() for a, b, c in rows
    )
