"""Cross-validated scores of the training rows."""

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import indexable

from sklearn_deepod.utils._scores import scores_of
from sklearn_deepod.utils._sklearn_compat import (
    _check_method_params,
    _num_samples,
    _safe_indexing,
)


def checked_folds(cv, X, y):
    """Split the rows into folds, each row in exactly one test fold.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        The splitting strategy. An int is the number of folds; rows are not shuffled.
    X, y : {array-like, sparse matrix}, and array-like or None
        Training rows and their labels.

    Returns
    -------
    list of tuple of ndarray
        Positions of the training rows and of the test rows.

    Raises
    ------
    ValueError
        If a row is in no test fold, or in several.
    """
    folds = list(check_cv(cv).split(X, y))
    rows = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(rows), np.arange(_num_samples(X))):
        raise ValueError(
            f"cv must give each row to exactly one test fold, as KFold does; {cv!r} "
            "does not."
        )
    return folds


def out_of_fold_scores(fit, X, y, params, *, cv, n_jobs=None):
    """Score each training row by a detector that was fitted without it.

    Parameters
    ----------
    fit : callable
        ``fit(X, y, **params)`` returns a fitted detector.
    X, y, params : {array-like, sparse matrix}, array-like or None, and dict
        Training rows, their labels, and further arguments of `fit`. Arguments that have
        one entry for each row are indexed along with the rows.
    cv : int, cross-validation generator or iterable
        The splitting strategy. An int is the number of folds; rows are not shuffled.
    n_jobs : int or None, default=None
        Number of folds fitted in parallel.

    Returns
    -------
    ndarray of shape (n_samples,)
        Scores, higher is more normal.
    """
    X, y = indexable(X, y)
    folds = checked_folds(cv, X, y)

    def scores_of_fold(train, test):
        labels = None if y is None else _safe_indexing(y, train)
        given = _check_method_params(X, params, train)
        detector = fit(_safe_indexing(X, train), labels, **given)
        return scores_of(detector, _safe_indexing(X, test))

    parts = Parallel(n_jobs=n_jobs)(delayed(scores_of_fold)(*fold) for fold in folds)
    scores = np.empty(_num_samples(X))
    scores[np.concatenate([test for _, test in folds])] = np.concatenate(parts)
    return scores
