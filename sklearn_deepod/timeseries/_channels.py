"""Channels on a common scale, without gaps, and those that never vary in training."""

import numpy as np

from sklearn_deepod._stats import rounding, without_spread

#: Standardised values are at most this far from 0, so that squares stay finite.
_FURTHEST = 1e100
#: A value that is more than this many times the training range beyond it counts as a
#: change, whatever the components say. In 151 real series, it is at most 99 times.
_FAR = 1000.0


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
        self._set_bounds()
        self.two_valued = self._has_two_values(segments, before)

    def _has_two_values(self, segments, before):
        """Whether channels vary, but between their lowest and highest value only."""
        low, high = self.arrays["low"], self.arrays["high"]
        found = ~self.constant
        if before is not None:
            found &= before.two_valued | before.constant
            earlier = np.stack([before.arrays["low"], before.arrays["high"]])
            segments = [*segments, earlier]
        for X in segments:
            found &= ((low == X) | (high == X) | np.isnan(X)).all(axis=0)
        return found

    def _set_bounds(self):
        """Set beyond which distance from the training values a channel has changed."""
        low, high = self.arrays["low"], self.arrays["high"]
        size = np.maximum(np.abs(low), np.abs(high))
        # All in halves, which stay finite.
        with np.errstate(over="ignore"):
            far = np.minimum(_FAR * (high / 2 - low / 2), np.finfo(np.float64).max / 4)
            self._unit = np.where(self.constant, rounding(size) / 2, far)
            self._lowest, self._highest = low - 2 * self._unit, high + 2 * self._unit
        self._bits = np.log2(np.where(size > 0, self._unit, rounding(1.0) / 2))

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
            Z = X / self.arrays["size"]
            Z -= self.arrays["mean"]
            Z /= self.arrays["scale"]
        if self.constant.any():
            Z[:, self.constant] = 0.0
        if not np.abs(Z).max(initial=0.0) <= _FURTHEST:  # or NaN
            Z = np.clip(np.nan_to_num(Z, nan=0.0), -_FURTHEST, _FURTHEST)
        return Z.T.copy()

    def changes(self, X):
        """How far values are beyond what may be compared with the training series.

        Parameters
        ----------
        X : ndarray of shape (n_timestamps, n_channels)
            The series.

        Returns
        -------
        ndarray of shape (n_timestamps, n_channels) or None
            In a channel that was constant in training, 0 where it has its value; in any
            other, up to 1,000 times the training range beyond it. Else 1 and more,
            growing with the logarithm of the change, about 2 for a change of a constant
            channel by its own size. None if all are 0.
        """
        beyond = (self._lowest > X) | (self._highest < X)
        if not beyond.any():
            return None
        low, high = self.arrays["low"], self.arrays["high"]
        distance = np.fmax(X / 2 - high / 2, low / 2 - X / 2)
        bits = np.log2(distance, where=beyond, out=np.zeros(X.shape)) - self._bits
        bits = np.logaddexp2(bits, 0.0) / np.finfo(np.float64).nmant
        return np.where(beyond, 1.0 + bits, 0.0)
