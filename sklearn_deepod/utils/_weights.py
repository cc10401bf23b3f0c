"""Validate sample weights."""

import numpy as np

from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._sklearn_compat import _check_sample_weight

# Sums of weights that leave room for products with squares of values.
_SMALLEST_SUM, _LARGEST_SUM = 1e-100, 1e100


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
        If weights are negative, all zero, not as many as the rows, or so large or
        small that sums of them leave the range of floats.
    """
    if sample_weight is None:
        return None
    with naming("sample_weight"):
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    if not weight.any():
        raise ValueError(
            "All sample weights are zero. Give some row a positive weight."
        )
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not _SMALLEST_SUM <= total <= _LARGEST_SUM:
        raise ValueError(
            f"The sum of sample_weight is {total:.3g}, beyond what can be computed "
            f"with ({_SMALLEST_SUM:g} to {_LARGEST_SUM:g}). Scale the weights, where 1 "
            "means that a row counts once."
        )
    return weight
