"""What is written of each row: score, decision, label."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.utils._meta import check_scores_new_rows
from sklearn_deepod.utils._scores import N_PROBES, check_fixed_scores, scores_of
from sklearn_deepod.utils._sklearn_compat import _safe_indexing

METHODS = ("score_samples", "decision_function", "predict")
#: Names of the columns of results, and their types.
RESULTS = {"score": np.float64, "decision": np.float64, "label": np.int8}


def check_fitted_detector(detector):
    """Raise unless a detector is fitted and scores new rows.

    Parameters
    ----------
    detector : estimator
        Any outlier detector with scikit-learn's interface.
    """
    check_scores_new_rows(detector)
    check_is_fitted(detector)


def check_scores_rows_alone(detector, X):
    """Raise where the score of a row depends on the rows beside it.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector.
    X : {ndarray, data frame} of shape (n_samples, n_features)
        Rows of the first batch.
    """
    X = _as_fitted(detector, _safe_indexing(X, np.arange(min(len(X), N_PROBES + 1))))
    check_fixed_scores(
        detector,
        X,
        scores_of(detector, X),
        why="They depend on the rows beside a row, so they are not to be had batch by "
        "batch. Score the whole table at once.",
        rtol=1e-4,  # float32 may round by the number of rows
    )


def check_no_result_names(names):
    """Raise where columns have the names of results.

    Parameters
    ----------
    names : list of str
        Columns that are to stand beside the results.
    """
    taken = [name for name in names if name in RESULTS]
    if taken:
        raise ValueError(
            f"The column(s) {taken} have the names of results. Rename them first."
        )


def _as_fitted(detector, X):
    """Rows as a frame if the detector knows names of features, else as an array."""
    is_named = hasattr(detector, "feature_names_in_")
    return X.to_numpy() if hasattr(X, "iloc") and not is_named else X


def results(detector, X):
    """Score rows once, and derive decisions and labels where the detector allows it.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector; a pipeline may lead to it.
    X : {ndarray, data frame} of shape (n_samples, n_features)
        Rows; may be none.

    Returns
    -------
    dict of str to ndarray of shape (n_samples,)
        See `RESULTS`.
    """
    if len(X) == 0:
        return {name: np.empty(0, dtype) for name, dtype in RESULTS.items()}
    X = _as_fitted(detector, X)
    scores = scores_of(detector, X)
    last = detector.steps[-1][1] if hasattr(detector, "steps") else detector
    if hasattr(last, "offset_"):
        decisions = scores - last.offset_
    else:
        decisions = np.asarray(detector.decision_function(X), dtype=np.float64)
    labels = np.where(decisions < 0, -1, 1).astype(RESULTS["label"])
    return {"score": scores, "decision": decisions, "label": labels}


def one_result(detector, X, method):
    """Call one method of a detector on rows, of which there may be none.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector.
    X : {ndarray, data frame} of shape (n_samples, n_features)
        Rows.
    method : {"score_samples", "decision_function", "predict"}
        The method.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if len(X) == 0:
        return np.empty(0, dtype=np.int64 if method == "predict" else np.float64)
    X = _as_fitted(detector, X)
    if method == "score_samples":
        return scores_of(detector, X)
    return np.asarray(getattr(detector, method)(X))
