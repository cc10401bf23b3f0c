"""Split the rows of a conformal detector into training and calibration rows."""

import numpy as np
import scipy.sparse as sp
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit
from sklearn.utils import check_random_state

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._stats import repeated_rows
from sklearn_deepod.utils._folds import checked_folds
from sklearn_deepod.utils._sklearn_compat import _num_samples, _safe_indexing

# Largest table, in cells, in which repeated rows stand for whole weights. A detector
# gets the weights beyond it, so that large weights need no memory.
REPEATED_CELLS = 2**24


class WeightedRows:
    """Distinct rows in canonical order, with the summed weights of equal rows.

    They depend neither on the order of the given rows nor on their repetition, so that
    results based on them are functions of the weighted set of rows.

    Parameters
    ----------
    X, y : {array-like, sparse matrix} and array-like or None
        Rows in any format that can be indexed, and their labels. Rows with different
        labels are different.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows. Rows of weight 0 are dropped.
    index : ndarray of int, default=None
        Positions of the rows to use; None uses all.

    Attributes
    ----------
    positions : ndarray of int of shape (n_distinct,)
        Position of each distinct row in `X`.
    weight : ndarray of shape (n_distinct,)
        Summed weights.
    """

    def __init__(self, X, y, sample_weight, index=None):
        self.X, self.y = X, y
        n_samples = _num_samples(X)
        index = np.arange(n_samples) if index is None else np.asarray(index)
        if sample_weight is not None:
            index = index[sample_weight[index] > 0]
        self.positions, self.weight = index, np.ones(len(index))
        if sample_weight is not None:
            self.weight = sample_weight[index]
        everything = len(index) == n_samples
        table = _as_numbers(X if everything else _safe_indexing(X, index))
        self._n_cells = table.shape[1]
        # Rows without cells are left to the validation of the detector.
        if table.shape[0] and table.shape[1]:
            labels = None if y is None else _codes(_safe_indexing(y, index))
            rows = TrainingRows(table, self.weight, labels)
            self.positions, self.weight = index[rows.positions], rows.weight

    def __len__(self):
        return len(self.positions)

    def part(self, index):
        """Get the distinct rows at `index`, with their weights."""
        part = object.__new__(WeightedRows)
        vars(part).update(vars(self))
        part.positions, part.weight = self.positions[index], self.weight[index]
        return part

    def rows(self, index=slice(None)):
        """Get rows and labels at `index`, in the given formats."""
        chosen = self.positions[index]
        labels = None if self.y is None else _safe_indexing(self.y, chosen)
        return _safe_indexing(self.X, chosen), labels

    def for_fit(self, *, takes_weights):
        """Get rows, labels and weights for the `fit` of a detector.

        Rows of whole weights are repeated, unless the table becomes too large.
        Otherwise, the detector gets the weights or, if it does not accept any, rows
        repeated in proportion to them.

        Parameters
        ----------
        takes_weights : bool
            Whether the detector's `fit` has `sample_weight`.

        Returns
        -------
        X, y, sample_weight
            The weights are None if rows are repeated instead.
        """
        most = max(4 * len(self), REPEATED_CELLS // max(1, self._n_cells))
        is_whole = np.array_equal(self.weight, np.round(self.weight))
        if takes_weights and not (is_whole and self.weight.sum() <= most):
            return *self.rows(), self.weight
        return *self.rows(repeated_rows(self.weight, most)), None


def conformal_splits(
    X, y, sample_weight, *, method, calibration_size, cv, random_state
):
    """Split the rows into training and calibration rows, for each detector.

    Parameters
    ----------
    X, y, sample_weight : {array-like, sparse matrix}, array-like, ndarray or None
        The training rows.
    method, calibration_size, cv, random_state
        As in `ConformalDetector`.

    Yields
    ------
    train, calibration : WeightedRows
    """
    if method == "cross" and not np.isscalar(cv):
        for sides in checked_folds(cv, X, y):
            train, calibration = (WeightedRows(X, y, sample_weight, i) for i in sides)
            if len(calibration):
                yield train, calibration
        return
    rows = WeightedRows(X, y, sample_weight)
    if len(rows) < 2:
        raise ValueError(
            f"The rows cannot be split: {_num_samples(X)} rows were given, of which "
            f"n_samples={len(rows)} differ from each other and have a positive weight. "
            "Give at least two different rows."
        )
    rng = check_random_state(random_state)
    if method == "split":
        splitter = ShuffleSplit(1, test_size=calibration_size, random_state=rng)
    elif method == "cross":
        splitter = KFold(cv, shuffle=True, random_state=rng)
    else:
        splitter = LeaveOneOut()
    for train, calibration in splitter.split(np.zeros(len(rows))):
        yield rows.part(train), rows.part(calibration)


def _as_numbers(X):
    """Convert rows to a table of numbers that are equal where the cells are equal."""
    if sp.issparse(X):
        return X.tocsr()
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        array = np.fromiter(X, dtype=object)
    array = array.reshape(len(array), int(np.prod(array.shape[1:])))
    if array.dtype.kind in "biuf":
        return array
    columns = [_codes(column) for column in array.T]
    return np.column_stack(columns) if columns else np.empty(array.shape)


def _codes(values):
    """Encode values as integers, equal values as the same."""
    values = np.asarray(values)
    if values.ndim > 1:
        _, codes = np.unique(_as_numbers(values), axis=0, return_inverse=True)
        return codes.ravel()
    if values.dtype.kind == "O":
        try:
            if any(isinstance(value, str | bytes) for value in values):
                raise ValueError("strings of digits are not numbers")
            values = values.astype(np.float64)
        except (TypeError, ValueError):  # other values may not be sortable
            values = np.array([repr(value) for value in values])
    return np.unique(values, return_inverse=True)[1]
