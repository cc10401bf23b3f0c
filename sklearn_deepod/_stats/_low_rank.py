"""Covariances of low rank, shrunk and optionally trimmed."""

import numpy as np
import torch
from scipy.linalg import eigh, solve_triangular

from sklearn_deepod._determinism import one_blas_thread
from sklearn_deepod._stats._concentration import closest_rows

# Share of the largest eigenvalue below which another one is a rounding error.
_ROUNDING = 1e-10


def fit_low_rank(features, sample_weight, *, shrinkage, support_fraction, rank):
    """Approximate the covariance by some directions and one variance for all others.

    The eigenvalues of the covariance of `fit_whitening` beyond the largest `rank` are
    replaced by their mean. Everything is computed from the inner products of the rows,
    since there are fewer rows than features.

    Parameters
    ----------
    features, sample_weight, shrinkage, support_fraction
        As in `fit_whitening`.
    rank : int
        Number of directions.

    Returns
    -------
    dict of str to torch.Tensor
        ``mean`` (n_members, 1, n_columns), ``directions`` (n_members, n_columns, rank),
        the ``deviation`` along each (n_members, 1, rank), and that along all others,
        ``rest`` (n_members, 1, 1). Directions beyond the rank of the rows are 0.
    """
    features = features.double().numpy()
    # Subtracted first, as it is close to any mean, which reduces rounding errors.
    center = features.mean(axis=1, keepdims=True)
    centred = features - center
    n_columns = features.shape[2]
    with one_blas_thread():
        products = centred @ centred.swapaxes(1, 2)
        if not np.isfinite(products).all():
            # Scores that are not finite raise an error with the remedy in the base.
            products[:] = 1.0
            center[:] = np.nan

        def distances(kept):
            members = [_Rows(product, kept, sample_weight) for product in products]
            return np.stack(
                [_distances(rows, shrinkage, n_columns) for rows in members]
            )

        kept = closest_rows(distances, sample_weight, support_fraction)
        parts = []
        for product, member in zip(products, centred, strict=True):
            rows = _Rows(product, kept, sample_weight)
            parts.append(_decomposed(rows, member, shrinkage, rank))
    mean, directions, deviation, rest = (
        torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True)
    )
    mean = mean + torch.from_numpy(center)
    names = "mean", "directions", "deviation", "rest"
    return dict(zip(names, (mean, directions, deviation, rest), strict=True))


class _Rows:
    """Inner products of all rows after subtracting the mean of those `kept`."""

    def __init__(self, products, kept, sample_weight):
        self.kept = kept
        self.share = np.zeros(len(products))
        self.share[kept] = sample_weight[kept] / sample_weight[kept].sum()
        with_mean = products @ self.share
        self.products = products - with_mean - with_mean[:, None]
        self.products += self.share @ with_mean
        root = np.sqrt(self.share[kept])
        # It has the same non-zero eigenvalues as the covariance.
        self.gram = root[:, None] * self.products[np.ix_(kept, kept)] * root
        self.root = root

    def added(self, shrinkage, n_columns):
        """Constant that the shrinkage adds to each eigenvalue."""
        return shrinkage * np.trace(self.gram) / n_columns + 1e-12


def _distances(rows, shrinkage, n_columns):
    """Exact Mahalanobis distances of all rows, by the Woodbury identity."""
    added = rows.added(shrinkage, n_columns)
    factor = np.linalg.cholesky(rows.gram + added * np.eye(len(rows.gram)))
    along = solve_triangular(
        factor, rows.root[:, None] * rows.products[rows.kept], lower=True
    )
    squares = np.diagonal(rows.products) - np.square(along).sum(axis=0)
    return np.sqrt(np.maximum(squares, 0.0) / added)


def _decomposed(rows, centred, shrinkage, rank):
    """Mean, directions, deviations along them and along all others of one member."""
    n_kept, n_columns = len(rows.kept), centred.shape[1]
    n_found = min(rank, n_kept)
    values, vectors = eigh(rows.gram, subset_by_index=(n_kept - n_found, n_kept - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    real = values > _ROUNDING * max(values[0], 1e-12)
    values, vectors = values[real], vectors[:, real]
    added = rows.added(shrinkage, n_columns)
    mean = rows.share @ centred
    directions = np.zeros((n_columns, rank))
    combinations = rows.root[:, None] * vectors / np.sqrt(values)
    directions[:, : len(values)] = (centred[rows.kept] - mean).T @ combinations
    deviation = np.ones((1, rank))
    deviation[0, : len(values)] = np.sqrt(values + added)
    left = max(0.0, np.trace(rows.gram) - values.sum()) / max(1, n_columns - rank)
    return mean[None], directions, deviation, np.full((1, 1), np.sqrt(left + added))
