"""Mahalanobis distances under a shrunk, optionally trimmed covariance."""

import numpy as np
import torch
from scipy.linalg import solve_triangular
from torch import nn

from sklearn_deepod._determinism import BatchInvariantMatmul, one_blas_thread
from sklearn_deepod._stats._concentration import closest_rows
from sklearn_deepod._stats._low_rank import fit_low_rank

# Number of features beyond which the covariance has low rank, as the time to decompose
# it grows with the cube of that number.
LARGEST_EXACT = 384
# Its rank, and the maximum number of rows from which it is computed.
RANK = 128
MOST_ROWS = 512
# Number of terms of a sum that torch never splits among threads; it was measured for
# `BatchInvariantMatmul`.
MOST_TERMS = 256


def make_whitening(n_members, n_features):
    """Whitening of features, of low rank if there are many."""
    kind = Whitening if n_features <= LARGEST_EXACT else LowRankWhitening
    return kind(n_members, n_features)


class Whitening(nn.Module):
    """Mahalanobis distance of rows from the training rows, for each member.

    Parameters
    ----------
    n_members, n_features : int
        Number of members, and of features of each.
    """

    def __init__(self, n_members, n_features):
        super().__init__()
        #: Number of whitened features.
        self.n_outputs = n_features
        self.register_buffer("shift", torch.zeros(n_members, 1, n_features))
        self.register_buffer("matrix", torch.zeros(n_members, n_features, n_features))

    def fit(
        self, features, sample_weight, *, shrinkage, support_fraction=1.0, sizes=None
    ):
        """Estimate the covariance of training features.

        Parameters
        ----------
        features, sample_weight, support_fraction
            As in `fit_whitening`.
        shrinkage : float or torch.Tensor of shape (n_features,)
            Added to the diagonal, as a share of the mean eigenvalue; may differ between
            features.
        sizes : sequence of int, default=None
            Sizes of blocks of features, each of which is first divided by its root mean
            square, so that the shrinkage treats all blocks alike.
        """
        features = features.cpu()
        sizes = [features.shape[2]] if sizes is None else list(sizes)
        blocks = features.split(sizes, dim=2)
        scale = torch.cat(
            [features.new_full((b.shape[2],), _root_mean_square(b)) for b in blocks]
        )
        features = features / scale
        if isinstance(shrinkage, torch.Tensor):
            # The same shrinkage has a larger effect on a smaller feature.
            relative = (shrinkage / shrinkage.min()).sqrt()
            before = _mean_variance(features, sample_weight)
            features, scale = features / relative, scale * relative
            ratio = before / _mean_variance(features, sample_weight)
            shrinkage = float(shrinkage.min()) * ratio
        self._fit_scaled(features, scale, sample_weight, shrinkage, support_fraction)

    def _fit_scaled(self, features, scale, sample_weight, shrinkage, support_fraction):
        mean, matrix = fit_whitening(
            features,
            sample_weight,
            shrinkage=shrinkage,
            support_fraction=support_fraction,
        )
        self.matrix.copy_(matrix / scale[:, None])
        self.center(mean * scale)

    def center(self, mean):
        """Set the location (n_members, n_features) of each member."""
        with BatchInvariantMatmul():
            mean = mean.unsqueeze(1).to(self.matrix.device)
            self.shift.copy_(-torch.bmm(mean, self.matrix))

    def whiten(self, features):
        """Transform to `n_outputs` features that are uncorrelated in training."""
        return torch.baddbmm(self.shift, features, self.matrix)

    def forward(self, features):
        """Distances of shape (n_members, n_rows)."""
        return torch.linalg.vector_norm(self.whiten(features), dim=2)


