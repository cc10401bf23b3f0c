"""The level of windows and of time stamps: raw values, in units of the channel."""

import torch
from torch import nn

from sklearn_deepod.timeseries._shape import k_means, nearest_scores

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
        whitened = (self._windows(Z) - self.mean) @ self.whitening
        return torch.linalg.vector_norm(whitened, dim=2).div_(self.window**0.5)

    def fit(self, pieces, generator):
        """Learn from pieces of the training series; see `ShapeComponent.fit`."""
        count = sum(self._windows(piece).shape[1] for piece in pieces)
        self.mean = sum(
            self._windows(piece).sum(1, keepdim=True) for piece in pieces
        ).div(count)
        covariance = torch.zeros_like(self.whitening).to(pieces[0])
        for piece in pieces:
            centered = self._windows(piece) - self.mean
            covariance += centered.transpose(1, 2) @ centered
        values, vectors = torch.linalg.eigh(covariance / count)
        values = values.clamp(min=0.0)
        values += SHRINKAGE * values.mean(1, keepdim=True)
        # A channel without variation has distance 0 to whatever it is.
        scale = torch.where(values > 0, values.clamp(min=1e-12).rsqrt(), 0.0)
        # In the layout of a copy: products by a transposed matrix round otherwise.
        self.whitening = (vectors * scale.unsqueeze(1)).contiguous()
        return [self(piece) for piece in pieces], self.stride


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
        self.register_buffer("centers", torch.zeros(1, n_centers, n_channels))

    def forward(self, Z):
        """Differences of time stamps (n_channels, n_timestamps) to their centres."""
        X = _bounded(Z).T
        _, index = nearest_scores(X[None], self.centers)
        return (X - self.centers[0, index[0]]).abs_().T

    def fit(self, pieces, generator):
        """Learn the centres from pieces of the training series; score the pieces."""
        X = torch.cat([_bounded(piece) for piece in pieces], 1).T
        sample = X[torch.randperm(len(X), generator=generator)[:CENTER_SAMPLE]]
        self.centers = k_means(sample, self._n_centers, generator)[None]
        return [self(piece) for piece in pieces]


def _bounded(Z):
    """Values of which those far out grow by their logarithm only.

    They do grow: no time stamp is more normal for being further away.
    """
    size = Z.abs()
    if not (size > FURTHEST).any():
        return Z
    beyond = FURTHEST + torch.log1p((size - FURTHEST).clamp_(min=0.0))
    return torch.where(size > FURTHEST, beyond.copysign(Z), Z)
