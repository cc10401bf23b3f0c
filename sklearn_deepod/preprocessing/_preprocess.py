"""Preprocess training rows and rows to score."""

import copy

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import clone

from sklearn_deepod._stats import repeated_rows
from sklearn_deepod.preprocessing._robust_asinh_scaler import (
    RobustAsinhScaler,
    _channel_shape,
)

SAMPLE_CELLS = 2**18
# Larger values, which `RobustAsinhScaler` does not return, are compressed to a
# logarithm: the largest float64 to 7e14, whose square float32 can represent.
_LINEAR_TO = 1e12


def fit_preprocessor(preprocessor, rows, shape):
    """Fit the `preprocessor` parameter of a detector on the training rows.

    Parameters
    ----------
    preprocessor : "auto", None or transformer
        See `BaseDeepDetector`.
    rows : TrainingRows
        The training rows; of a large table, a sample is used.
    shape : tuple of int
        Shape in which the network reads a row; "auto" scales by channel.

    Returns
    -------
    RobustAsinhScaler, None or a fitted clone of the transformer
    """
    if preprocessor is None:
        return None
    n_cells = int(np.prod(rows.shape))
    index, weight = rows.sample(max(256, SAMPLE_CELLS // max(1, n_cells)))
    X = rows.rows(index)
    if isinstance(preprocessor, str):
        scaler = RobustAsinhScaler().fit(X.reshape(-1, *shape), sample_weight=weight)
        if len(index) < len(rows) and len(shape) == 1:
            _scale_by_all_rows(scaler, rows)
        return scaler
    # Not all transformers take weights, but all take repeated rows.
    return clone(preprocessor).fit(X[repeated_rows(weight)])


def narrowed(preprocessor, rows, shape):
    """A fitted preprocessor that ignores features that do not vary among some rows.

    Parameters
    ----------
    preprocessor : RobustAsinhScaler, None or a fitted transformer
        What `fit_preprocessor` returned.
    rows : TrainingRows
        The rows that a network is trained on.
    shape : tuple of int
        See `fit_preprocessor`.

    Returns
    -------
    RobustAsinhScaler, None or transformer
        A `RobustAsinhScaler` in which those features are constant; other preprocessors
        are returned as they are.
    """
    if not isinstance(preprocessor, RobustAsinhScaler):
        return preprocessor
    among = fit_preprocessor("auto", rows, shape)
    preprocessor = copy.copy(preprocessor)
    constant = np.isinf(among.scale_)
    preprocessor.scale_ = np.where(constant, np.inf, preprocessor.scale_)
    return preprocessor


def varying_cells(preprocessor, shape):
    """Ones for cells that vary after preprocessing, zeros for constant ones.

    Parameters
    ----------
    preprocessor : RobustAsinhScaler, None or a fitted transformer
        What `fit_preprocessor` or `narrowed` returned.
    shape : tuple of int
        Shape of a preprocessed row.

    Returns
    -------
    torch.Tensor of shape `shape`
    """
    cells = torch.ones(1, *shape)
    if isinstance(preprocessor, RobustAsinhScaler):
        varying = torch.from_numpy(np.isfinite(preprocessor.scale_)).float()
        cells = cells * varying.reshape(_channel_shape(cells.ndim))
    return cells[0]


def _scale_by_all_rows(scaler, rows):
    """Use all rows to scale the features that do not vary in the sample."""
    constant = np.flatnonzero(~np.isfinite(scaler.scale_))
    for columns, values in rows.column_blocks(constant):
        exact = RobustAsinhScaler().fit(values, sample_weight=rows.weight)
        scaler.center_[columns], scaler.scale_[columns] = exact.center_, exact.scale_


def preprocess(preprocessor, X, shape):
    """Preprocess the rows `X` (float64 array) into a float32 tensor for the network.

    Parameters
    ----------
    preprocessor : RobustAsinhScaler, None or a fitted transformer
        What `fit_preprocessor` returned.
    X : ndarray of shape (n_samples, ...)
        Rows in the shape given to the detector.
    shape : tuple of int
        Shape in which the network reads a row. Flat rows whose length a transformer
        changed stay flat.

    Returns
    -------
    torch.Tensor of shape (n_samples, *shape)
    """
    if isinstance(preprocessor, RobustAsinhScaler):
        return preprocessor._squash(X.reshape(-1, *shape))
    if preprocessor is None:
        return torch.from_numpy(_bounded(X).reshape(-1, *shape)).float()
    Z = preprocessor.transform(X)
    Z = Z.toarray() if sp.issparse(Z) else np.asarray(Z)
    Z = torch.from_numpy(_bounded(Z).astype(np.float32))
    if len(shape) > 1 and Z[0].numel() == np.prod(shape):
        return Z.reshape(-1, *shape)
    return Z


def _bounded(Z):
    """Compress large values so that no product of a network overflows."""
    far = np.abs(Z) > _LINEAR_TO
    if far.any():
        Z = np.array(Z, dtype=np.float64)
        size = np.minimum(np.abs(Z[far]), np.finfo(np.float64).max)
        size = _LINEAR_TO * (1.0 + np.log(size / _LINEAR_TO))
        Z[far] = np.copysign(size, Z[far])
    return Z


def check_restores(preprocessor):
    """Raise an error if `restore` cannot undo the preprocessor.

    Parameters
    ----------
    preprocessor : RobustAsinhScaler, None or a fitted transformer
        What `fit_preprocessor` returned.
    """
    if preprocessor is not None and not hasattr(preprocessor, "inverse_transform"):
        raise AttributeError(
            f"{type(preprocessor).__name__} has no inverse_transform, so the output of "
            "the network cannot be converted to the units of the features. Use "
            "preprocessor='auto' or a transformer with inverse_transform."
        )


def restore(preprocessor, Z, row_shape):
    """Undo `preprocess`.

    Parameters
    ----------
    preprocessor : RobustAsinhScaler, None or a fitted transformer
        What `fit_preprocessor` returned; with ``inverse_transform``.
    Z : ndarray of shape (n_samples, ...)
        Preprocessed rows.
    row_shape : tuple of int
        Shape of a row given to the detector.

    Returns
    -------
    ndarray of shape (n_samples, *row_shape)
    """
    if isinstance(preprocessor, RobustAsinhScaler):
        Z = preprocessor.inverse_transform(Z)
    elif preprocessor is not None:
        flat = len(row_shape) == 1
        Z = preprocessor.inverse_transform(Z.reshape(len(Z), -1) if flat else Z)
    return np.asarray(Z).reshape(-1, *row_shape)


def check_no_empty_columns(X, feature_names=None):
    """Raise an error if all values of a column are missing.

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
        # The first rows usually have a value in every column.
        seen = ~np.isnan(X[:1000]).all(axis=0)
        empty = [] if seen.all() else np.flatnonzero(np.isnan(X).all(axis=0))
    if len(empty):
        names = empty.tolist() if feature_names is None else list(feature_names[empty])
        raise ValueError(
            f"All values are missing in column(s) {names}. Drop them, or impute them "
            "before the detector."
        )