class LowRankWhitening(Whitening):
    """Whitening with one variance for all but the largest principal directions.

    The last whitened feature is the distance from the space that these directions span.
    The parameters are those of `Whitening`.
    """

    def __init__(self, n_members, n_features):
        nn.Module.__init__(self)
        self.n_outputs = RANK + 1
        for name, shape in (
            ("scale", (n_features,)),
            ("mean", (n_members, 1, n_features)),
            ("directions", (n_members, n_features, RANK)),
            ("deviation", (n_members, 1, RANK)),
            ("rest", (n_members, 1, 1)),
        ):
            self.register_buffer(name, torch.zeros(shape))

    def _fit_scaled(self, features, scale, sample_weight, shrinkage, support_fraction):
        self.scale.copy_(scale)
        # Training rows come in random order, so the first ones are a random sample.
        found = fit_low_rank(
            features[:, :MOST_ROWS],
            sample_weight[:MOST_ROWS],
            shrinkage=shrinkage,
            support_fraction=support_fraction,
            rank=RANK,
        )
        for name, value in found.items():
            getattr(self, name).copy_(value)

    def center(self, mean):
        """Set the location (n_members, n_features) of each member."""
        self.mean.copy_((mean.to(self.scale.device) / self.scale).unsqueeze(1))

    def whiten(self, features):
        """Coordinates along the directions, and distance from them, standardised."""
        centred = features / self.scale - self.mean
        along = torch.bmm(centred, self.directions)
        rest = centred.sub_(torch.bmm(along, self.directions.mT))
        rest = torch.linalg.vector_norm(rest, dim=2, keepdim=True)
        return torch.cat([along / self.deviation, rest / self.rest], dim=2)

    def rebuild(self, features):
        """Project features onto the space that the directions span."""
        along = torch.bmm(features / self.scale - self.mean, self.directions)
        rebuilt = torch.bmm(along, self.directions.mT)
        return rebuilt.add_(self.mean).mul_(self.scale)


def fit_whitening(features, sample_weight, *, shrinkage, support_fraction=1.0):
    """Estimate location and whitening matrix of several members' features.

    If `support_fraction` is below 1, they are those of the closest rows; see
    `closest_rows`.

    Parameters
    ----------
    features : torch.Tensor of shape (n_members, n_samples, n_columns)
        Features of the training rows, on the CPU.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights of the rows.
    shrinkage : float
        Added to the diagonal, as a share of the mean eigenvalue.
    support_fraction : float, default=1.0
        Share of the weight, that of the closest rows, used for the covariance.

    Returns
    -------
    mean : torch.Tensor of shape (n_members, n_columns)
    matrix : torch.Tensor of shape (n_members, n_columns, n_columns)
        ``norm((features - mean) @ matrix)`` is the distance.
    """

    def whiten(kept):
        if len(kept) == len(sample_weight):
            return _whiten(features, sample_weight, shrinkage)
        return _whiten(features[:, kept], sample_weight[kept], shrinkage)

    def distances(kept):
        return mahalanobis(features, *whiten(kept)).numpy()

    # Products must round alike for any number of threads, or a fit in a worker process
    # would differ from one in its parent. Those of several members do so anyway.
    with BatchInvariantMatmul(MOST_TERMS if len(features) == 1 else None):
        return whiten(closest_rows(distances, sample_weight, support_fraction))


def mahalanobis(features, mean, matrix):
    """Distances of shape (n_members, n_samples); see `fit_whitening`."""
    centred = features - mean.unsqueeze(1)
    return torch.linalg.vector_norm(torch.bmm(centred, matrix), dim=2)


def _whiten(features, weight, shrinkage):
    """Location and whitening matrix of all rows."""
    share = torch.from_numpy(weight / weight.sum()).to(features).unsqueeze(1)
    mean = torch.bmm(features.mT, share.expand(len(features), -1, 1)).squeeze(2)
    centred = features - mean.unsqueeze(1)
    covariance = torch.bmm(centred.mT, centred * share).double().numpy()
    if not np.isfinite(covariance).all():
        # Scores that are not finite raise an error with the remedy in the base.
        return mean, features.new_full(covariance.shape, torch.nan)
    diagonal = np.einsum("mii->mi", covariance)
    # The constant keeps the covariance of constant features invertible.
    diagonal += shrinkage * diagonal.mean(axis=1, keepdims=True) + 1e-12
    with one_blas_thread():
        # The inverse of the transposed Cholesky factor whitens rows.
        factors = np.linalg.cholesky(covariance)
        eye = np.eye(factors.shape[2])
        inverses = [solve_triangular(factor, eye, lower=True) for factor in factors]
    matrix = torch.from_numpy(np.stack(inverses)).mT.contiguous()
    return mean, matrix.to(features)


def _mean_variance(features, weight):
    """Mean over all members of the features' variances."""
    # In numpy, as in `_root_mean_square`.
    features = features.numpy().astype(np.float64)
    mean = np.average(features, axis=1, weights=weight, keepdims=True)
    variance = np.average(np.square(features - mean), axis=1, weights=weight)
    return max(variance.mean(), 1e-12)


def _root_mean_square(block):
    """Root mean square of all cells."""
    # In numpy, because torch splits a sum over all cells among its threads.
    mean = np.square(block.numpy(), dtype=np.float64).mean() if block.numel() else 1.0
    return max(np.sqrt(mean), 1e-9)
