"""The rows that a conformal detector is fitted on, and those that calibrate it."""

import numpy as np
import scipy.sparse as sp
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit
from sklearn.utils import check_random_state

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._stats import repeated_rows
from sklearn_deepod.utils._folds import checked_folds
from sklearn_deepod.utils._sklearn_compat import _num_samples, _safe_indexing

# Cells of a table in which rows are repeated as often as their weights say; beyond it
# a detector gets the weights, so that a large weight costs no memory.
REPEATED_CELLS = 2**24


class WeightedRows:
    """Distinct rows in canonical order, with the weights of equal ones added.

    Neither the order of the rows given nor their repetition changes them, so all that
    follows from them is a function of the weighted set of rows.

    Parameters
    ----------
    X, y : {array-like, sparse matrix} and array-like or None
        Rows of any kind that can be indexed, and their labels. Rows that differ in
        their labels are different rows.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows; those of weight 0 are left out.
    index : ndarray of int, default=None
        Positions of the rows that count; None takes all.

    Attributes
    ----------
    positions : ndarray of int of shape (n_distinct,)
        Where each distinct row stands in `X`.
    weight : ndarray of shape (n_distinct,)
        Their weights.
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
        # The detector says what is wrong with rows that have no cells.
        if table.shape[0] and table.shape[1]:
            labels = None if y is None else _codes(_safe_indexing(y, index))
            rows = TrainingRows(table, self.weight, labels)
            self.positions, self.weight = index[rows.positions], rows.weight

    def __len__(self):
        return len(self.positions)

    def part(self, index):
        """The distinct rows at `index`, with their weights."""
        part = object.__new__(WeightedRows)
        vars(part).update(vars(self))
        part.positions, part.weight = self.positions[index], self.weight[index]
        return part

    def rows(self, index=slice(None)):
        """Rows and labels at `index`, in containers of the kinds given."""
        chosen = self.positions[index]
        labels = None if self.y is None else _safe_indexing(self.y, chosen)
        return _safe_indexing(self.X, chosen), labels

    def for_fit(self, *, takes_weights):
        """Rows, labels and weights for the `fit` of a detector.

        Whole weights become repeated rows, unless that makes the table too large.
        Otherwise the detector gets the weights. One that takes none gets rows that are
        repeated in proportion to their weights.

        Parameters
        ----------
        takes_weights : bool
            Whether the detector's `fit` has `sample_weight`.

        Returns
        -------
        X, y, sample_weight
            The weights are None if repetition stands for them.
        """
        most = max(4 * len(self), REPEATED_CELLS // max(1, self._n_cells))
        is_whole = np.array_equal(self.weight, np.round(self.weight))
        if takes_weights and not (is_whole and self.weight.sum() <= most):
            return *self.rows(), self.weight
        return *self.rows(repeated_rows(self.weight, most)), None


def conformal_splits(
    X, y, sample_weight, *, method, calibration_size, cv, random_state
):
    """Rows to fit a detector on and rows to calibrate it, for each detector.

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
            f"Nothing is left to calibrate: {_num_samples(X)} rows were given, of "
            f"which n_samples={len(rows)} differ from each other and have a positive "
            "weight. Give two different rows or more."
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
    """Rows as a table of numbers that are equal where the cells are."""
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
    """An integer for each value, the same for equal ones."""
    values = np.asarray(values)
    if values.ndim > 1:
        _, codes = np.unique(_as_numbers(values), axis=0, return_inverse=True)
        return codes.ravel()
    if values.dtype.kind == "O":
        try:
            if any(isinstance(value, str | bytes) for value in values):
                raise ValueError("texts are no numbers, even if they look like some")
            values = values.astype(np.float64)
        except (TypeError, ValueError):  # what is left may have no order
            values = np.array([repr(value) for value in values])
    return np.unique(values, return_inverse=True)[1]
