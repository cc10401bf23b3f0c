"""Series as users give them, as lists of segments; and scores in the users' form.

A detector of series adds `SeriesInputMixin` before `BaseEstimator`, has `time_column`
and `on_gap` in its constructor (and the mixin's `_parameter_constraints` among its
own), and implements `_score_segments`::

    class Detector(SeriesInputMixin, BaseEstimator):
        def fit(self, X, y=None, *, groups=None):
            series = self._read_training_series(X, groups, min_length=self.window)
            ...  # learn from series.segments, arrays (n_timestamps, n_channels)
            scores = series.to_rows(self._score_segments(series.segments))
            self.offset_ = ...  # from scores.ravel()
            return self

        def _score_segments(self, segments):
            return [...]  # for each segment an array of scores, higher is more normal

A detector that derives its window from the data reads with ``max_fill`` instead and
calls ``self._require_length(series, window)`` once it knows the window.

The mixin implements `score_samples`, `decision_function`, `predict` and `fit_predict`
with `groups`, and `set_output`. Other methods that answer row by row, such as
``contributions(X, *, groups=None)``, read with ``series = self._read_series(X,
groups)`` and return ``series.to_rows(values)``; the values may have further axes.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

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
from sklearn_deepod.utils._decision import DecisionMixin
from sklearn_deepod.utils._naming import naming
from sklearn_deepod.utils._sklearn_compat import StrOptions

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


class SeriesInputMixin(DecisionMixin):
    """Methods of detectors of time series, for one series or several.

    Subclasses implement `_score_segments`, which scores arrays of time stamps.

    Parameters
    ----------
    time_column : str, default=None
        Name of the column of time stamps (dates, durations or numbers) in frames of
        pandas or polars. It is not a channel. None uses a DatetimeIndex, PeriodIndex
        or TimedeltaIndex of pandas where there is one, and otherwise takes the rows
        for regular and in order.
    on_gap : {"raise", "split", "interpolate"}, default="raise"
        What to do where time stamps are missing, so that a step is longer than the
        sampling interval of the training series. "raise" raises an error, "split"
        treats the parts as series of their own. "interpolate" fills gaps linearly, up
        to a quarter of a window, and splits at longer ones; the filled time stamps
        get no score. Without time stamps, gaps are not noticed.
    """

    _parameter_constraints: dict = {
        "time_column": [str, None],
        "on_gap": [StrOptions({"raise", "split", "interpolate"})],
    }

    def score_samples(self, X, *, groups=None):
        """Score the time stamps; higher is more normal.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            Series to score, in any of the forms that `fit` takes.
        groups : str or array-like of shape (n_timestamps,), default=None
            See `fit`. A column named in `fit` need not be named again.

        Returns
        -------
        ndarray of shape (n_timestamps,) or (n_series, n_timestamps)
            The scores, one for each row of `X`; those of a list of series follow each
            other. Lower scores are more anomalous. See `set_output` for frames.
        """
        return self._answer("score_samples", X, groups)

    def decision_function(self, X, *, groups=None):
        """Score the time stamps relative to the threshold; negative are outliers.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            Series to score, in any of the forms that `fit` takes.
        groups : str or array-like of shape (n_timestamps,), default=None
            See `fit`. A column named in `fit` need not be named again.

        Returns
        -------
        ndarray of shape (n_timestamps,) or (n_series, n_timestamps)
            ``score_samples(X) - offset_``.
        """
        return self._answer("decision_function", X, groups)

    def predict(self, X, *, groups=None):
        """Label the time stamps.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            Series to label, in any of the forms that `fit` takes.
        groups : str or array-like of shape (n_timestamps,), default=None
            See `fit`. A column named in `fit` need not be named again.

        Returns
        -------
        ndarray of int of shape (n_timestamps,) or (n_series, n_timestamps)
            +1 for inliers, -1 for outliers.
        """
        return self._answer("predict", X, groups)

    def fit_predict(self, X, y=None, *, groups=None):
        """Fit the detector and label the training series.

        Parameters
        ----------
        X : array-like, data frame, or list of these
            Training series, in any of the forms that `fit` takes.
        y : Ignored
            Not used, present for API consistency.
        groups : str or array-like of shape (n_timestamps,), default=None
            See `fit`.

        Returns
        -------
        ndarray of int of shape (n_timestamps,) or (n_series, n_timestamps)
            +1 for inliers, -1 for outliers.
        """
        return self.fit(X, y, groups=groups).predict(X, groups=groups)

    def set_output(self, *, transform=None):
        """Choose the container of scores and labels.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            "pandas" returns a Series with the index of the frame that was scored (for
            a list of frames, with the position in the list as first level), "polars" a
            Series; arrays of three axes give a data frame with one row for each series.
            "default" returns arrays, whatever was scored; the global setting of
            scikit-learn is not used. None leaves the choice as it is.

        Returns
        -------
        self : object
            The detector.
        """
        if transform is None:
            return self
        if transform not in ("default", "pandas", "polars"):
            raise ValueError(
                f"transform={transform!r} must be 'default', 'pandas' or 'polars'."
            )
        # The attribute of scikit-learn's own set_output, which clone copies.
        self._sklearn_output_config = {"transform": transform}
        return self

    def _score_segments(self, segments):
        """Score the time stamps of each segment; higher is more normal."""
        raise NotImplementedError

    def _answer(self, method, X, groups):
        """Read series and give what the method is to return."""
        check_is_fitted(self)
        series = self._read_series(X, groups)
        values = series.to_rows(self._score_segments(series.segments))
        if method != "score_samples":
            values = values - self.offset_
        if method == "predict":
            values = np.where(values < 0, -1, 1)
        config = getattr(self, "_sklearn_output_config", {})
        library = config.get("transform", "default")
        return series.as_container(values, method, library)

    def _read_series(self, X, groups=None):
        """Read series to score, as those of the fit were read."""
        return read_series(self, X, groups, self._series_format, reset=False)

    def _read_training_series(self, X, groups=None, **settings):
        """Read training series; see `SeriesFormat` for the settings."""
        self._series_format = SeriesFormat(self.time_column, self.on_gap, **settings)
        return read_series(self, X, groups, self._series_format, reset=True)

    def _require_length(self, series, min_length):
        """Set the shortest length after the training series have been read."""
        self._series_format.min_length = min_length
        series.check_lengths(min_length, training=True)


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
            with naming("X"):
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
            f"{part.stamps.shown[i]} to {part.stamps.shown[i + 1]}, where "
            f"{n_missing[0]} time stamp(s) are missing at the sampling interval of "
            f"{sampling}. on_gap='split' treats the parts as series of their own, "
            "on_gap='interpolate' fills short gaps."
        )
    cut = cut_at_gaps(
        values, at, n_missing, on_gap=form.on_gap, max_fill=form.longest_fill
    )
    return [Segment(new, part, first, kept) for first, new, kept in cut]
