"""Channels on a common scale, without gaps, and those that never vary in training."""

import numpy as np

from sklearn_deepod._stats import rounding, without_spread

#: Standardised values are at most this far from 0, so that squares stay finite.
_FURTHEST = 1e100


def fill_forward(X, before=None):
    """Replace missing values by the last value before them in the same channel.

    Parameters
    ----------
    X : ndarray of shape (n_timestamps, n_channels)
        The series.
    before : ndarray of shape (n_channels,), default=None
        The values before the first time stamp.

    Returns
    -------
    ndarray of shape (n_timestamps, n_channels)
        `X` itself if nothing is missing. What has no value before it stays NaN.
    """
    missing = np.isnan(X)
    if not missing.any():
        return X
    if before is not None:
        X = np.concatenate([before[None], X])
        missing = np.concatenate([np.isnan(before)[None], missing])
    rows = np.where(missing, 0, np.arange(len(X))[:, None])
    filled = np.take_along_axis(X, np.maximum.accumulate(rows, axis=0), axis=0)
    return filled if before is None else filled[1:]


class Channels:
    """Standardises channels, and notes those that are constant in training.

    Parameters
    ----------
    segments : list of ndarray of shape (n_timestamps, n_channels)
        The training series.
    before : Channels, default=None
        What series before them showed, which count as well.

    Attributes
    ----------
    arrays : dict of str to ndarray of shape (n_channels,)
        Lowest and highest values, center and scale.
    count, square : ndarray of shape (n_channels,)
        Number of values, and sum of their squared deviations in units of ``size``.
    constant : ndarray of bool of shape (n_channels,)
        Channels that never varied.
    two_valued : ndarray of bool of shape (n_channels,)
        Channels that had two values, such as those of a switch.
    """

    def __init__(self, segments, before=None):
        low = np.fmin.reduce([np.fmin.reduce(X) for X in segments])
        high = np.fmax.reduce([np.fmax.reduce(X) for X in segments])
        if before is not None:
            low = np.fmin(low, before.arrays["low"])
            high = np.fmax(high, before.arrays["high"])
        size = np.maximum(np.abs(low), np.abs(high))
        size[size == 0] = 1.0  # divided by, so that squares stay finite
        count = sum((~np.isnan(X)).sum(axis=0) for X in segments)
        total = sum(np.nansum(X / size, axis=0) for X in segments)
        if before is None:
            mean = total / count
            square = 0.0
        else:
            unit = before.arrays["size"] / size
            earlier = before.arrays["mean"] * unit
            mean = (total + before.count * earlier) / (count + before.count)
            square = before.square * unit**2 + before.count * (earlier - mean) ** 2
            count = count + before.count
        square = square + sum(
            np.nansum((X / size - mean) ** 2, axis=0) for X in segments
        )
        scale = np.sqrt(square / count)
        self.count, self.square = count, square
        self.arrays = {
            "low": low,
            "high": high,
            "size": size,
            "mean": mean,
            "scale": np.where(scale > 0, scale, 1.0),
        }
        self.constant = without_spread(low, high)
        seen = [*segments]
        if before is not None:
            seen += [before.arrays["low"][None], before.arrays["high"][None]]
        extremes = [((low == X) | (high == X) | np.isnan(X)).all(axis=0) for X in seen]
        self.two_valued = np.all(extremes, axis=0) & ~self.constant
        if before is not None:
            self.two_valued &= before.two_valued | before.constant

    @property
    def measured(self):
        """Indices of channels that are more than a state; of all if there are none."""
        found = np.flatnonzero(~(self.two_valued | self.constant))
        return tuple(map(int, found if len(found) else range(len(self.constant))))

    def standardized(self, X):
        """Series of shape (n_channels, n_timestamps); missing values become 0.

        A channel that was constant in training is 0 as well: no component has learned
        how much it may vary. `changes` tells what it does.
        """
        with np.errstate(over="ignore"):
            Z = (X / self.arrays["size"] - self.arrays["mean"]) / self.arrays["scale"]
        Z[:, self.constant] = 0.0
        Z[np.isnan(Z)] = 0.0
        return np.clip(Z, -_FURTHEST, _FURTHEST).T.copy()

    def changes(self, X):
        """How far each constant channel is from its training value.

        Parameters
        ----------
        X : ndarray of shape (n_timestamps, n_channels)
            The series.

        Returns
        -------
        ndarray of shape (n_timestamps, n_channels)
            0 where a channel has its training value or varied in training. Else 1 and
            more, about 2 for a change by the value's own size; it grows with the
            logarithm of the change.
        """
        amounts = np.zeros(X.shape)
        low, high = self.arrays["low"], self.arrays["high"]
        for channel in np.flatnonzero(self.constant):
            size = max(abs(low[channel]), abs(high[channel]))
            unit = rounding(size) / 2  # all in halves, which stay finite
            above = X[:, channel] / 2 - high[channel] / 2
            below = low[channel] / 2 - X[:, channel] / 2
            distance = np.fmax(np.fmax(above, below), 0.0)
            changed = distance > unit
            if changed.any():
                unit = unit if size > 0 else rounding(1.0) / 2
                bits = np.log2(distance[changed]) - np.log2(unit)
                bits = np.logaddexp2(bits, 0.0) / np.finfo(np.float64).nmant
                amounts[changed, channel] = 1.0 + bits
        return amounts
