"""The level of windows and of time stamps: raw values, in units of the channel."""

import torch
from torch import nn

from sklearn_deepod.timeseries._folds import halves
from sklearn_deepod.timeseries._in_parts import in_parts
from sklearn_deepod.timeseries._shape import k_means, nearest, squared_norms

#: Values further out, in standard deviations, count as this: a drift would otherwise
#: outweigh all else.
FURTHEST = 10.0
#: Shrinkage of the covariance of windows, as a share of the mean eigenvalue.
SHRINKAGE = 0.01
#: Values of windows that fit into the cache.
CACHED_CELLS = 2**18
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
        self.register_buffer("shift", torch.zeros(n_channels, 1, window))
        self.register_buffer("whitening", torch.zeros(n_channels, window, window))

    def _windows(self, Z):
        return Z.clamp(-FURTHEST, FURTHEST).unfold(1, self.window, self.stride)

    def forward(self, Z):
        """Scores of the windows, of shape (n_channels, n_windows)."""
        return _mahalanobis(self._windows(Z), self.shift, self.whitening)

    def fit(self, pieces, generator):
        """Learn from pieces of the training series; see `ShapeComponent.fit`."""
        parts = [self._windows(piece) for piece in pieces]
        lengths = [part.shape[1] for part in parts]
        n_channels = max(1, CACHED_CELLS // (sum(lengths) * self.window))
        fitted = [
            self._fit_channels(torch.cat(few, 1))
            for few in zip(*(part.split(n_channels) for part in parts), strict=True)
        ]
        self.shift, self.whitening, *scores = map(torch.cat, zip(*fitted, strict=True))
        return *(each.split(lengths, 1) for each in scores), self.stride

    def _fit_channels(self, windows):
        """Shift and whitening of some channels, and the scores of their windows."""
        mean = windows.mean(1, keepdim=True)
        windows -= mean
        both = halves(windows.shape[1], self.window // self.stride)
        moments = [_moments(windows, blocks) for blocks in both]
        count, total, square = map(sum, zip(*moments, strict=True))
        covariance = square / count
        variance = covariance.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        whitening = _whitening(covariance, variance)
        scores = _mahalanobis(windows, torch.zeros_like(mean), whitening)
        held_out = torch.empty_like(scores)
        for blocks, (count, total, square) in zip(both, moments[::-1], strict=True):
            center = total / count
            covariance = square / count - center.transpose(1, 2) @ center
            others = _whitening(covariance, variance)
            shift = -center @ others
            for block in blocks:
                held_out[:, block] = _mahalanobis(windows[:, block], shift, others)
        return -mean @ whitening, whitening, scores, held_out


def _moments(windows, blocks):
    """Number of windows, their sum, and the sum of their outer products."""
    total, square = 0.0, 0.0
    for block in blocks:
        own = windows[:, block]
        total = total + own.sum(1, keepdim=True)
        square = square + own.transpose(1, 2) @ own
    return sum(block.stop - block.start for block in blocks), total, square


def _whitening(covariance, variance):
    """Inverse root of the covariance of each channel, after shrinkage."""
    # A channel without variation has distance 0 to whatever it is.
    varies = variance > 0
    identity = torch.eye(covariance.shape[1]).to(covariance)
    ridge = torch.where(varies, SHRINKAGE * variance, 1.0) * identity
    root = torch.linalg.cholesky(covariance + ridge)
    inverse = torch.linalg.solve_triangular(root, identity, upper=False)
    # In the layout of a copy: products by a transposed matrix round otherwise.
    return (inverse.transpose(1, 2) * varies).contiguous()


def _mahalanobis(windows, shift, whitening):
    """Norms of the whitened windows, over the root of their length."""
    norms = in_parts(_whitened_norms, windows, shift, whitening)
    return norms.div_(windows.shape[2] ** 0.5)


def _whitened_norms(windows, shift, whitening):
    return torch.linalg.vector_norm(torch.baddbmm(shift, windows, whitening), dim=2)


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
        return (X - self.centers.index_select(0, index)).abs_().T

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
