"""Concentration steps of the minimum covariance determinant."""

import numpy as np

from sklearn_deepod._stats._weighted import lowest_share

# Number of steps.
_N_STEPS = 3


def closest_rows(distances, sample_weight, support_fraction):
    """Find the rows that a trimmed covariance is computed from.

    Each step keeps the rows that are closest under the covariance of the rows kept
    before (Rousseeuw and Van Driessen, 1999). The rows are the same for all members:
    their distances are added up, relative to each member's median.

    Parameters
    ----------
    distances : callable
        ``distances(kept)`` returns the distances (n_members, n_samples) of all rows
        under the covariance of those with the indices `kept`.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights of the rows.
    support_fraction : float
        Share of the weight to keep; 1 keeps all rows.

    Returns
    -------
    ndarray of int
        Increasing indices.
    """
    kept = np.arange(len(sample_weight))
    for _ in range(_N_STEPS if support_fraction < 1.0 else 0):
        found = distances(kept)
        median = np.median(found, axis=1, keepdims=True)
        median[median == 0] = 1.0
        total = (found / median).sum(axis=0)
        kept = lowest_share(total, sample_weight, support_fraction)
    return kept
