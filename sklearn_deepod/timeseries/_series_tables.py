"""Take the input apart into series: tables, groups of rows, time stamps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_deepod.timeseries._time_stamps import TimeStamps, from_column, from_index
from sklearn_deepod.utils._sklearn_compat import _num_samples


@dataclass(frozen=True)
class Table:
    """The rows of one array or frame.

    Attributes
    ----------
    channels : array-like or frame
        The rows, without columns of time stamps and groups.
    groups : list of (object, slice or ndarray of int)
        Label and rows of each series in it; the label is None if there is only one.
    stamps : TimeStamps or None
        Their time stamps.
    index : pandas.Index or None
        The index of the rows, if they have one.
    """

    channels: Any
    groups: list
    stamps: TimeStamps | None
    index: Any

    def position(self, rows, i):
        """What identifies the i-th of some rows in results.

        That is its time stamp, its label in the index, or its number.
        """
        row = i if isinstance(rows, slice) else int(rows[i])
        if self.stamps is not None:
            return self.stamps.at(row)
        return row if self.index is None else self.index[row]


def is_frame(X):
    """Whether X is a frame of pandas or polars."""
    library = type(X).__module__.partition(".")[0]
    return library in ("pandas", "polars") and hasattr(X, "columns")


def is_several(X):
    """Whether X is a list of series, and not one table."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        return len(X) > 0 and _n_axes(X[0]) == 2
    if not isinstance(X, list | tuple) or not X:
        return False
    if _is_column(X[0]):
        raise ValueError(
            f"X is a list of {type(X[0]).__name__}. A list of series needs frames or "
            "arrays of shape (n_timestamps, n_channels): use to_frame() on each."
        )
    if all(_n_axes(x) == 1 for x in X) and len({len(x) for x in X}) > 1:
        raise ValueError(
            "X holds one-dimensional series of different lengths (or rows of "
            "different lengths). A list of series needs arrays of shape (n_timestamps, "
            "n_channels): use reshape(-1, 1) on series of one channel."
        )
    return any(_n_axes(x) == 2 for x in X)


def check_axes(X):
    """Raise if an item of a list of series is not a table."""
    for i, x in enumerate(X):
        if _n_axes(x) != 2:
            raise ValueError(
                f"X[{i}] has {_n_axes(x)} axes, but a series must have the shape "
                "(n_timestamps, n_channels). Use reshape(-1, 1) if it has one channel."
            )


def read_table(X, *, groups, time_column):
    """Read one array or frame, of one or more series.

    Parameters
    ----------
    X : array-like or frame
        The rows.
    groups : str, array-like or None
        Name of a column, or one label for each row.
    time_column : str or None
        Name of the column of time stamps.

    Returns
    -------
    Table
    """
    index = X.index if is_frame(X) and hasattr(X, "iloc") else None
    stamps = None
    if time_column is not None:
        _check_column(X, time_column, "time_column")
        stamps = from_column(X, time_column)
    elif index is not None:
        stamps = from_index(X)
    labels, extra = groups, [time_column] if time_column is not None else []
    if isinstance(groups, str):
        _check_column(X, groups, "groups")
        labels = X[groups].to_numpy()
        extra.append(groups)
    rows = [(None, slice(None))]
    if labels is not None:
        rows = group_rows(labels, _num_samples(X))
    return Table(_without(X, extra), rows, stamps, index)


def group_rows(groups, n_rows):
    """Find the rows of each group, in the order in which the groups appear.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        The labels.
    n_rows : int
        Number of rows that need a label.

    Returns
    -------
    list of (object, ndarray of int)
        Label and increasing positions.
    """
    labels = np.asarray(groups)
    if labels.shape != (n_rows,):
        raise ValueError(
            f"groups has the shape {labels.shape}, but X has {n_rows} rows. Give one "
            "label for each row, or the name of a column."
        )
    codes, names = np.empty(n_rows, dtype=int), {}
    for row, label in enumerate(labels.tolist()):
        if label is None or label != label:
            raise ValueError(
                f"groups has no label for row {row}. Give the rows a label, or drop "
                "them."
            )
        codes[row] = names.setdefault(label, len(names))
    order = np.argsort(codes, kind="stable")
    borders = np.cumsum(np.bincount(codes))[:-1]
    return list(zip(names, np.split(order, borders), strict=True))


def has_column(X, name):
    """Whether X is a frame with a column of this name."""
    return is_frame(X) and name in list(X.columns)


def _without(X, columns):
    """The frame without some columns."""
    if not columns:
        return X
    if len(X.columns) == len(set(columns)):
        raise ValueError(f"X has no channels beside the columns {columns}.")
    return X.drop(columns=columns) if hasattr(X, "iloc") else X.drop(columns)


def _check_column(X, name, argument):
    if not is_frame(X):
        raise ValueError(
            f"{argument}={name!r} names a column, but X is {type(X).__name__} and not "
            "a frame of pandas or polars. "
            + (
                "Give a frame, or an array with one label for each row."
                if argument == "groups"
                else "Give a frame, or fit with time_column=None."
            )
        )
    if name not in list(X.columns):
        raise ValueError(
            f"{argument}={name!r} is not a column of X. Its columns are: "
            f"{', '.join(map(str, X.columns))}."
        )


def _is_column(x):
    library = type(x).__module__.partition(".")[0]
    return library in ("pandas", "polars") and not hasattr(x, "columns")


def _n_axes(x):
    """Number of axes, without converting nested lists."""
    if is_frame(x):
        return 2
    if hasattr(x, "ndim"):
        return x.ndim
    if hasattr(x, "shape"):
        return len(x.shape)
    if isinstance(x, list | tuple) and x:
        return 1 + _n_axes(x[0])
    return int(isinstance(x, list | tuple))
