"""Validate sample weights."""

import numpy as np

from sklearn_deepod.utils._sklearn_compat import _check_sample_weight


def check_weights(sample_weight, X):
    """Check that weights fit the rows, and that some row has a positive one.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
        The weights; None is returned as it is.
    X : {array-like, sparse matrix} of shape (n_samples, ...)
        The rows.

    Returns
    -------
    ndarray of float64 of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If weights are negative, all zero, or not as many as the rows.
    """
    if sample_weight is None:
        return None
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError(
            "All sample weights are zero. Give some row a positive weight."
        )
    return weight
