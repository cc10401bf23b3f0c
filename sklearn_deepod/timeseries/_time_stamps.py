"""Time stamps from the index or a column of a frame, and the test of their order."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_deepod.utils._optional_imports import optional_import

#: What to do about stamps that are out of order, repeated, or irregular, by where they
#: come from. `{column}` is the name of the column.
_REMEDIES = {
    "index": (
        "X.sort_index()",
        "X[~X.index.duplicated()]",
        "X.resample(interval).mean()",
    ),
    "pandas": (
        "X.sort_values({column!r})",
        "X.drop_duplicates({column!r})",
        "X.resample(interval, on={column!r}).mean()",
    ),
    "polars": (
        "X.sort({column!r})",
        "X.unique({column!r}, keep='first', maintain_order=True)",
        "X.group_by_dynamic({column!r}, every=interval).agg(polars.all().mean())",
    ),
}

_DAYLIGHT_SAVING = (
    "Local times, of which an hour repeats when daylight saving ends, need a time zone."
)


@dataclass(frozen=True)
class TimeStamps:
    """Time stamps of one series.

    Attributes
    ----------
    values : ndarray of shape (n_timestamps,)
        Instants (datetime64, in UTC where there is a time zone), durations
        (timedelta64), or numbers.
    local : ndarray of datetime64 or None
        What the clock shows, for instants with a time zone.
    shown : sequence
        The stamps as the caller gave them, for messages and results.
    kind : str
        Stamps of different kinds cannot be compared.
    freq : object
        Frequency of an index of pandas, if it has one.
    source : str
        Key of `_REMEDIES`.
    column : str or None
        Name of the column they come from.
    """

    values: np.ndarray
    local: np.ndarray | None
    shown: Any
    kind: str
    freq: Any = None
    source: str = "index"
    column: str | None = None

    def __len__(self):
        return len(self.values)

    def take(self, rows):
        """Select the stamps of some rows, given as a slice or as positions."""
        if isinstance(rows, slice):  # all rows
            return self
        local = None if self.local is None else self.local[rows]
        # A part of an index need not be regular, so its frequency is not kept.
        return TimeStamps(
            *(self.values[rows], local, self.shown[rows], self.kind, None),
            *(self.source, self.column),
        )

    def at(self, row):
        """The stamp of one row, as the caller gave it."""
        return self.shown[int(row)]  # polars takes no integers of numpy

    @property
    def clock(self):
        """Local time of each stamp, as datetime64."""
        return self.values if self.local is None else self.local

    def remedy(self, which):
        """Code that sorts the rows, drops repeated ones, or makes them regular."""
        position = ("sort", "repeated", "irregular").index(which)
        return _REMEDIES[self.source][position].format(column=self.column)


def from_index(frame):
    """Get the time stamps of a frame of pandas, or None if its index holds no times."""
    pandas = optional_import("pandas", "timeseries")
    index = frame.index
    times = pandas.DatetimeIndex | pandas.PeriodIndex | pandas.TimedeltaIndex
    if not isinstance(index, times):
        return None
    return _from_pandas(index, "the index of X", source="index")


def from_column(frame, column):
    """Get the time stamps from a column of a frame of pandas or polars."""
    where = f"The column {column!r} of X (time_column)"
    if not hasattr(frame, "iloc"):
        return _from_polars(frame[column], where, column)
    pandas = optional_import("pandas", "timeseries")
    values = frame[column]
    if pandas.api.types.is_datetime64_any_dtype(values.dtype):
        index = pandas.DatetimeIndex(values)
    else:
        index = pandas.Index(values)
    return _from_pandas(index, where, source="pandas", column=column)


def check_order(stamps, name):
    """Raise if the stamps do not increase; `name` says which series it is."""
    backwards = np.flatnonzero(stamps.values[1:] < stamps.values[:-1])
    repeated = np.flatnonzero(stamps.values[1:] == stamps.values[:-1])
    if len(backwards):
        i = backwards[0] + 1
        raise ValueError(
            f"The time stamps of {name} are not in order: {stamps.at(i)} follows "
            f"{stamps.at(i - 1)}. Sort the rows, by {stamps.remedy('sort')}; if "
            f"they are those of several series, give groups. {_DAYLIGHT_SAVING}"
        )
    if len(repeated):
        i = repeated[0] + 1
        raise ValueError(
            f"{name} has several rows of the time stamp {stamps.at(i)}. Drop or "
            f"aggregate them, by {stamps.remedy('repeated')}; if they are those of "
            f"several series, give groups. {_DAYLIGHT_SAVING}"
        )


def _from_pandas(index, where, **source):
    """Read an index of pandas."""
    pandas = optional_import("pandas", "timeseries")
    _check_known(np.asarray(index.isna()), where)
    local, freq = None, getattr(index, "freq", None)
    if isinstance(index, pandas.PeriodIndex):
        # Periods are counted in their own unit, such as months or business days.
        kind, values = f"periods ({index.freqstr})", index.asi8
    elif isinstance(index, pandas.DatetimeIndex):
        kind, values = "dates", index
        if index.tz is not None:
            values = index.tz_convert(None)
            local = index.tz_localize(None).to_numpy()
        values = values.to_numpy()
    else:
        kind, values = _plain(index.to_numpy(), where)
    return TimeStamps(values, local, index, kind, freq, **source)


def _from_polars(column, where, name):
    """Read a column of polars."""
    _check_known(column.is_null().to_numpy(), where)
    zone = getattr(column.dtype, "time_zone", None)
    local = None if zone is None else column.dt.replace_time_zone(None).to_numpy()
    kind, values = _plain(column.to_numpy(), where)
    return TimeStamps(values, local, column, kind, source="polars", column=name)


def _plain(values, where):
    """Kind of an array of stamps, and the array in a type that can be subtracted."""
    kinds = {"M": "dates", "m": "durations"}
    if values.dtype.kind in kinds:
        return kinds[values.dtype.kind], values
    if values.dtype.kind in "iuf":
        _check_known(~np.isfinite(values), where)
        return "numbers", values.astype(np.int64 if values.dtype.kind == "i" else float)
    raise ValueError(
        f"{where} holds {values.dtype} values, which are no time stamps. Convert them "
        "to dates first, by pandas.to_datetime or polars' str.to_datetime, or to "
        "numbers."
    )


def _check_known(missing, where):
    if missing.any():
        raise ValueError(
            f"{where} has no time stamp in row {np.flatnonzero(missing)[0]}. Drop the "
            "rows without one."
        )
