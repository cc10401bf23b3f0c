"""Read tables and write changed copies, which keep all other cells and types."""

import numpy as np

from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._sklearn_compat import ADAPTERS_MANAGER, _get_output_config


class Table:
    """Array or data frame of numbers, with a view as floats.

    Parameters
    ----------
    X : array-like or data frame
        The table in the format of the user.
    array : ndarray of shape (n_samples, n_features)
        The validated table.
    estimator : estimator
        If its `set_output` requests another kind of data frame than `X`, the result is
        an array, which scikit-learn converts to that frame.

    Attributes
    ----------
    X : ndarray or data frame
        The input of a detector: `array`, or the frame of pandas or polars.
    array : ndarray of shape (n_samples, n_features)
        The validated array.
    values : ndarray of float64 of shape (n_samples, n_features)
        The cells. Must not be modified, since it may be the array of the user.
    dtypes : list of numpy.dtype
        Type of each column of the result.
    whole : ndarray of bool of shape (n_features,)
        Whether a column holds integers or booleans.
    """

    def __init__(self, X, array, estimator):
        library = type(X).__module__.partition(".")[0]
        self._adapter = ADAPTERS_MANAGER.adapters.get(library)
        self.X = array if self._adapter is None else X
        self.array = array
        with naming("X"):
            self.values = np.asarray(array, dtype=np.float64)
        # Library of the resulting frame; None if the result is an array.
        output = _get_output_config("transform", estimator)["dense"]
        same_kind = self._adapter is not None and output in ("default", library)
        self._library = library if same_kind else None
        self.dtypes = _column_types(X, array, self._library)
        self.whole = np.array([t.kind in "iub" for t in self.dtypes])

    def like(self, values):
        """Convert rows of floats to the format of this table."""
        if self._adapter is None:
            return values
        columns = np.asarray(self.X.columns, dtype=object)
        return self._adapter.create_container(values, values, columns)

    def rounded(self, values):
        """Round the values in columns of whole numbers."""
        return np.where(self.whole, np.rint(values), values)

    def holds(self, value):
        """Whether the type of each column can represent a number exactly."""
        value = np.array([value], dtype=np.float64)
        fits = [_cast(value, dtype)[0] == value[0] for dtype in self.dtypes]
        return ~self.whole | np.array(fits)

    def written(self, rows, changed, new, *, missing=False):
        """Copy the table with new values in some cells.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,)
            Positions of the rows in which cells may change.
        changed : ndarray of bool of shape (n_rows, n_features)
            The cells to change.
        new : ndarray of shape (n_rows, n_features)
            New values.
        missing : bool, default=False
            Whether the new values are missing. If so, columns whose types cannot
            represent missing values become float64, whether or not their cells change.

        Returns
        -------
        ndarray or data frame
        """
        if self._library is None:
            return self._written_array(rows, changed, new, missing)
        is_polars = self._library == "polars"
        copied = self.X.clone() if is_polars else self.X.copy()
        write = _write_polars if is_polars else _write_pandas
        for j in range(changed.shape[1]):
            cells = changed[:, j]
            if not (cells.any() or missing):
                continue
            values = None if missing else _cast(new[cells, j], self.dtypes[j])
            write(copied, j, rows[cells], values)
        return copied

    def _written_array(self, rows, changed, new, missing):
        promoted = missing and self.whole.any()
        dtype = np.float64 if promoted else self.array.dtype
        copied = np.array(self.array, dtype=dtype, order="K")
        i, j = np.nonzero(changed)
        copied[rows[i], j] = _cast(new[i, j], dtype)
        return copied


def _column_types(X, array, library):
    if library is None:
        return [array.dtype] * array.shape[1]
    if library == "polars":
        return [column[:0].to_numpy().dtype for column in X.get_columns()]
    types = [getattr(dtype, "numpy_dtype", dtype) for dtype in X.dtypes]
    for name, dtype in zip(X.columns, types, strict=True):
        if not isinstance(dtype, np.dtype):
            raise TypeError(
                f"Column {name!r} has the type {dtype}, whose cells cannot be changed. "
                "Convert it to numbers, or exclude it by a ColumnTransformer."
            )
    return types


def _write_pandas(frame, j, rows, values):
    column = frame.iloc[:, j].copy()
    has_missing = not isinstance(column.dtype, np.dtype) or column.dtype.kind in "fO"
    if values is None:
        values = getattr(column.dtype, "na_value", np.nan)
        column = column if has_missing else column.astype(np.float64)
    column.iloc[rows] = values
    # An array, since pandas would align a Series by its index.
    frame.isetitem(j, column.array)


def _write_polars(frame, j, rows, values):
    column = frame.to_series(j).clone()
    values = [None] * len(rows) if values is None else values
    values = type(column)(column.name, values, dtype=column.dtype)
    frame.replace_column(j, column.scatter(rows, values))


def _cast(values, dtype):
    """Convert floats; for integers, round them and clip them to the range."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return values >= 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)
