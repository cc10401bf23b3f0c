"""Validate labels, predictions, scores and detectors."""

from numbers import Integral

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d

from sklearn_deepod.utils._sklearn_compat import Options

RANKING_METHODS = ("score_samples", "decision_function")
POS_LABEL = [Options(Integral, {-1, 1})]

_CODINGS = {
    -1: "+1 for inliers and -1 for outliers",
    1: "0 for inliers and 1 for outliers",
}


def outlier_mask(y_true, pos_label):
    """Mask of the outliers in labels with one of the two codings."""
    y_true = column_or_1d(y_true)
    found = np.unique(y_true).tolist()
    if not set(found) <= {pos_label, 1 if pos_label == -1 else 0}:
        message = f"pos_label={pos_label} means {_CODINGS[pos_label]}, but y_true holds"
        message += f" {', '.join(map(repr, found[:5]))}{', ...' * (len(found) > 5)}."
        if set(found) <= {-1, 0, 1} and not {-1, 0} <= set(found):
            message += (
                f" If that is {_CODINGS[-pos_label]}, pass pos_label={-pos_label}."
            )
        raise ValueError(message)
    return y_true == pos_label


def flagged_mask(y_pred):
    """Mask of the flagged rows in the labels that `predict` returns."""
    y_pred = column_or_1d(y_pred)
    found = np.unique(y_pred).tolist()
    if not set(found) <= {-1, 1}:
        raise ValueError(
            "y_pred must be what `predict` of an outlier detector returns, +1 for "
            "inliers and -1 for outliers, whatever the coding of y_true; it holds "
            f"{', '.join(map(repr, found[:5]))}."
        )
    return y_pred == -1


def truth_and_flags(y_true, y_pred, pos_label):
    """Masks of the true outliers and of the flagged rows."""
    check_consistent_length(y_true, y_pred)
    return outlier_mask(y_true, pos_label), flagged_mask(y_pred)


def truth_and_anomaly_scores(y_true, score_samples, pos_label):
    """Mask of the true outliers, and anomaly scores (higher is more anomalous)."""
    check_consistent_length(y_true, score_samples)
    return outlier_mask(y_true, pos_label), -finite_scores(score_samples)


def runs(mask):
    """Starts and stops of the runs of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def finite_scores(scores, name="score_samples"):
    """Scores as finite floats."""
    scores = column_or_1d(scores, dtype=np.float64)
    assert_all_finite(scores, input_name=name)
    return scores


def require_outliers(outliers, measure):
    """Refuse labels without an outlier."""
    _require(outliers.any(), "outlier", measure)


def require_inliers(outliers, measure):
    """Refuse labels without an inlier."""
    _require(not outliers.all(), "inlier", measure)


def _require(present, kind, measure):
    if not present:
        raise ValueError(
            f"{measure} is undefined: y_true holds no {kind}. In cross-validation, "
            "cv=StratifiedKFold() keeps the share of outliers equal in all folds."
        )


def ranking_method(detector):
    """Name of the method whose values are higher for more normal rows."""
    name = type(detector).__name__
    if hasattr(detector, "score_samples"):
        return "score_samples"
    if not hasattr(detector, "decision_function"):
        raise AttributeError(
            f"{name} has neither score_samples nor decision_function, so it cannot "
            "rank rows. Use a detector that scores new rows; LocalOutlierFactor does "
            "with novelty=True."
        )
    if not is_outlier_detector(detector):
        raise TypeError(
            f"{name} has a decision_function, but is not an outlier detector of "
            "scikit-learn's kind, so it is not known whether higher is more normal. "
            "Give it a score_samples method that is higher for more normal rows."
        )
    return "decision_function"


def check_predicts(detector):
    """Refuse a detector that cannot label new rows."""
    if not hasattr(detector, "predict"):
        raise AttributeError(
            f"{type(detector).__name__} has no predict, so it cannot label rows. Use "
            "a detector that labels new rows; LocalOutlierFactor does with "
            "novelty=True."
        )


def score_rows(detector, X):
    """Scores of rows by a fitted detector, higher is more normal."""
    method = ranking_method(detector)
    return finite_scores(
        getattr(detector, method)(X), name=f"{method}(X) of {type(detector).__name__}"
    )
