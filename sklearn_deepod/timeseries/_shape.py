"""The shape of windows: random convolutions, pooled, and the nearest centres."""

import torch
from torch import nn

from sklearn_deepod.timeseries._folds import halves
from sklearn_deepod.timeseries._pooling import sliding

TAPS = 9
DILATIONS = 1, 2, 4, 8
#: Largest share of a window that a dilated kernel spans.
LARGEST_SPAN = 0.6
#: Windows that vary less than this, in units of the channel's standard deviation, are
#: not magnified to a common scale: what would then be compared is noise.
SMALLEST_DEVIATION = 0.3
#: The smallest standard deviation of a feature. Without it a feature that hardly varies
#: in training, such as those of a channel with few changes, outweighs all others.
SMALLEST_FEATURE_DEVIATION = 0.05
#: The smallest unit of the distances of a channel. Between 0.05 and 0.4, it changes the
#: mean ROC AUC over collections of real series by 0.1.
SMALLEST_UNIT = 0.2
#: The smallest dilation spans more than that share of a shorter window.
SHORTEST_WINDOW = 15
#: Windows from which the centres come, and steps of k-means. Four times as many centres
#: were no better on collections of real series.
CENTER_SAMPLE, LLOYD_STEPS = 1000, 2
#: Time stamps of one channel whose features fit into the cache.
CACHED_STAMPS = 4096


def nearest(X, centers):
    """Distance to the nearest centre, and its index.

    Parameters
    ----------
    X : Tensor of shape (n_channels, n_rows, n_features)
        Rows.
    centers : Tensor of shape (n_channels, n_centers, n_features)
        Centres.

    Returns
    -------
    distances : Tensor of shape (n_channels, n_rows)
    index : Tensor of int of shape (n_channels, n_rows)
    """
    found, index = nearest_scores(X, centers)
    squares = torch.linalg.vector_norm(X, dim=-1).square_()
    return squares.add_(found).clamp_(min=0.0).sqrt_(), index


def nearest_scores(X, centers):
    """As `nearest`, with squared distances that lack the squared norm of the row."""
    squares = (centers * centers).sum(-1).unsqueeze(1)
    products = torch.baddbmm(squares, X, centers.transpose(1, 2), alpha=-2.0)
    return products.min(-1)


