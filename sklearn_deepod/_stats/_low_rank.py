"""The largest directions of a shrunk, optionally trimmed covariance."""

import numpy as np
import torch
from scipy.linalg import eigh, solve_triangular

from sklearn_deepod._determinism import one_blas_thread
from sklearn_deepod._stats._weighted import lowest_share

# Share of the largest eigenvalue below which another one is nothing but rounding.
_ROUNDING = 1e-10


def fit_low_rank(
    features, sample_weight, *, shrinkage, support_fraction, rank, n_steps
):
    """Covariance as some directions and one variance for all others.

    It is that of `fit_whitening`, with the mean of the eigenvalues beyond the largest
    `rank` in place of each of them. Everything is computed from the products of rows
    with rows, since there are fewer rows than features.

    Parameters
    ----------
    features : torch.Tensor of shape (n_members, n_samples, n_columns)
        Features of the training rows, on the CPU.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    shrinkage : float
        Added to the diagonal, as a share of the mean eigenvalue.
    support_fraction : float
        Share of the weight that the covariance is computed from.
    rank : int
        Number of directions.
    n_steps : int
        Number of concentration steps, where `support_fraction` is below 1.

    Returns
    -------
    dict of str to torch.Tensor
        ``mean`` (n_members, 1, n_columns), ``directions`` (n_members, n_columns, rank),
        the ``deviation`` along each (n_members, 1, rank), and that along all others,
        ``rest`` (n_members, 1, 1). Directions that the rows do not have are 0.
    """
    features = features.double().numpy()
    # Close to the mean of any of the rows: less is lost where this is taken off.
    middle = features.mean(axis=1, keepdims=True)
    centred = features - middle
    with one_blas_thread():
        products = centred @ centred.swapaxes(1, 2)
        if not np.isfinite(products).all():
            # Scores that are not finite make the base say what to do.
            products[:] = 1.0
            middle[:] = np.nan
        kept = _closest(
            products,
            sample_weight,
            shrinkage,
            support_fraction,
            features.shape[2],
            n_steps,
        )
        parts = []
        for product, member in zip(products, centred, strict=True):
            rows = _Rows(product, kept, sample_weight)
            parts.append(_rows_for_statistics(rows, member, shrinkage, rank))
    mean, directions, deviation, rest = (
        torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True)
    )
    mean = mean + torch.from_numpy(middle)
    names = "mean", "directions", "deviation", "rest"
    return dict(zip(names, (mean, directions, deviation, rest), strict=True))


def _closest(products, sample_weight, shrinkage, support_fraction, n_columns, n_steps):
    """Indices of the rows that the concentration steps keep."""
    kept = np.arange(len(sample_weight))
    for _ in range(n_steps if support_fraction < 1.0 else 0):
        distances = [
            _distances(_Rows(p, kept, sample_weight), shrinkage, n_columns)
            for p in products
        ]
        middles = [np.median(d) or 1.0 for d in distances]
        total = sum(d / m for d, m in zip(distances, middles, strict=True))
        kept = lowest_share(total, sample_weight, support_fraction)
    return kept


class _Rows:
    """Products of rows around the mean of those that are kept."""

    def __init__(self, products, kept, sample_weight):
        self.kept = kept
        self.share = np.zeros(len(products))
        self.share[kept] = sample_weight[kept] / sample_weight[kept].sum()
        with_mean = products @ self.share
        self.products = products - with_mean - with_mean[:, None]
        self.products += self.share @ with_mean
        root = np.sqrt(self.share[kept])
        # Their non-zero eigenvalues are those of the covariance.
        self.gram = root[:, None] * self.products[np.ix_(kept, kept)] * root
        self.root = root

    def added(self, shrinkage, n_columns):
        """What is added to each eigenvalue."""
        return shrinkage * np.trace(self.gram) / n_columns + 1e-12


def _distances(rows, shrinkage, n_columns):
    """Mahalanobis distances of all rows, exact, by Woodbury's identity."""
    added = rows.added(shrinkage, n_columns)
    factor = np.linalg.cholesky(rows.gram + added * np.eye(len(rows.gram)))
    along = solve_triangular(
        factor, rows.root[:, None] * rows.products[rows.kept], lower=True
    )
    squares = np.diagonal(rows.products) - np.square(along).sum(axis=0)
    return np.sqrt(np.maximum(squares, 0.0) / added)


def _rows_for_statistics(rows, centred, shrinkage, rank):
    """Mean, directions, deviation along each and along all others, of one member."""
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
