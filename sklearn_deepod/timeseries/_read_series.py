"""Read one or more series, in any form, as lists of segments."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from sklearn_deepod.timeseries._gaps import cut_at_gaps
from sklearn_deepod.timeseries._sampling import Sampling, gaps, infer_sampling
from sklearn_deepod.timeseries._series import Part, Segment, Series
from sklearn_deepod.timeseries._series_tables import (
    check_axes,
    has_column,
    is_several,
    read_table,
)
from sklearn_deepod.timeseries._time_stamps import check_order
from sklearn_deepod.utils._naming import naming

#: What can be done about a column of time stamps.
TIME_COLUMN = (
    "If they are the time stamps of the series, name their column by time_column."
)
#: Longest gap that is filled, as a share of the window. Windows of longer straight
#: lines would be outliers of our own making, and would be learned in training.
FILL_SHARE = 0.25


@dataclass
class SeriesFormat:
    """How series are read, as in the last fit.

    Attributes
    ----------
    time_column : str or None
        Name of the column of time stamps.
    on_gap : {"raise", "split", "interpolate"}
        What happens at gaps.
    min_length : int
        Length of a window, and thus of the shortest series.
    dtype : dtype or list of dtype
        Types of the values; others are converted to the first.
    max_fill : int or None
        Longest gap that is filled; None is a quarter of `min_length`.
    groups : str or None
        Name of the column of groups in training.
    sampling : Sampling or None
        Sampling of the training series.
    """

    time_column: str | None = None
    on_gap: str = "raise"
    min_length: int = 1
    dtype: Any = np.float64
    max_fill: int | None = None
    groups: str | None = None
    sampling: Sampling | None = None

    @property
    def longest_fill(self):
        """Longest gap that is filled, in time stamps."""
        if self.max_fill is not None:
            return self.max_fill
        return max(1, int(FILL_SHARE * self.min_length))


def read_series(estimator, X, groups, form, *, reset):
    """Read one or more series.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set or compared.
    X : array-like, data frame, or list of these
        The series: an array or frame, a list of them, or an array of shape (n_series,
        n_timestamps, n_channels).
    groups : str, array-like or None
        Name of the column that says which series a row of a frame belongs to, or one
        label for each row.
    form : SeriesFormat
        How they are read. With `reset`, sampling and groups are set.
    reset : bool
        Whether they are the training series.

    Returns
    -------
    Series
    """
    several, three_axes = is_several(X), getattr(X, "ndim", 2) == 3
    if (several or three_axes) and groups is not None:
        raise ValueError(
            "groups says which series the rows of one table belong to, but X holds "
            "several series already. Leave groups out."
        )
    if reset:
        form.groups = groups if isinstance(groups, str) else None
    elif groups is None and form.groups is not None and has_column(X, form.groups):
        groups = form.groups
    items = [X]
    if several or three_axes:
        items = list(X) if several else list(np.asarray(X))
        if not items:
            raise ValueError("X holds no series. Give at least one.")
        check_axes(items)
    tables = [
        read_table(item, groups=groups, time_column=form.time_column) for item in items
    ]
    names = [f"X[{i}]" for i in range(len(items))] if several or three_axes else ["X"]
    values = _validated(estimator, tables, names, form, reset=reset)
    parts, n_rows = _parts(tables, names, values)
    _check_stamps(parts, form, reset=reset)
    shape = (len(items), n_rows // len(items)) if three_axes else (n_rows,)
    series = Series(
        [piece for part in parts for piece in _pieces(part, form)],
        n_rows=n_rows,
        shape=shape,
        indexes=[table.index for table in tables],
        is_several=several or three_axes or groups is not None,
    )
    series.check_lengths(form.min_length, training=reset)
    return series


def _validated(estimator, tables, names, form, *, reset):
    """Convert the channels of each table to an array."""
    found = []
    for i, (table, name) in enumerate(zip(tables, names, strict=True)):
        try:
            with naming("X", remedy=TIME_COLUMN):
                array = validate_data(
                    estimator,
                    table.channels,
                    reset=reset and i == 0,
                    dtype=form.dtype,
                    ensure_all_finite="allow-nan",  # the detector decides
                )
        except ValueError as error:
            if name == "X":
                raise
            raise ValueError(f"{name}: {error}") from error
        found.append(array)
    return found


def _parts(tables, names, arrays):
    """List the series of all tables, and count their rows."""
    parts, first_row = [], 0
    for i, (table, name, array) in enumerate(zip(tables, names, arrays, strict=True)):
        for label, rows in table.groups:
            stamps = None if table.stamps is None else table.stamps.take(rows)
            if label is not None:
                among, called = first_row + rows, f"group {label!r} of {name}"
            else:
                among, called = slice(first_row, first_row + len(array)), name
                label = None if name == "X" else i
            part = Part(label, called, among, partial(table.position, rows), stamps)
            parts.append((part, array[rows]))
        first_row += len(array)
    return parts, first_row


def _check_stamps(parts, form, *, reset):
    """Check the order and the kind of time stamps, and learn their sampling."""
    known = [(part.stamps, part.name) for part, _ in parts if part.stamps is not None]
    for stamps, name in known:
        check_order(stamps, name)
    kinds = {stamps.kind for stamps, _ in known}
    if form.sampling is not None:
        kinds.add(form.sampling.kind)
    if len(kinds) > 1:
        raise ValueError(
            "The time stamps of all series, in training and later, must be of one "
            f"kind, but these are {' and '.join(sorted(kinds))}. Convert them."
        )
    if reset and known:
        form.sampling = infer_sampling([stamps for stamps, _ in known])


def _pieces(part, form):
    """Cut one series into its segments."""
    part, values = part
    sampling, at, n_missing = form.sampling, [], []
    if part.stamps is not None:
        if sampling is None:  # the training series had no time stamps
            sampling = infer_sampling([part.stamps])
        at, n_missing = gaps(part.stamps, sampling, part.name)
    if not len(at):
        return [Segment(values, part, 0, None)]
    if form.on_gap == "raise":
        i = at[0]
        raise ValueError(
            f"{part.name} has {len(at)} gap(s) in its time stamps. The first is from "
            f"{part.stamps.at(i)} to {part.stamps.at(i + 1)}, where "
            f"{n_missing[0]} time stamp(s) are missing at the sampling interval of "
            f"{sampling}. on_gap='split' treats the parts as series of their own, "
            "on_gap='interpolate' fills short gaps."
        )
    cut = cut_at_gaps(
        values, at, n_missing, on_gap=form.on_gap, max_fill=form.longest_fill
    )
    return [Segment(new, part, first, kept) for first, new, kept in cut]
