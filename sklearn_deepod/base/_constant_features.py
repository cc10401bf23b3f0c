"""Features that were constant in training, and rows in which they are not."""

import copy
import math

import numpy as np
import scipy.sparse as sp

from sklearn_deepod._determinism import chunks, dense_rows
from sklearn_deepod._stats import rounding, without_spread

_FLOAT64 = np.finfo(np.float64)
# How much less a change counts for each that is expected in a normal row.
_CHANGES = 100.0


class ConstantFeatures:
    """Raises the scores of rows in which a feature leaves its one training value.

    A feature that never varies in training is invisible to most networks, and none can
    learn from it how far is far. So a row in which it changes is put beyond all
    training rows, and each change adds to that the more, the further it goes: ``1 +
    log2(1 + distance / rounding error) / 52``, about 2 for a change by the value's own
    size, times the range of the training scores. All other rows keep their scores to
    the last bit.

    Where many features are constant in few rows, as pixels are, some of them change in
    normal rows, too: with k such features in n rows, about k / n in each. Then less is
    added, by the factor ``1 / (1 + 100 k / n)``, so that rows beyond all training rows
    keep their own ranks. Without it the mean ROC AUC of `DeepOutlierDetector` on
    scikit-learn's digits (100 rows of each) falls from 0.98 to 0.96.

    Parameters
    ----------
    X : {ndarray of shape (n_samples, ...), CSR matrix}
        The training rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Rows of weight 0 do not count.
    shape : tuple of int, default=None
        Shape in which the network reads a row; None takes that of the rows. Of
        sequences (time, channels) and images (channels, height, width) a channel is one
        feature, as it is in the preparation, which lets networks see the others' cells.

    Attributes
    ----------
    columns : ndarray of int of shape (n_constant,)
        The cells of the constant features, in the flat row.
    low, high : ndarray of shape (n_constant,)
        Their lowest and highest values in training, which differ by rounding errors at
        most, unless `widened` has seen other values since.
    """

    def __init__(self, X, sample_weight=None, shape=None):
        self._shape = X.shape[1:] if shape is None else shape
        low, high = _ranges(X, sample_weight, self._shape)
        self.columns = np.flatnonzero(without_spread(low, high))
        self._resolution = np.finfo(X.dtype).eps
        self._set_interval(low[self.columns], high[self.columns])
        n_rows = X.shape[0] if sample_weight is None else sample_weight.sum()
        cells_of_one = {1: 1, 2: self._shape[0], 3: math.prod(self._shape[1:])}
        n_constant = len(self.columns) / cells_of_one[len(self._shape)]
        self._share = 1.0 / (1.0 + _CHANGES * n_constant / n_rows)
        self._lowest, self._highest, self._step = -np.inf, -np.inf, 1.0

    def widened(self, X, sample_weight=None):
        """A copy that has seen more training rows."""
        wider = copy.copy(self)
        low, high = _ranges(X, sample_weight, self._shape)
        wider._resolution = max(self._resolution, np.finfo(X.dtype).eps)
        wider._set_interval(
            np.fmin(self.low, low[self.columns]), np.fmax(self.high, high[self.columns])
        )
        return wider

    def measured_by(self, anomaly_scores, threshold):
        """A copy that knows the training scores, and where outliers begin."""
        measured = copy.copy(self)
        measured._lowest = np.min(anomaly_scores)
        measured._highest = max(np.max(anomaly_scores), threshold)
        size = max(abs(measured._lowest), abs(measured._highest))
        # Where scores are equal or differ by rounding errors, that is no unit.
        unit = max(measured._highest - measured._lowest, 1e-6 * size)
        measured._step = self._share * (unit if unit > _FLOAT64.tiny else 1.0)
        return measured

    def scores(self, X, anomaly_scores):
        """Anomaly scores of rows by a function, raised where a constant has changed.

        Before such a row is scored, its changed cells are set back to what they were in
        training, since no network is prepared for them.
        """
        scores = anomaly_scores(X)
        rows, places, values, amounts = self._changes(X)
        if len(rows):
            index, rows = np.unique(rows, return_inverse=True)
            restored = _with_cells(X[index], rows, self.columns[places], values)
            own = anomaly_scores(restored)
            least = np.full(len(own), self._lowest)
            least[rows[self._still_constant[places]]] = self._highest
            # Sums are in the order of a row's cells, whatever the other rows are.
            steps = self._step * np.bincount(rows, amounts)
            scores[index] = np.maximum(own, least) + steps
        return scores

    def _set_interval(self, low, high):
        self.low, self.high = low, high
        size = np.maximum(np.abs(low), np.abs(high))
        # All in halves, so that no difference leaves float64's range.
        self._rounding = rounding(size) / 2
        self._still_constant = without_spread(low, high)
        unit = np.where(size > 0, self._rounding, rounding(1.0) / 2)
        self._unit = np.where(self._still_constant, unit, high / 2 - low / 2)

    def _changes(self, X):
        """Row, place among the constants, training value and amount of each change."""
        if sp.issparse(X):
            flat, columns = X[:, self.columns], slice(None)
        else:
            flat, columns = X.reshape(len(X), -1), self.columns
        found = []
        for part in chunks(X.shape[0], len(self.columns)):
            cells = dense_rows(flat[part, columns], slice(None))
            row, place, amount = self._changed_cells(cells, np.finfo(X.dtype).eps)
            value = np.clip(cells[row, place], self.low[place], self.high[place])
            found.append((part.start + row, place, value, amount))
        return [np.concatenate(arrays) for arrays in zip(*found, strict=True)]

    def _changed_cells(self, cells, resolution):
        """Row, place among the constants, and amount of each change."""
        above, below = cells / 2 - self.high / 2, self.low / 2 - cells / 2
        distance = np.fmax(np.fmax(above, below), 0.0)
        # The same number may come in float32 and in float64.
        coarse = max(resolution, self._resolution) / _FLOAT64.eps
        row, place = np.nonzero(distance > self._rounding * coarse)
        bits = np.log2(distance[row, place]) - np.log2(self._unit)[place]
        bits = np.logaddexp2(bits, 0.0)
        # What varies since has a scale to measure by: its own width.
        constant = self._still_constant[place]
        return row, place, np.where(constant, 1.0 + bits / _FLOAT64.nmant, bits)


def _ranges(X, sample_weight, shape):
    """Lowest and highest value of each channel; NaN and weight 0 do not count."""
    if sample_weight is not None and not sample_weight.all():
        X = X[sample_weight > 0]
    if sp.issparse(X):
        ends = X.nanmin(axis=0).toarray(), X.nanmax(axis=0).toarray()
    else:
        ends = np.fmin.reduce(X), np.fmax.reduce(X)
    cells = {1: (), 2: 0, 3: (1, 2)}[len(shape)]  # of one channel
    low = np.fmin.reduce(ends[0].reshape(shape), axis=cells, keepdims=True)
    high = np.fmax.reduce(ends[1].reshape(shape), axis=cells, keepdims=True)
    ends = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    return [end.ravel().astype(np.float64) for end in ends]


def _with_cells(X, rows, columns, values):
    """The table with other values in some cells of its flat rows."""
    if sp.issparse(X):
        X = X.tolil()
        X[rows, columns] = values
        return X.tocsr()
    flat = X.reshape(len(X), -1)  # of a copy
    flat[rows, columns] = values
    return flat.reshape(X.shape)
