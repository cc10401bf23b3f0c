"""A robust scaler that compresses tails."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_deepod._stats import (
    weighted_mean_and_std,
    weighted_quantile,
    without_spread,
)
from sklearn_deepod.utils._sklearn_compat import _check_sample_weight

# Where the scaling turns from linear to logarithmic, in units of the scale.
_KNEE = 10.0
# Beyond twice this, older releases of torch give an infinite log1p.
_LARGEST = 4e37
# A scale below this has no reciprocal in float64.
_SMALLEST = 1e-290
# Interquartile range below which, in standard deviations, it is no scale.
_LEAST_SPREAD = 1e-9
_LARGEST_QUARTER = np.finfo(np.float64).max / 4.0


class RobustAsinhScaler(TransformerMixin, BaseEstimator):
    """Robust scaling that keeps the far tails within the reach of a network.

    Each feature becomes ``10 asinh((x - median) / (10 s))``. `s` is the interquartile
    range over 1.349, or the standard deviation where that range is below 1e-9 of it.
    Where more than half of the rows have the same value, `s` is the median distance
    of the other rows from it: so a rare category lies one unit away, however rare it
    is, while with a standard deviation it would lie the further off, the rarer it is.
    The scaling is linear up to some ten `s` from the median and
    logarithmic beyond, so that no value leaves the reach of a network. Constant
    features (the values differ by rounding errors at most) become 0, whatever they are
    later: detectors look for changes in them by other means. Missing values stay
    missing. The last axis of sequences (n, time, channels) and the first one of images
    (n, channels, height, width) is scaled as one feature.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_channels,)
        Median and `s`.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod.preprocessing import RobustAsinhScaler
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> RobustAsinhScaler().fit(X).transform(X).ravel().astype(int).tolist()
    [-1, 0, 0, 0, 25]
    """

    def fit(self, X, y=None, sample_weight=None):
        """Learn the location and the scale of each channel.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or more axes
            The rows.
        y : Ignored
            For API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight 2 counts as two rows, one of weight 0 as none.

        Returns
        -------
        self : RobustAsinhScaler
        """
        X = self._validate(X, reset=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if not sample_weight.any():
                raise ValueError(
                    "All sample weights are zero. Give some row a positive weight."
                )
            X, sample_weight = X[sample_weight > 0], sample_weight[sample_weight > 0]
        values = _by_channel(X)
        if sample_weight is not None:
            sample_weight = np.repeat(sample_weight, len(values) // len(X))
        low, self.center_, high = weighted_quantile(
            values, [0.25, 0.5, 0.75], sample_weight
        )
        # Of quarters, so that no difference leaves float64's range; of differences, so
        # that the spread of values such as time stamps keeps its digits.
        deviations = 0.25 * values - 0.25 * self.center_
        _, std = weighted_mean_and_std(deviations, sample_weight)
        std = 4.0 * np.minimum(std, _LARGEST_QUARTER)
        spread = high / 1.349 - low / 1.349
        self.scale_ = np.where(spread > _LEAST_SPREAD * std, spread, std)
        middle = np.flatnonzero(
            weighted_quantile(np.abs(deviations), 0.5, sample_weight) == 0
        )
        others = np.abs(deviations[:, middle])
        others[others == 0] = np.nan
        others = weighted_quantile(others, 0.5, sample_weight)
        self.scale_[middle] = 4.0 * np.minimum(others, _LARGEST_QUARTER)
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)
        self.scale_[without_spread(low, high) | (std < _SMALLEST)] = np.inf
        return self

    def transform(self, X):
        """Scale the rows.

        Parameters
        ----------
        X : array-like of the shape given to `fit`, but for the number of rows
            The rows.

        Returns
        -------
        ndarray of float32
        """
        check_is_fitted(self)
        return self._squash(self._validate(X, reset=False)).numpy()

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of the shape that `transform` returns
            Scaled rows.

        Returns
        -------
        ndarray of float64
        """
        check_is_fitted(self)
        X = np.asarray(X, dtype=np.float64)
        shape = _channel_shape(X.ndim)
        scale = np.where(np.isinf(self.scale_), 0.0, self.scale_)
        steps = _KNEE * np.sinh(X / _KNEE)
        return steps * scale.reshape(shape) + self.center_.reshape(shape)

    def _validate(self, X, *, reset):
        return validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float64,
            order="C",
            copy=True,  # torch takes no read-only and no reversed arrays
            ensure_all_finite="allow-nan",
            allow_nd=True,
        )

    def _squash(self, X):
        center, slope = (
            torch.from_numpy(constant.reshape(_channel_shape(X.ndim)))
            for constant in (self.center_, 1.0 / _KNEE / self.scale_)
        )
        z = torch.from_numpy(X).sub(center).mul_(slope).float()
        return asinh(z.clamp_(-_LARGEST, _LARGEST)).mul_(_KNEE)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def asinh(z):
    """As torch.asinh, which is four times slower: it is not vectorised."""
    size = z.abs()
    share = size / torch.hypot(size, torch.ones((), device=z.device)).add_(1.0)
    return size.addcmul_(size, share).log1p_().copysign_(z)


def _channel_shape(ndim):
    """Shape that lines one value per channel up with an array of `ndim` axes."""
    return {2: (1, -1), 3: (1, 1, -1), 4: (1, -1, 1, 1)}[ndim]


def _by_channel(X):
    """View of shape (n_values, n_channels)."""
    if X.ndim == 4:
        X = np.moveaxis(X, 1, -1)
    return X.reshape(-1, X.shape[-1])
