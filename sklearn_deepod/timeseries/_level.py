"""The level of windows and of time stamps: raw values, in units of the channel."""

import torch
from torch import nn

from sklearn_deepod.timeseries._folds import halves
from sklearn_deepod.timeseries._shape import (
    channel_slices,
    k_means,
    nearest,
    squared_norms,
)

#: Values further out, in standard deviations, count as this: a drift would otherwise
#: outweigh all else.
FURTHEST = 10.0
#: Shrinkage of the covariance of windows, as a share of the mean eigenvalue.
SHRINKAGE = 0.01
#: Time stamps from which the centres of the joint component come.
CENTER_SAMPLE = 5000


class LevelComponent(nn.Module):
    """Mahalanobis distance of raw windows, for each channel.

    Parameters
    ----------
    window, stride : int
        Length of the windows and distance of their starts.
    n_channels : int
        Number of channels.
    """

    def __init__(self, window, stride, n_channels):
        super().__init__()
        self.window, self.stride = window, stride
        self.register_buffer("mean", torch.zeros(n_channels, 1, window))
        self.register_buffer("whitening", torch.zeros(n_channels, window, window))

    def _windows(self, Z):
        return Z.clamp(-FURTHEST, FURTHEST).unfold(1, self.window, self.stride)

    def forward(self, Z):
        """Scores of the windows, of shape (n_channels, n_windows)."""
        return self._distances(self._windows(Z))

    def fit(self, pieces, generator):
        """Learn from pieces of the training series; see `ShapeComponent.fit`."""
        parts = [self._windows(piece) for piece in pieces]
        windows = torch.cat(parts, 1)
        held_out = windows.new_empty(windows.shape[:2])
        half = halves(windows.shape[1], self.window // self.stride)
        for own in (half, ~half):
            if own.any():
                self._learn(windows[:, ~own] if not own.all() else windows)
                held_out[:, own] = self._distances(windows[:, own])
        self._learn(windows)
        lengths = [part.shape[1] for part in parts]
        scores = self._distances(windows)
        return scores.split(lengths, 1), held_out.split(lengths, 1), self.stride

    def _learn(self, windows):
        """Mean and inverse root of the covariance, for each channel."""
        self.mean = windows.mean(1, keepdim=True)
        centered = windows - self.mean
        covariance = centered.transpose(1, 2) @ centered / windows.shape[1]
        variance = covariance.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        # A channel without variation has distance 0 to whatever it is.
        varies = variance > 0
        identity = torch.eye(self.window).to(windows)
        ridge = torch.where(varies, SHRINKAGE * variance, 1.0) * identity
        root = torch.linalg.cholesky(covariance + ridge)
        inverse = torch.linalg.solve_triangular(root, identity, upper=False)
        # In the layout of a copy: products by a transposed matrix round otherwise.
        self.whitening = (inverse.transpose(1, 2) * varies).contiguous()

    def _distances(self, windows):
        scores = []
        for own in channel_slices(windows):
            whitened = torch.bmm(windows[own] - self.mean[own], self.whitening[own])
            scores.append(torch.linalg.vector_norm(whitened, dim=2))
        return torch.cat(scores).div_(self.window**0.5)


class StampComponent(nn.Module):
    """Distance of the values of a time stamp to the nearest of the training centres.

    It is returned by channel: the differences to the nearest centre.

    Parameters
    ----------
    n_centers : int
        Largest number of centres.
    n_channels : int
        Number of channels.
    """

    def __init__(self, n_centers, n_channels):
        super().__init__()
        self._n_centers = n_centers
        self.register_buffer("centers", torch.zeros(n_centers, n_channels))
        self.register_buffer("norms", torch.zeros(n_centers))

    def forward(self, Z):
        """Differences of time stamps (n_channels, n_timestamps) to their centres."""
        X = _bounded(Z).T
        index = nearest(X, self.centers, self.norms)
        return (X - self.centers[index]).abs_().T

    def fit(self, pieces, generator):
        """Learn the centres from pieces of the training series; score the pieces."""
        X = torch.cat([_bounded(piece) for piece in pieces], 1).T
        sample = X[torch.randperm(len(X), generator=generator)[:CENTER_SAMPLE]]
        self.centers = k_means(sample, self._n_centers, generator)
        self.norms = squared_norms(self.centers)
        return [self(piece) for piece in pieces]


def _bounded(Z):
    """Values of which those far out grow by their logarithm only.

    They do grow: no time stamp is more normal for being further away.
    """
    size = Z.abs()
    if size.amax() <= FURTHEST:
        return Z
    beyond = FURTHEST + torch.log1p((size - FURTHEST).clamp_(min=0.0))
    return torch.where(size > FURTHEST, beyond.copysign(Z), Z)
