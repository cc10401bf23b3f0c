"""Weights of the detectors of an ensemble."""

import warnings

import numpy as np
from scipy.stats import ConstantInputWarning, rankdata, spearmanr


def checked_weights(weights, dropped):
    """Validate the weights of the detectors that are not dropped.

    Parameters
    ----------
    weights : array-like of shape (n_detectors,), str or None
        The parameter of the ensemble; a string names a way to learn them.
    dropped : list of bool of length n_detectors
        Which detectors are dropped.

    Returns
    -------
    ndarray of shape (n_kept,) or str
        The weights, or the string.

    Raises
    ------
    ValueError
        If there is not one weight for each detector, or if weights are negative, not
        finite or all 0.
    """
    if isinstance(weights, str):
        return weights
    kept = ~np.array(dropped)
    if weights is None:
        return np.ones(kept.sum())
    array = np.asarray(weights, dtype=np.float64)
    valid = array.shape == kept.shape and np.isfinite(array).all()
    if not (valid and (array >= 0).all() and array[kept].any()):
        raise ValueError(
            f"weights must be {len(kept)} numbers, one for each detector, at least 0 "
            f"and not all 0; got {weights!r}."
        )
    return array[kept]


def agreement_weights(scores):
    """Compute the rank correlation of each detector with the mean rank of the others.

    Parameters
    ----------
    scores : ndarray of shape (n_detectors, n_samples)
        Scores of the training rows.

    Returns
    -------
    ndarray of shape (n_detectors,)
        Negative correlations become 0. If all are 0, or for a single detector, the
        weights are 1.
    """
    if len(scores) == 1:
        return np.ones(1)
    ranks = rankdata(scores, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # a weight of 0
        weights = [
            spearmanr(own, others).statistic
            for own, others in zip(scores, ranks.sum(axis=0) - ranks, strict=True)
        ]
    weights = np.maximum(np.nan_to_num(weights), 0.0)
    return weights if weights.any() else np.ones(len(scores))
