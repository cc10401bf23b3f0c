"""Series that have been read: their segments, and the way back to the rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_deepod.timeseries._time_stamps import TimeStamps
from sklearn_deepod.utils._optional_imports import optional_import


@dataclass(frozen=True)
class Part:
    """One of the series, as the caller sees it.

    Attributes
    ----------
    label : object
        Label of the group or position in the list; None if there is only one series.
    name : str
        What messages call it.
    rows : slice or ndarray of int
        Its rows among those of all series.
    position : callable
        Stamp or number by the number of the row within this series.
    stamps : TimeStamps or None
        Its time stamps.
    """

    label: Any
    name: str
    rows: Any
    position: Any
    stamps: TimeStamps | None


@dataclass(frozen=True)
class Segment:
    """Time stamps without a gap.

    Attributes
    ----------
    values : ndarray of shape (n_timestamps, n_channels)
        The channels, with those of interpolated time stamps.
    part : Part
        The series that it belongs to.
    first : int
        First row within that series.
    kept : ndarray of bool of shape (n_timestamps,) or None
        Which time stamps are not interpolated; None if none is.
    """

    values: np.ndarray
    part: Part
    first: int
    kept: np.ndarray | None

    @property
    def n_rows(self):
        """Number of time stamps that are not interpolated."""
        return len(self.values) if self.kept is None else int(self.kept.sum())

    @property
    def rows(self):
        """Rows among those of all series."""
        first, stop = self.first, self.first + self.n_rows
        rows = self.part.rows
        if isinstance(rows, slice):
            return slice(rows.start + first, rows.start + stop)
        return rows[first:stop]


class Series:
    """What `read_series` returns.

    Parameters
    ----------
    pieces : list of Segment
        All segments, in the order of the series and, within one, of time.
    n_rows : int
        Number of rows of all series.
    shape : tuple of int
        Shape of the scores: (n_rows,), or (n_series, n_timestamps) for an array of
        three axes.
    indexes : list
        Index of each frame of pandas, None for other tables.
    is_several : bool
        Whether the caller gave several series.

    Attributes
    ----------
    segments : list of ndarray of shape (n_timestamps, n_channels)
        Values of the segments: contiguous in time, in temporal order. No window may
        reach from one to another.
    """

    def __init__(self, pieces, *, n_rows, shape, indexes, is_several):
        self.pieces = pieces
        self.segments = [piece.values for piece in pieces]
        self.n_rows = n_rows
        self.shape = shape
        self.indexes = indexes
        self.is_several = is_several

    def to_rows(self, values):
        """Put the values of time stamps into the caller's order of rows.

        Parameters
        ----------
        values : list of ndarray of shape (n_timestamps, ...)
            For each segment a value, or an array, for each of its time stamps.

        Returns
        -------
        ndarray of shape (n_rows, ...) or (n_series, n_timestamps, ...)
            Interpolated time stamps are left out.
        """
        first = np.asarray(values[0])
        rows = np.empty((self.n_rows, *first.shape[1:]), dtype=first.dtype)
        for piece, value in zip(self.pieces, values, strict=True):
            rows[piece.rows] = value if piece.kept is None else value[piece.kept]
        return rows.reshape(*self.shape, *first.shape[1:])

    def check_lengths(self, min_length, *, training):
        """Raise if a segment is shorter than a window of `min_length` time stamps."""
        for piece in self.pieces:
            n = len(piece.values)
            if n >= min_length:
                continue
            if n < _n_rows(piece.part, self.n_rows):
                first = piece.part.position(piece.first)
                last = piece.part.position(piece.first + piece.n_rows - 1)
                raise ValueError(
                    f"The part of {piece.part.name} from {first} to {last}, between "
                    f"gaps, has {n} time stamps, fewer than window={min_length}. Drop "
                    "these rows, use a smaller window, or fill short gaps by "
                    "on_gap='interpolate'."
                )
            raise ValueError(
                f"{piece.part.name} has n_samples={n} time stamps (rows), fewer than "
                f"window={min_length}. "
                + (
                    "Give a longer series or a smaller window."
                    if training
                    else "Give the time stamps before them as well."
                )
            )

    def as_container(self, values, name, library, channels=None):
        """Convert the values of rows to a series or frame of pandas or polars.

        Parameters
        ----------
        values : ndarray of shape (n_rows,) or (n_series, n_timestamps)
            One value for each row, or, with `channels`, one for each row and channel
            on a further axis.
        name : str
            Name of the result.
        library : {"default", "pandas", "polars"}
            "default" returns the array.
        channels : ndarray of shape (n_channels,), default=None
            Names of the channels, if `values` has them as its last axis.

        Returns
        -------
        ndarray, pandas.Series, polars.Series or data frame
            A data frame for values of two axes: one row for each time stamp, with
            `channels`, or one for each series. An array for values of three axes.
        """
        if library == "default" or values.ndim > 2:
            return values
        frames = optional_import(library, "timeseries")
        if library == "pandas":
            index = self._index(frames)
            if values.ndim == 1:
                return frames.Series(values, index=index, name=name)
            if channels is not None:
                return frames.DataFrame(values, index=index, columns=channels)
            return frames.DataFrame(values)
        if values.ndim == 1:
            return frames.Series(name, values)
        names = None if channels is None else [*map(str, channels)]
        return frames.DataFrame(values, schema=names)

    def _index(self, pandas):
        """The index of all rows; the number of the frame is its first level."""
        if any(index is None for index in self.indexes):
            return None
        if not self.is_several or len(self.indexes) == 1:
            return self.indexes[0]
        empty = [pandas.Series(0, index=index) for index in self.indexes]
        names = ["series", *self.indexes[0].names]
        return pandas.concat(empty, keys=range(len(empty)), names=names).index


def _n_rows(part, n_rows):
    """Number of rows of one series."""
    if isinstance(part.rows, slice):
        return len(range(*part.rows.indices(n_rows)))
    return len(part.rows)
