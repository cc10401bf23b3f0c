"""Validate the scores of a detector: one finite number for each row."""

import numpy as np

from sklearn_deepod.utils._sklearn_compat import _num_samples, _safe_indexing

#: Replaces infinite scores.
HIGHEST = np.finfo(np.float64).max
# Number of rows that are scored again, to test whether scores are fixed.
N_PROBES = 64


def finite_scores(scores):
    """Replace scores that are not finite, and keep the order of the scores.

    NaN means that the detector could not score the row, which counts as most anomalous.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Scores; higher is more normal.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN and minus infinity become the lowest finite number, infinity the highest.
    """
    return np.nan_to_num(scores, nan=-HIGHEST, posinf=HIGHEST, neginf=-HIGHEST)


def scores_of(detector, X):
    """Score rows by a fitted detector, and validate the scores.

    Parameters
    ----------
    detector : estimator
        Any fitted outlier detector with scikit-learn's interface.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to score.

    Returns
    -------
    ndarray of shape (n_samples,)
        Finite scores; see `finite_scores`.

    Raises
    ------
    ValueError
        If the detector does not return one number for each row.
    """
    scores = np.asarray(detector.score_samples(X), dtype=np.float64)
    check_one_for_each_row(detector, "score_samples", scores, _num_samples(X))
    return finite_scores(scores)


def check_one_for_each_row(detector, method, values, n_samples):
    """Raise unless a method of a detector returned one value for each row.

    Parameters
    ----------
    detector : estimator
        The detector.
    method : str
        Name of its method.
    values : ndarray
        What the method returned.
    n_samples : int
        Number of rows that it was given.

    Raises
    ------
    ValueError
        If the shape is not ``(n_samples,)``.
    """
    if values.shape != (n_samples,):
        raise ValueError(
            f"{method} of {detector!r} returned an array of shape {values.shape} for "
            f"{n_samples} rows. It must return one value for each row, an array of "
            f"shape ({n_samples},)."
        )


def check_fixed_scores(detector, rows, scores, *, why, rtol=1e-6):
    """Raise if the score of a row depends on other rows, or on the call.

    Parameters
    ----------
    detector : estimator
        The fitted detector.
    rows : {array-like, sparse matrix} of shape (n_rows, n_features)
        Rows that the detector has scored.
    scores : ndarray of shape (n_rows,)
        Their scores.
    why : str
        Why they must be fixed, and what to do, for the message.
    rtol : float, default=1e-6
        Largest difference relative to the score. A millionth of the range of the scores
        is allowed in any case.

    Raises
    ------
    ValueError
        If a subset of the rows in reverse order gets other scores.
    """
    probes = np.arange(max(1, min(N_PROBES, len(scores) - 1)))[::-1]
    again = scores_of(detector, _safe_indexing(rows, probes))
    usual = scores[np.abs(scores) < HIGHEST]
    atol = 1e-6 * np.ptp(usual) if len(usual) else 0.0
    if not np.allclose(again, scores[probes], rtol=rtol, atol=atol):
        raise ValueError(
            f"{detector!r} gave some rows other scores in a second call with fewer "
            f"rows. {why}"
        )
