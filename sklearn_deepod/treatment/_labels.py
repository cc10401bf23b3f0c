"""Labels of a detector."""

import numpy as np

from sklearn_deepod.utils._scores import check_one_for_each_row
from sklearn_deepod.utils._sklearn_compat import _num_samples


def outliers(detector, X):
    """Label rows by a fitted detector; True for outliers. See `is_outlier`."""
    return is_outlier(detector, detector.predict(X), _num_samples(X))


def is_outlier(detector, labels, n_samples):
    """Validate the labels of a detector, and convert them; True for outliers.

    Parameters
    ----------
    detector : estimator
        The detector, for the error.
    labels : array-like of shape (n_samples,)
        What its `predict` or `fit_predict` returned.
    n_samples : int
        Number of rows that it was given.

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
            f"The labels of {detector!r} are {np.unique(labels)[:5]}. An outlier "
            "detector must label inliers as 1 and outliers as -1, as scikit-learn's do."
        )
    return labels == -1
