"""Mahalanobis distances under a shrunk, optionally trimmed covariance."""

import numpy as np
import torch
from scipy.linalg import solve_triangular
from torch import nn

from sklearn_deepod._determinism import BatchInvariantMatmul, one_blas_thread
from sklearn_deepod._stats._low_rank import fit_low_rank
from sklearn_deepod._stats._weighted import lowest_share

CONCENTRATION_STEPS = 3
# Features beyond which only the largest directions of a covariance are told apart: its
# decomposition takes time by their cube.
LARGEST_EXACT = 384
# So many of them.
RANK = 128
# Rows that these are computed from, at most.
MOST_ROWS = 512
# Terms of a sum that one thread adds up, whatever their number.
MOST_TERMS = 256


def make_whitening(n_members, n_features):
    """Whitening of features, of low rank where they are many."""
    kind = Whitening if n_features <= LARGEST_EXACT else LowRankWhitening
    return kind(n_members, n_features)


class Whitening(nn.Module):
    """Distance of each row's features from the training rows', for each member.

    Parameters
    ----------
    n_members, n_features : int
        Members and features of each.
    """

    def __init__(self, n_members, n_features):
        super().__init__()
        #: Number of features that `whiten` gives.
        self.n_outputs = n_features
        self.register_buffer("shift", torch.zeros(n_members, 1, n_features))
        self.register_buffer("matrix", torch.zeros(n_members, n_features, n_features))

    def fit(
        self, features, sample_weight, *, shrinkage, support_fraction=1.0, sizes=None
    ):
        """Learn the covariance of training features.

        Parameters
        ----------
        features : torch.Tensor of shape (n_members, n_rows, n_features)
            Features of the training rows.
        sample_weight : ndarray of shape (n_rows,)
            Positive weights.
        shrinkage : float or torch.Tensor of shape (n_features,)
            Added to the diagonal, as a share of the mean eigenvalue; may differ between
            features.
        support_fraction : float, default=1.0
            Share of the rows, the closest ones, that the covariance is computed from.
        sizes : sequence of int, default=None
            Sizes of blocks of features, each of which is first divided by the root of
            its mean square, so that the shrinkage is fair to all.
        """
        features = features.cpu()
        sizes = [features.shape[2]] if sizes is None else list(sizes)
        blocks = features.split(sizes, dim=2)
        scale = torch.cat(
            [features.new_full((b.shape[2],), _root_mean_square(b)) for b in blocks]
        )
        features = features / scale
        if isinstance(shrinkage, torch.Tensor):
            # A smaller feature is shrunk the more by the same shrinkage.
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
        """Take a location (n_members, n_features) of each member."""
        with BatchInvariantMatmul():
            mean = mean.unsqueeze(1).to(self.matrix.device)
            self.shift.copy_(-torch.bmm(mean, self.matrix))

    def whiten(self, features):
        """Features uncorrelated and of one size in training, `n_outputs` of them."""
        return torch.baddbmm(self.shift, features, self.matrix)

    def forward(self, features):
        """Distances of shape (n_members, n_rows)."""
        return torch.linalg.vector_norm(self.whiten(features), dim=2)


