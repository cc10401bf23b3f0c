"""Features on their way in: missing values, scaling, sparse rows made dense."""

import copy

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from sklearn_deepod.scoring import (
    repeated_rows,
    weighted_mean_and_std,
    weighted_quantile,
    without_spread,
)

SAMPLE_CELLS = 2**18
# Where the scaling turns from linear to logarithmic, in units of the scale.
_KNEE = 10.0
_LARGEST = 1e38
# A scale below this has no reciprocal in float64.
_SMALLEST = 1e-290
# Interquartile range below which, in standard deviations, it is no scale.
_LEAST_SPREAD = 1e-9
_LARGEST_QUARTER = np.finfo(np.float64).max / 4.0


class SquashScaler(TransformerMixin, BaseEstimator):
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
    >>> from sklearn_deepod.preparation import SquashScaler
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> SquashScaler().fit(X).transform(X).ravel().astype(int).tolist()
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
        self : SquashScaler
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


def fit_preprocessor(preprocessor, rows, shape):
    """Fit the `preprocessor` parameter of a detector on the training rows.

    Parameters
    ----------
    preprocessor : "auto", None or transformer
        See `BaseDeepDetector`.
    rows : TrainingRows
        The training rows; a large table is represented by a sample.
    shape : tuple of int
        Shape in which the network reads a row; "auto" scales by its channels.

    Returns
    -------
    SquashScaler, None or a fitted clone of the transformer
    """
    if preprocessor is None:
        return None
    n_cells = int(np.prod(rows.shape))
    index, weight = rows.sample(max(256, SAMPLE_CELLS // max(1, n_cells)))
    X = rows.rows(index)
    if isinstance(preprocessor, str):
        scaler = SquashScaler().fit(X.reshape(-1, *shape), sample_weight=weight)
        if len(index) < len(rows) and len(shape) == 1:
            _scale_by_all_rows(scaler, rows)
        return scaler
    # Transformers differ in how they take weights, but all take repeated rows.
    return clone(preprocessor).fit(X[repeated_rows(weight)])


def narrowed(preprocessor, rows, shape):
    """A fitted preprocessor that ignores features without variation among some rows.

    Parameters
    ----------
    preprocessor : SquashScaler, None or a fitted transformer
        What `fit_preprocessor` gave.
    rows : TrainingRows
        The rows that a network is trained on.
    shape : tuple of int
        See `fit_preprocessor`.

    Returns
    -------
    SquashScaler, None or transformer
        A `SquashScaler` in which those features become constant; others as they are.
    """
    if not isinstance(preprocessor, SquashScaler):
        return preprocessor
    among = fit_preprocessor("auto", rows, shape)
    preprocessor = copy.copy(preprocessor)
    constant = np.isinf(among.scale_)
    preprocessor.scale_ = np.where(constant, np.inf, preprocessor.scale_)
    return preprocessor


def varying_cells(preprocessor, shape):
    """Ones for cells that a preprocessor gives values to, zeros for constant ones.

    Parameters
    ----------
    preprocessor : SquashScaler, None or a fitted transformer
        What `fit_preprocessor` or `narrowed` gave.
    shape : tuple of int
        Shape of a prepared row.

    Returns
    -------
    torch.Tensor of shape `shape`
    """
    cells = torch.ones(1, *shape)
    if isinstance(preprocessor, SquashScaler):
        varying = torch.from_numpy(np.isfinite(preprocessor.scale_)).float()
        cells = cells * varying.reshape(_channel_shape(cells.ndim))
    return cells[0]


def _scale_by_all_rows(scaler, rows):
    """Scale the features that do not vary in a sample by all rows."""
    constant = np.flatnonzero(~np.isfinite(scaler.scale_))
    for columns, values in rows.column_blocks(constant):
        exact = SquashScaler().fit(values, sample_weight=rows.weight)
        scaler.center_[columns], scaler.scale_[columns] = exact.center_, exact.scale_


def prepare(preprocessor, X, shape):
    """Float32 tensor of the rows `X` (float64 array) as the network sees them.

    Parameters
    ----------
    preprocessor : SquashScaler, None or a fitted transformer
        What `fit_preprocessor` gave.
    X : ndarray of shape (n_samples, ...)
        Rows in the shape given to the detector.
    shape : tuple of int
        Shape in which the network reads a row. Flat rows that a transformer made
        longer or shorter stay flat.

    Returns
    -------
    torch.Tensor of shape (n_samples, *shape)
    """
    if isinstance(preprocessor, SquashScaler):
        return preprocessor._squash(X.reshape(-1, *shape))
    if preprocessor is None:
        return torch.from_numpy(X.reshape(-1, *shape)).float()
    Z = preprocessor.transform(X)
    Z = Z.toarray() if sp.issparse(Z) else np.asarray(Z)
    Z = torch.from_numpy(np.array(Z, dtype=np.float32))
    if len(shape) > 1 and Z[0].numel() == np.prod(shape):
        return Z.reshape(-1, *shape)
    return Z


def check_restores(preprocessor):
    """Raise where `restore` cannot undo what the preprocessor does.

    Parameters
    ----------
    preprocessor : SquashScaler, None or a fitted transformer
        What `fit_preprocessor` gave.
    """
    if preprocessor is not None and not hasattr(preprocessor, "inverse_transform"):
        raise AttributeError(
            f"{type(preprocessor).__name__} has no inverse_transform, so rows have no "
            "way back from the network to the features' units."
        )


def restore(preprocessor, Z, row_shape):
    """Undo `prepare`.

    Parameters
    ----------
    preprocessor : SquashScaler, None or a fitted transformer
        What `fit_preprocessor` gave; with ``inverse_transform``.
    Z : ndarray of shape (n_samples, ...)
        Rows as the network sees them.
    row_shape : tuple of int
        Shape of a row as it was given to the detector.

    Returns
    -------
    ndarray of shape (n_samples, *row_shape)
    """
    if isinstance(preprocessor, SquashScaler):
        Z = preprocessor.inverse_transform(Z)
    elif preprocessor is not None:
        flat = len(row_shape) == 1
        Z = preprocessor.inverse_transform(Z.reshape(len(Z), -1) if flat else Z)
    return np.asarray(Z).reshape(-1, *row_shape)


def check_no_empty_columns(X, feature_names=None):
    """Raise where a column has no value at all.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or sparse matrix
        The table.
    feature_names : ndarray of str, default=None
        Names for the message.
    """
    if sp.issparse(X):
        missing = X.copy()
        missing.data = np.isnan(X.data).astype(np.float64)
        empty = np.flatnonzero(np.asarray(missing.sum(axis=0)).ravel() == X.shape[0])
    else:
        # Rows that hold a value in every column are the rule: look at few first.
        seen = ~np.isnan(X[:1000]).all(axis=0)
        empty = [] if seen.all() else np.flatnonzero(np.isnan(X).all(axis=0))
    if len(empty):
        names = empty.tolist() if feature_names is None else list(feature_names[empty])
        raise ValueError(
            f"All values are missing in column(s) {names}. Drop them, or impute them "
            "before the detector."
        )


def _channel_shape(ndim):
    """Shape that lines one value per channel up with an array of `ndim` axes."""
    return {2: (1, -1), 3: (1, 1, -1), 4: (1, -1, 1, 1)}[ndim]


def _by_channel(X):
    """View of shape (n_values, n_channels)."""
    if X.ndim == 4:
        X = np.moveaxis(X, 1, -1)
    return X.reshape(-1, X.shape[-1])
