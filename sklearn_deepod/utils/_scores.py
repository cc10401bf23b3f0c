"""Scores of detectors, one finite number for each row."""

import numpy as np

from sklearn_deepod.utils._sklearn_compat import _num_samples

#: Stands for scores that are not finite.
HIGHEST = np.finfo(np.float64).max


def finite_scores(scores):
    """Scores without NaN and infinities, in an order that stays the same.

    A score that is no number says that the detector cannot place the row, which is as
    anomalous as can be.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Scores; higher is more normal.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN and minus infinity are the lowest finite number, infinity is the highest.
    """
    return np.nan_to_num(scores, nan=-HIGHEST, posinf=HIGHEST, neginf=-HIGHEST)


def scores_of(detector, X):
    """Finite scores of rows by a fitted detector.

    Parameters
    ----------
    detector : estimator
        Any fitted outlier detector with scikit-learn's interface.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to score.

    Returns
    -------
    ndarray of shape (n_samples,)
        See `finite_scores`.

    Raises
    ------
    ValueError
        If the detector does not give one number for each row.
    """
    scores = np.asarray(detector.score_samples(X), dtype=np.float64)
    check_one_for_each_row(detector, "score_samples", scores, _num_samples(X))
    return finite_scores(scores)


def check_one_for_each_row(detector, method, values, n_samples):
    """Raise unless a method of a detector gave one value for each row.

    Parameters
    ----------
    detector : estimator
        The detector.
    method : str
        Name of its method.
    values : ndarray
        What the method gave.
    n_samples : int
        Number of the rows that it was given.

    Raises
    ------
    ValueError
        If the shape is not ``(n_samples,)``.
    """
    if values.shape != (n_samples,):
        raise ValueError(
            f"{method} of {detector!r} gave an array of shape {values.shape} for "
            f"{n_samples} rows; an outlier detector gives one value for each row, an "
            f"array of shape ({n_samples},)."
        )