class LowRankWhitening(Whitening):
    """One that takes all but the largest directions of a covariance for alike.

    The last of the whitened features is the distance from the space that these
    directions span.

    Parameters
    ----------
    n_members, n_features : int
        Members and features of each.
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
        # The training rows are in a random order, so that the first are a sample.
        found = fit_low_rank(
            features[:, :MOST_ROWS],
            sample_weight[:MOST_ROWS],
            shrinkage=shrinkage,
            support_fraction=support_fraction,
            rank=RANK,
            n_steps=CONCENTRATION_STEPS,
        )
        for name, value in found.items():
            getattr(self, name).copy_(value)

    def center(self, mean):
        """Take a location (n_members, n_features) of each member."""
        self.mean.copy_((mean.to(self.scale.device) / self.scale).unsqueeze(1))

    def whiten(self, features):
        """Place along the directions, and distance from them, each of one size."""
        centred = features / self.scale - self.mean
        along = torch.bmm(centred, self.directions)
        rest = centred.sub_(torch.bmm(along, self.directions.mT))
        rest = torch.linalg.vector_norm(rest, dim=2, keepdim=True)
        return torch.cat([along / self.deviation, rest / self.rest], dim=2)

    def rebuild(self, features):
        """The nearest features that the directions reach."""
        along = torch.bmm(features / self.scale - self.mean, self.directions)
        rebuilt = torch.bmm(along, self.directions.mT)
        return rebuilt.add_(self.mean).mul_(self.scale)


def fit_whitening(features, sample_weight, *, shrinkage, support_fraction=1.0):
    """Location and whitening matrix of several members' features.

    With `support_fraction` below 1 the covariance is that of the share of rows closest
    to the centre, found by concentration steps (Rousseeuw and Van Driessen, 1999); the
    rows kept are common to all members.

    Parameters
    ----------
    features : torch.Tensor of shape (n_members, n_samples, n_columns)
        Features of the training rows, on the CPU.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    shrinkage : float
        Added to the diagonal, as a share of the mean eigenvalue.
    support_fraction : float, default=1.0
        Share of the weight that the covariance is computed from.

    Returns
    -------
    mean : torch.Tensor of shape (n_members, n_columns)
    matrix : torch.Tensor of shape (n_members, n_columns, n_columns)
        ``norm((features - mean) @ matrix)`` is the distance.
    """
    # Products that round alike for any number of threads: a fit in a worker process
    # would else differ from one in its parent. Those of several members do anyway.
    with BatchInvariantMatmul(MOST_TERMS if len(features) == 1 else None):
        whitening = _whiten(features, sample_weight, shrinkage)
        for _ in range(CONCENTRATION_STEPS if support_fraction < 1.0 else 0):
            distances = mahalanobis(features, *whitening).numpy()
            middle = np.median(distances, axis=1, keepdims=True)
            middle[middle == 0] = 1.0
            kept = lowest_share(
                (distances / middle).sum(axis=0), sample_weight, support_fraction
            )
            whitening = _whiten(features[:, kept], sample_weight[kept], shrinkage)
    return whitening


def mahalanobis(features, mean, matrix):
    """Distances of shape (n_members, n_samples); see `fit_whitening`."""
    centred = features - mean.unsqueeze(1)
    return torch.linalg.vector_norm(torch.bmm(centred, matrix), dim=2)


def _whiten(features, weight, shrinkage):
    share = torch.from_numpy(weight / weight.sum()).to(features).unsqueeze(1)
    mean = torch.bmm(features.mT, share.expand(len(features), -1, 1)).squeeze(2)
    centred = features - mean.unsqueeze(1)
    covariance = torch.bmm(centred.mT, centred * share).double().numpy()
    if not np.isfinite(covariance).all():
        # Scores that are not finite make the base say what to do.
        return mean, features.new_full(covariance.shape, torch.nan)
    diagonal = np.einsum("mii->mi", covariance)
    # The floor keeps a network without any variation invertible.
    diagonal += shrinkage * diagonal.mean(axis=1, keepdims=True) + 1e-12
    with one_blas_thread():
        # Only the inverse transpose of the Cholesky factor turns rows into white ones.
        factors = np.linalg.cholesky(covariance)
        eye = np.eye(factors.shape[2])
        inverses = [solve_triangular(factor, eye, lower=True) for factor in factors]
    matrix = torch.from_numpy(np.stack(inverses)).mT.contiguous()
    return mean, matrix.to(features)


def _mean_variance(features, weight):
    # By numpy, as in `_root_mean_square`.
    features = features.numpy().astype(np.float64)
    mean = np.average(features, axis=1, weights=weight, keepdims=True)
    variance = np.average(np.square(features - mean), axis=1, weights=weight)
    return max(variance.mean(), 1e-12)


def _root_mean_square(block):
    # By numpy: torch would part a sum over all cells among its threads.
    mean = np.square(block.numpy(), dtype=np.float64).mean() if block.numel() else 1.0
    return max(np.sqrt(mean), 1e-9)