def k_means(X, n_centers, generator):
    """Centres of rows by a few steps of Lloyd's algorithm from random rows.

    Parameters
    ----------
    X : Tensor of shape (n_rows, n_features)
        Rows.
    n_centers : int
        Number of centres; at most half the rows, since a row that is its own centre
        would have distance 0.
    generator : torch.Generator
        Draws the first centres.

    Returns
    -------
    Tensor of shape (n_centers, n_features)
    """
    n_centers = max(1, min(n_centers, len(X) // 2))
    centers = X[_sample(len(X), n_centers, generator)].clone()
    for _ in range(LLOYD_STEPS):
        _, index = nearest_scores(X[None], centers[None])
        counts = torch.bincount(index[0], minlength=n_centers).unsqueeze(1)
        sums = torch.zeros_like(centers).index_add_(0, index[0], X)
        centers = torch.where(counts > 0, sums / counts.clamp(min=1), centers)
    return centers


def _sample(n, size, generator):
    """Draw `size` of n indices without replacement, on the CPU."""
    return torch.randperm(n, generator=generator)[:size]


class ShapeComponent(nn.Module):
    """How far the shapes of windows are from those of the training windows.

    Zero-sum kernels are convolved with the series; the maximum and the mean of the
    positive part over a window are its features, divided by the window's standard
    deviation. This equals the features of the window after z-normalisation. The score
    is the distance to the nearest of the centres of training windows, for each channel,
    in units of the median over the training windows: the most irregular channels would
    outweigh all others otherwise.

    Parameters
    ----------
    window, stride : int
        Length of the windows and distance of their starts.
    n_kernels, n_centers : int
        Number of kernels, and of centres of each channel.
    n_channels : int
        Number of channels.
    """

    def __init__(self, window, stride, n_kernels, n_centers, n_channels):
        super().__init__()
        self.window, self.stride = window, stride
        spans = [TAPS * d - d + 1 for d in DILATIONS]
        used = [
            d
            for d, span in zip(DILATIONS, spans, strict=True)
            if span <= LARGEST_SPAN * window and (d * (TAPS - 1)) % stride == 0
        ]
        shares = [len(range(i, n_kernels, len(used))) for i in range(len(used))]
        self._groups = [(d, k) for d, k in zip(used, shares, strict=True) if k]
        self._n_centers = n_centers
        n_features = 2 * n_kernels
        self.register_buffer("kernels", torch.zeros(n_kernels, TAPS))
        self.register_buffer("mean", torch.zeros(n_channels, 1, n_features))
        self.register_buffer("scale", torch.ones(n_channels, 1, n_features))
        self.register_buffer("centers", torch.zeros(n_channels, n_centers, n_features))
        self.register_buffer("unit", torch.ones(n_channels, 1))

    def features(self, Z, stride=None):
        """Features of the windows of some channels.

        Parameters
        ----------
        Z : Tensor of shape (n_channels, n_timestamps)
            A piece of the series; its first window starts at its start.
        stride : int, default=None
            None takes that of the component.

        Returns
        -------
        Tensor of shape (n_channels, n_windows, 2 * n_kernels)
        """
        stride = self.stride if stride is None else stride
        n_windows = (Z.shape[1] - self.window) // stride + 1
        deviation = _deviations(Z, self.window, stride)
        pooled, first = [], 0
        for dilation, n_kernels in self._groups:
            kernels = self.kernels[first : first + n_kernels]
            first += n_kernels
            span = dilation * (TAPS - 1)
            length = (self.window - span) // stride
            blocks = _convolve(Z, kernels, dilation, stride)
            highest = sliding(torch.maximum, blocks.amax(2), length)
            sums = sliding(torch.add, blocks.relu_().sum(2), length)
            pooled += [highest[:, :n_windows], sums[:, :n_windows] / (length * stride)]
        return torch.cat(pooled, 2) / deviation[:, :n_windows, None]

    def forward(self, Z):
        """Scores of the windows, of shape (n_channels, n_windows)."""
        # Few channels at a time, whose features stay in the cache.
        step = max(1, CACHED_STAMPS // Z.shape[1])
        scores = []
        for channel in range(0, len(Z), step):
            own = slice(channel, channel + step)
            features = self.features(Z[own]).sub_(self.mean[own])
            features.div_(self.scale[own])
            scores.append(nearest(features, self.centers[own])[0])
        return torch.cat(scores).div_(self.unit)

    def fit(self, pieces, generator):
        """Learn from pieces of the training series; get the scores of their windows.

        Short series have few windows at the component's stride, so that a smaller one
        is used here.

        Parameters
        ----------
        pieces : list of Tensor of shape (n_channels, n_timestamps)
            The pieces, each at least as long as a window.
        generator : torch.Generator
            Draws the kernels and the windows.

        Returns
        -------
        scores : list of Tensor of shape (n_channels, n_windows)
        held_out : list of Tensor of shape (n_channels, n_windows)
            Their scores by the centres of the half that they do not belong to.
        stride : int
            Distance of the starts of the windows that were scored.
        """
        n_channels = len(self.centers)
        kernels = torch.randn(self.kernels.shape, generator=generator)
        kernels -= kernels.mean(1, keepdim=True)
        kernels /= kernels.norm(dim=1, keepdim=True)
        self.kernels = kernels.to(pieces[0])
        stride, n_starts = self.stride, sum(p.shape[1] - self.window for p in pieces)
        while stride > 1 and n_starts // stride < CENTER_SAMPLE:
            stride //= 2
        fitted = [
            self._fit_channel([p[i : i + 1] for p in pieces], stride, generator)
            for i in range(n_channels)
        ]
        mean, scale, centers, *scores = zip(*fitted, strict=True)
        self.mean, self.scale = torch.stack(mean), torch.stack(scale)
        self.centers = torch.stack(centers)
        scores, held_out = (torch.cat(each) for each in scores)
        self.unit = scores.median(1, keepdim=True).values.clamp_(min=SMALLEST_UNIT)
        lengths = [(p.shape[1] - self.window) // stride + 1 for p in pieces]
        scores, held_out = (s.div_(self.unit) for s in (scores, held_out))
        return scores.split(lengths, 1), held_out.split(lengths, 1), stride

    def _fit_channel(self, pieces, stride, generator):
        """Mean, scale and centres of one channel, and the scores of its windows."""
        features = torch.cat([self.features(piece, stride) for piece in pieces], 1)[0]
        mean = features.mean(0, keepdim=True)
        scale = features.std(0, correction=0, keepdim=True)
        scale = scale.clamp(min=SMALLEST_FEATURE_DEVIATION)
        features = (features - mean) / scale
        centers = self._centers(features, generator)
        scores = nearest(features[None], centers[None])[0]
        held_out = scores.clone()
        half = halves(len(features), self.window // stride)
        for own in (half, ~half):
            if own.any() and not own.all():
                others = self._centers(features[~own], generator, CENTER_SAMPLE // 2)
                held_out[:, own] = nearest(features[None, own], others[None])[0]
        return mean, scale, centers, scores, held_out

    def _centers(self, features, generator, size=CENTER_SAMPLE):
        """Centres of a random sample of the windows."""
        sample = features[_sample(len(features), size, generator)]
        return k_means(sample, self._n_centers, generator)


def _deviations(Z, window, stride):
    """Standard deviation of each window, bounded below."""
    blocks = Z[:, : Z.shape[1] // stride * stride].unflatten(1, (-1, stride))
    sums = torch.stack([blocks.sum(2), blocks.square().sum(2)], 2)
    mean, square = (sliding(torch.add, sums, window // stride) / window).unbind(2)
    variance = (square - mean.square()).clamp_(min=0.0)
    return variance.sqrt_().clamp_(min=SMALLEST_DEVIATION)


def _convolve(Z, kernels, dilation, stride):
    """Convolutions, of shape (n_channels, n_blocks, stride, n_kernels)."""
    n_channels, n_timestamps = Z.shape
    n_positions = (n_timestamps - dilation * (TAPS - 1)) // stride * stride
    shape = n_channels, n_positions, TAPS
    Z = Z.contiguous()
    taps = Z.as_strided(shape, (n_timestamps, 1, dilation))
    values = taps.reshape(-1, TAPS) @ kernels.T
    return values.view(n_channels, -1, stride, len(kernels))
