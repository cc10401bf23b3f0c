"""Events: runs of outlying time stamps."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_deepod.timeseries._series_tables import group_rows, read_table
from sklearn_deepod.utils._optional_imports import optional_import
from sklearn_deepod.utils._sklearn_compat import Interval, validate_params


@validate_params(
    {
        "detector_or_scores": "no_validation",
        "X": "no_validation",
        "threshold": [Interval(Real, None, None, closed="neither"), None],
        "min_length": [Interval(Integral, 1, None, closed="left")],
        "min_gap": [Interval(Integral, 1, None, closed="left")],
        "groups": "no_validation",
        "time_column": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def find_events(
    detector_or_scores,
    X=None,
    *,
    threshold=None,
    min_length=1,
    min_gap=1,
    groups=None,
    time_column=None,
):
    """Summarise outlying time stamps as events, one row for each.

    Time stamps whose score is below the threshold are flagged. Runs of flagged time
    stamps that are close to each other are merged, and short ones dropped. No event
    reaches from one series to another, or across a gap at which the detector splits.

    Read more in the :ref:`User Guide <find-events>`.

    Parameters
    ----------
    detector_or_scores : estimator or array-like
        A fitted outlier detector, which scores `X`; or scores, **higher is more
        normal**, as from `score_samples` or `decision_function`: of shape
        (n_timestamps,), of shape (n_series, n_timestamps), or a list of arrays, one for
        each series.
    X : array-like, data frame, or list of these, default=None
        The series, in a form that the detector takes. With scores, a frame whose index
        names the events, or None.
    threshold : float, default=None
        Scores below it are flagged. None flags ``decision_function(X) < 0``, the
        outliers of the detector. With a detector, it applies to `score_samples`; with
        scores it is required.
    min_length : int, default=1
        Shortest event, in time stamps, after merging.
    min_gap : int, default=1
        Runs with fewer than `min_gap` time stamps between them are one event; 1 merges
        none.
    groups : str or array-like of shape (n_timestamps,), default=None
        Which series each row belongs to: one label for each row, or the name of a
        column of `X`.
    time_column : str, default=None
        Name of the column of `X` with the time stamps, which is not given to the
        detector. Detectors of series have a parameter of this name, which is used
        instead.

    Returns
    -------
    pandas.DataFrame
        One row for each event, in the order of the series and of time:

        - ``series``: label of the group or position in the list (only if there are
          several series);
        - ``start``, ``end``: first and last time stamp, both inclusive; a time stamp is
          named by the time column or the index of a frame, or else by its row number;
        - ``length``: number of rows from start to end;
        - ``peak``: the most anomalous time stamp;
        - ``peak_score``: its anomaly score, **higher is more anomalous**: the negated
          score that was compared with the threshold (`decision_function`, or
          `score_samples` if there is a `threshold`);
        - ``severity``: the sum of the excess over the threshold, in units of the score;
          long and high events come first when sorted by it;
        - ``channel``: the channel to blame, by its name or number: that of the largest
          sum of the detector's ``contributions(X)`` over the flagged time stamps; None
          if the detector has no such method, or for scores.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If `X` or `threshold` is missing, or the numbers of rows differ.

    See Also
    --------
    sklearn_deepod.metrics.range_fbeta_score : Evaluates events against true ones.

    Examples
    --------
    >>> from sklearn_deepod.timeseries import find_events
    >>> scores = [0.5, 0.6, -0.2, -0.4, 0.5, -0.1, 0.7, 0.6, -0.3]
    >>> find_events(scores, threshold=0.0, min_gap=2)[["start", "end", "peak"]]
       start  end  peak
    0      2    5     3
    1      8    8     8
    """
    pandas = optional_import("pandas", "timeseries")
    read = None
    if hasattr(detector_or_scores, "fit"):
        scores, series, read = _of_detector(
            detector_or_scores, X, threshold, groups, time_column
        )
    else:
        scores, series = _of_scores(
            detector_or_scores, X, threshold, groups, time_column
        )
    limit = 0.0 if threshold is None else threshold
    found, flagged = [], []
    for label, rows, position in series:
        for first, stop in _runs(scores[rows] < limit, min_length, min_gap):
            of_event = scores[rows][first:stop]
            peak = int(np.argmin(of_event))
            event = {
                "series": label,
                "start": position(first),
                "end": position(stop - 1),
                "length": stop - first,
                "peak": position(first + peak),
                "peak_score": -of_event[peak],
                "severity": np.maximum(limit - of_event, 0).sum(),
                "channel": None,
            }
            found.append(event)
            of_rows = np.arange(len(scores))[rows][first:stop]
            flagged.append(of_rows[of_event < limit])
    if read is not None:
        _blame(found, flagged, detector_or_scores, read)
    columns = ["series", "start", "end", "length", "peak", "peak_score", "severity"]
    events = pandas.DataFrame(found, columns=[*columns, "channel"])
    types = {"length": "int64", "peak_score": "float64", "severity": "float64"}
    events = events.astype(types)
    is_one = all(label is None for label, *_ in series)
    return events.drop(columns="series") if is_one else events


def _of_detector(detector, X, threshold, groups, time_column):
    """Scores of a detector, in one axis, and the series that they belong to.

    Also a function that calls a method of the detector with the series.
    """
    if X is None:
        raise ValueError("A detector needs X, the series to find events in.")
    check_is_fitted(detector)
    method = "decision_function" if threshold is None else "score_samples"
    if hasattr(detector, "_read_series"):
        series = [
            (piece.part.label, piece.rows, _shifted(piece.part.position, piece.first))
            for piece in detector._read_series(X, groups).pieces
        ]

        def read(method):
            return np.asarray(getattr(detector, method)(X, groups=groups), dtype=float)

        return read(method).ravel(), series, read
    if groups is not None and hasattr(detector, "steps"):
        raise ValueError(
            f"{type(detector).__name__} cannot pass groups on to a detector. Give the "
            "scores and a threshold instead of the pipeline."
        )
    table = read_table(X, groups=groups, time_column=time_column)

    def read(method):
        return np.asarray(getattr(detector, method)(table.channels), dtype=float)

    return read(method), _series_of(table), read


def _of_scores(scores, X, threshold, groups, time_column):
    """Given scores, in one axis, and the series that they belong to."""
    if threshold is None:
        raise ValueError(
            "Scores need a threshold: 0 for decision_function, or offset_ of the "
            "detector for score_samples."
        )
    if isinstance(scores, list | tuple) and len(scores) and np.ndim(scores[0]) == 1:
        parts = [np.asarray(part, dtype=np.float64) for part in scores]
    else:
        index = getattr(scores, "index", None) if hasattr(scores, "iloc") else None
        scores = np.asarray(scores, dtype=np.float64)
        if scores.ndim != 2:
            return scores, _rows_of_scores(scores, index, X, groups, time_column)
        parts = list(scores)
    if X is not None or groups is not None:
        raise ValueError(
            "X and groups go with scores of one axis. Leave them out, or concatenate "
            "the scores."
        )
    stops = np.cumsum([len(part) for part in parts]).tolist()
    starts = [0, *stops[:-1]]
    series = [
        (i, slice(start, stop), int)
        for i, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]
    return np.concatenate(parts), series


def _rows_of_scores(scores, index, X, groups, time_column):
    """The series of scores of one axis."""
    if scores.ndim != 1:
        raise ValueError(f"The scores have {scores.ndim} axes instead of one or two.")
    if X is not None:
        table = read_table(X, groups=groups, time_column=time_column)
        series = _series_of(table)
        n_rows = len(table.channels)
        if n_rows != len(scores):
            raise ValueError(
                f"X has {n_rows} rows, but there are {len(scores)} scores."
            )
        return series
    if isinstance(groups, str):
        raise ValueError(f"groups={groups!r} names a column, which needs a frame as X.")
    series = [(None, slice(0, len(scores)))]
    if groups is not None:
        series = group_rows(groups, len(scores))
    numbers = np.arange(len(scores)) if index is None else index
    return [(label, rows, numbers[rows].__getitem__) for label, rows in series]


def _series_of(table):
    """Label, rows and positions of each series of a table."""
    return [
        (label, rows, lambda i, rows=rows: table.position(rows, i))
        for label, rows in table.groups
    ]


def _shifted(position, first):
    """The positions of a part that begins at row `first` of its series."""
    return lambda i: position(first + i)


def _runs(flagged, min_length, min_gap):
    """First and stop positions of the events in a mask."""
    changes = np.diff(flagged.astype(np.int8), prepend=0, append=0)
    first, stop = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    apart = first[1:] - stop[:-1] >= min_gap
    if len(first):
        first, stop = first[np.r_[True, apart]], stop[np.r_[apart, True]]
    long = stop - first >= min_length
    return list(zip(first[long].tolist(), stop[long].tolist(), strict=True))


def _blame(events, flagged, detector, read):
    """Write the channel of the largest contribution into each event."""
    if not events or not hasattr(detector, "contributions"):
        return
    parts = read("contributions")
    parts = parts.reshape(-1, parts.shape[-1])
    names = getattr(detector, "feature_names_in_", np.arange(parts.shape[1]))
    for event, rows in zip(events, flagged, strict=True):
        event["channel"] = names[parts[rows].sum(axis=0).argmax()]
