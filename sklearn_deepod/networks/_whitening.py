"""Mahalanobis distance of features as a module."""

import numpy as np
import torch
from torch import nn

from sklearn_deepod.scoring import fit_whitening
from sklearn_deepod.utils import one_blas_thread


class Whitening(nn.Module):
    """Distance of each row's features from the training rows', for each member.

    Parameters
    ----------
    n_members, n_features : int
        Members and features of each.
    """

    def __init__(self, n_members, n_features):
        super().__init__()
        self.register_buffer("shift", torch.zeros(n_members, 1, n_features))
        self.register_buffer("matrix", torch.zeros(n_members, n_features, n_features))

    def fit(self, features, sample_weight, *, ridge, keep=1.0, sizes=None):
        """Learn the covariance of training features.

        Parameters
        ----------
        features : torch.Tensor of shape (n_members, n_rows, n_features)
            Features of the training rows.
        sample_weight : ndarray of shape (n_rows,)
            Positive weights.
        ridge : float
            Added to the diagonal, as a share of the mean eigenvalue.
        keep : float, default=1.0
            Share of the rows, the closest ones, that the covariance is computed from.
        sizes : sequence of int, default=None
            Sizes of blocks of features, each of which is first divided by the root of
            its mean square, so that the ridge is fair to all.
        """
        features = features.cpu().numpy()
        sizes = np.array([features.shape[2]] if sizes is None else sizes)
        blocks = np.split(features, np.cumsum(sizes)[:-1], axis=2)
        scale = np.repeat([_root_mean_square(b) for b in blocks], sizes)
        scale = scale.astype(np.float32)
        mean, matrix = fit_whitening(
            features / scale, sample_weight, ridge=ridge, keep=keep
        )
        self.set(mean * scale, matrix / scale[:, None])

    def set(self, mean, matrix):
        """Take a location and a whitening matrix of each member."""
        with one_blas_thread():
            shift = -mean[:, None] @ matrix
        self.shift.copy_(torch.from_numpy(shift))
        self.matrix.copy_(torch.from_numpy(matrix))

    def whiten(self, features):
        """Features of the shape given, uncorrelated and of one size in training."""
        return torch.baddbmm(self.shift, features, self.matrix)

    def forward(self, features):
        """Distances of shape (n_members, n_rows)."""
        return torch.linalg.vector_norm(self.whiten(features), dim=2)


def _root_mean_square(block):
    mean = np.square(block, dtype=np.float64).mean() if block.size else 1.0
    return max(np.sqrt(mean), 1e-9)
