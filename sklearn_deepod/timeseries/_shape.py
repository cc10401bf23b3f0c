"""The shape of windows: random convolutions, pooled, and the nearest centres."""

import torch
from torch import nn

from sklearn_deepod.timeseries._folds import halves
from sklearn_deepod.timeseries._in_parts import in_parts
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
#: Windows from which the centres come. Neither four times as many centres nor more
#: steps of k-means were better on collections of real series.
CENTER_SAMPLE = 1000
#: Rows whose distances to all centres fit into the cache.
CACHED_ROWS = 512


def squared_norms(X):
    """Squared norms of vectors, along the last axis."""
    return X.square().sum(-1)


def distances(X, centers, norms):
    """Distance to the nearest centre.

    Parameters
    ----------
    X : Tensor of shape (n_channels, n_rows, n_features)
        Rows.
    centers : Tensor of shape (n_channels, n_centers, n_features)
        Centres.
    norms : Tensor of shape (n_channels, n_centers)
        Their squared norms.

    Returns
    -------
    Tensor of shape (n_channels, n_rows)
    """
    products = torch.baddbmm(norms.unsqueeze(1), X, centers.transpose(1, 2), alpha=-2.0)
    squares = torch.linalg.vector_norm(X, dim=-1).square_()
    return squares.add_(products.amin(-1)).clamp_(min=0.0).sqrt_()


def nearest(X, centers, norms):
    """Index of the nearest centre; as `distances`, of one channel."""

    def of_rows(X):
        return torch.addmm(norms, X, centers.T, alpha=-2.0).min(1).indices

    return in_parts(of_rows, X, length=CACHED_ROWS)


def k_means(X, n_centers, generator):
    """Centres of rows by one step of Lloyd's algorithm from random rows.

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
    index = nearest(X, centers, squared_norms(centers))
    counts = torch.bincount(index, minlength=n_centers).unsqueeze(1)
    sums = torch.zeros_like(centers).index_add_(0, index, X)
    return torch.where(counts > 0, sums / counts.clamp(min=1), centers)


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
        self.register_buffer("norms", torch.zeros(n_channels, n_centers))
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
        Z, pooled = Z.contiguous(), []
        kernels = self.kernels.T.split([count for _, count in self._groups], 1)
        for (dilation, _), own in zip(self._groups, kernels, strict=True):
            n_positions = self.window - dilation * (TAPS - 1)  # whole blocks
            blocks = _convolve(Z, own, dilation, stride)
            highest = sliding(torch.maximum, blocks.amax(2), n_positions // stride)
            sums = sliding(torch.add, blocks.relu_().sum(2), n_positions // stride)
            pooled += [highest, sums / n_positions]
        # Factors, since products are faster than quotients, here and below.
        factors = 1 / _deviations(Z, self.window, stride)
        return torch.cat(pooled, 2).mul_(factors.unsqueeze(2))

    def forward(self, Z):
        """Scores of the windows, of shape (n_channels, n_windows)."""
        fitted = self.mean, 1 / self.scale, self.centers, self.norms
        return in_parts(self._scores, Z, *fitted).div_(self.unit)

    def _scores(self, Z, mean, factors, centers, norms):
        return distances(self.features(Z).sub_(mean).mul_(factors), centers, norms)

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
        found = []
        for i in range(n_channels):
            own = [piece[i : i + 1] for piece in pieces]
            fitted = self._fit_channel(own, stride, generator)
            # In one tensor each: many small ones would hold on to the freed memory of
            # the features between them.
            if i == 0:
                found = [each.new_empty(n_channels, *each.shape) for each in fitted]
            for whole, each in zip(found, fitted, strict=True):
                whole[i] = each
        self.mean, self.scale, self.centers, scores, held_out = found
        self.norms = squared_norms(self.centers)
        self.unit = scores.median(1, keepdim=True).values.clamp_(min=SMALLEST_UNIT)
        lengths = [(p.shape[1] - self.window) // stride + 1 for p in pieces]
        scores, held_out = (s.div_(self.unit) for s in (scores, held_out))
        return scores.split(lengths, 1), held_out.split(lengths, 1), stride

    def _fit_channel(self, pieces, stride, generator):
        """Mean, scale and centres of one channel, and the scores of its windows."""
        features = torch.cat([self.features(piece, stride) for piece in pieces], 1)[0]
        mean = features.mean(0, keepdim=True)
        features -= mean
        scale = features.square().mean(0, keepdim=True).sqrt_()
        features *= 1 / scale.clamp_(min=SMALLEST_FEATURE_DEVIATION)
        rows = torch.arange(len(features))
        centers = self._centers(features, rows, generator)
        scores = _distances(features, centers)
        held_out = torch.empty_like(scores)
        both = halves(len(rows), self.window // stride)
        for own, other in (both, both[::-1]):
            others = torch.cat([rows[block] for block in other])
            others = self._centers(features, others, generator, CENTER_SAMPLE // 2)
            for block in own:
                held_out[block] = _distances(features[block], others)
        return mean, scale, centers, scores, held_out

    def _centers(self, features, rows, generator, size=CENTER_SAMPLE):
        """Centres of a random sample of some of the windows."""
        sample = features[rows[_sample(len(rows), size, generator)]]
        return k_means(sample, self._n_centers, generator)


def _distances(features, centers):
    """`distances` of one channel."""
    return distances(features[None], centers[None], squared_norms(centers)[None])[0]


def _deviations(Z, window, stride):
    """Standard deviation of each window, bounded below."""
    values = torch.cat([Z, Z.square()])[:, : Z.shape[1] // stride * stride]
    sums = sliding(
        torch.add, values.unflatten(1, (-1, stride)).sum(2), window // stride
    )
    mean, square = sums.div_(window).chunk(2)
    variance = (square - mean.square()).clamp_(min=0.0)
    return variance.sqrt_().clamp_(min=SMALLEST_DEVIATION)


def _convolve(Z, kernels, dilation, stride):
    """Convolutions with columns, of shape (n_channels, n_blocks, stride, n_kernels)."""
    n_channels, n_timestamps = Z.shape
    n_positions = (n_timestamps - dilation * (TAPS - 1)) // stride * stride
    shape = n_channels, n_positions, TAPS
    taps = Z.as_strided(shape, (n_timestamps, 1, dilation))
    values = taps.reshape(-1, TAPS) @ kernels
    return values.view(n_channels, -1, stride, kernels.shape[1])
