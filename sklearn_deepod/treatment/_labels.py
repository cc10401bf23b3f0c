"""Labels that a detector gives."""

import numpy as np

from sklearn_deepod.utils._scores import check_one_for_each_row
from sklearn_deepod.utils._sklearn_compat import _num_samples


def outliers(detector, X):
    """Whether a fitted detector labels rows as outliers; see `is_outlier`."""
    return is_outlier(detector, detector.predict(X), _num_samples(X))


def is_outlier(detector, labels, n_samples):
    """Whether rows are outliers by a detector's labels.

    Parameters
    ----------
    detector : estimator
        The detector, for the error.
    labels : array-like of shape (n_samples,)
        What its `predict` or `fit_predict` gave.
    n_samples : int
        Number of the rows that it was given.

    Returns
    -------
    ndarray of bool of shape (n_samples,)

    Raises
    ------
    ValueError
        If there is not one label of 1 or -1 for each row.
    """
    labels = np.asarray(labels)
    check_one_for_each_row(detector, "predict", labels, n_samples)
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError(
            f"The labels of {detector!r} are {np.unique(labels)[:5]}; an outlier "
            "detector with scikit-learn's interface gives 1 for inliers and -1 for "
            "outliers."
        )
    return labels == -1
