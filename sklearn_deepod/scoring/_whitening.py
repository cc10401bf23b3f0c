"""Mahalanobis distances under a shrunk, optionally trimmed covariance."""

import numpy as np

from sklearn_deepod.utils import one_blas_thread

CONCENTRATION_STEPS = 3


@one_blas_thread()
def fit_whitening(features, sample_weight, *, ridge, keep=1.0):
    """Location and whitening matrix of several members' features.

    With `keep` below 1 the covariance is that of the share of rows closest to the
    centre, found by concentration steps (Rousseeuw and Van Driessen, 1999); the rows
    kept are common to all members.

    Parameters
    ----------
    features : ndarray of shape (n_members, n_samples, n_columns)
        Features of the training rows.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    ridge : float
        Added to the diagonal, as a share of the mean eigenvalue.
    keep : float, default=1.0
        Share of the weight that the covariance is computed from.

    Returns
    -------
    mean : ndarray of shape (n_members, n_columns)
    matrix : ndarray of shape (n_members, n_columns, n_columns)
        ``norm((features - mean) @ matrix)`` is the distance.
    """
    whitening = _whiten(features, sample_weight, ridge)
    for _ in range(CONCENTRATION_STEPS if keep < 1.0 else 0):
        distances = mahalanobis(features, *whitening)
        middle = np.median(distances, axis=1, keepdims=True)
        middle[middle == 0] = 1.0
        kept = lowest_share((distances / middle).sum(axis=0), sample_weight, keep)
        whitening = _whiten(features[:, kept], sample_weight[kept], ridge)
    return whitening


def mahalanobis(features, mean, matrix):
    """Distances of shape (n_members, n_samples); see `fit_whitening`."""
    return np.linalg.norm((features - mean[:, None]) @ matrix, axis=2)


def lowest_share(scores, sample_weight, share):
    """Increasing indices of the lowest scores that hold `share` of the weight."""
    order = np.argsort(scores, kind="stable")
    cumulated = np.cumsum(sample_weight[order])
    last = np.searchsorted(cumulated, share * cumulated[-1] * (1 - 1e-12))
    return np.sort(order[: last + 1])


def _whiten(features, weight, ridge):
    n_columns = features.shape[2]
    share = (weight / weight.sum()).astype(features.dtype)
    mean = share @ features
    centred = features - mean[:, None]
    covariance = np.swapaxes(centred, 1, 2) @ (centred * share[:, None])
    covariance = covariance.astype(np.float64)
    diagonal = np.einsum("mii->mi", covariance)
    # The floor keeps a network without any variation invertible.
    diagonal += ridge * diagonal.mean(axis=1, keepdims=True) + 1e-12
    # Only the inverse transpose of the Cholesky factor turns rows into white ones.
    factor = np.linalg.cholesky(covariance)
    eye = np.broadcast_to(np.eye(n_columns), factor.shape)
    matrix = np.swapaxes(np.linalg.solve(factor, eye), 1, 2)
    return mean, np.ascontiguousarray(matrix, dtype=features.dtype)
